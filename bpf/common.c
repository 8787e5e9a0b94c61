/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* What every collector shares: the per-CPU state, the epoch of the worst events, time. */

BPF_PERCPU_ARRAY(cpus, struct cpu, 1);

/* The reader's: it alone writes. */
BPF_ARRAY(epochs, u32, 1);

static __always_inline struct cpu *this_cpu(void)
{
	int zero = 0;

	return cpus.lookup(&zero);
}

/* Time from `start_ns` to `end_ns`; 0 where the clock seems to have gone backwards. */
static __always_inline u64 elapsed_ns(u64 start_ns, u64 end_ns)
{
	return end_ns > start_ns ? end_ns - start_ns : 0;
}

/* Remember the event if it is the longest of the reader's epoch. */
static __always_inline void keep_worst(struct worsts *worsts, u64 ns, u64 at_ns)
{
	int zero = 0;
	u32 *current = epochs.lookup(&zero);
	struct worst *worst;
	u32 epoch;

	if (!current)
		return;
	epoch = *(volatile u32 *)current; /* once: the reader may move it on meanwhile */
	worst = &worsts->slot[epoch & 1];
	if (worst->epoch == epoch && ns <= worst->ns)
		return;
	worst->ns = ns;
	worst->at_ns = at_ns;
	worst->epoch = epoch;
	worst->pid = bpf_get_current_pid_tgid();
	bpf_get_current_comm(worst->comm, sizeof(worst->comm));
}
