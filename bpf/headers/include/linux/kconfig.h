/* Stand-in: bcc includes it before all else, and its own helpers ask for this one option. */
#define CONFIG_BPF_SYSCALL 1
#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif
