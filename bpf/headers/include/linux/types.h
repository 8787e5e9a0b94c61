/* Stand-in: the fixed-width types that bcc's helpers and the probe use. */
#ifndef IRQWATCH_LINUX_TYPES_H
#define IRQWATCH_LINUX_TYPES_H

typedef unsigned char __u8, u8, uint8_t;
typedef signed char __s8, s8, int8_t;
typedef unsigned short __u16, u16, __be16, __le16, __sum16, uint16_t;
typedef signed short __s16, s16, int16_t;
typedef unsigned int __u32, u32, __be32, __le32, __wsum, uint32_t;
typedef signed int __s32, s32, int32_t;
typedef unsigned long long __u64, u64, __be64, __le64, uint64_t;
typedef signed long long __s64, s64, int64_t;
typedef unsigned long size_t, uintptr_t;
typedef int pid_t;
typedef _Bool bool;

#define __aligned_u64 __u64 __attribute__((aligned(8)))
#define NULL ((void *)0)
#define true 1
#define false 0

/* bpf_snprintf(), by its number in include/uapi/linux/bpf.h. bcc 0.18 (Debian 11) does not declare it, and
 * clang then lets the program call what is not there. */
static long (*irqw_snprintf)(char *to, u32 size, const char *format, const void *data, u32 length) =
	(void *)165;

#endif
