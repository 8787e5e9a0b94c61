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

/* The name of the kernel's function at `*function`, with its module's. A kernel that cannot write names
 * (bpf_snprintf() is of Linux 5.13) leaves that to the reader, by the address. */
static __always_inline void put_function(char *to, struct format *format, u64 *function)
{
#ifdef KERNEL_NAMES_FUNCTIONS
	irqw_snprintf(to, FUNCTION_BYTES, format->text, function, sizeof(*function));
#else
	u64 unnamed[2] = { NAMED_BY_ADDRESS, *function };

	(void)format;
	__builtin_memcpy(to, unnamed, sizeof(unnamed));
#endif
}

/* Time from `start_ns` to `end_ns`; 0 where the clock seems to have gone backwards. */
static __always_inline u64 elapsed_ns(u64 start_ns, u64 end_ns)
{
	return end_ns > start_ns ? end_ns - start_ns : 0;
}

/* The time now, and the time spent in hard interrupts by now. One that comes between the two reads
 * would be counted on one side only: then read the clock once more. */
static __always_inline u64 now_and_hardirq_ns(struct cpu *cpu, u64 *hardirq_ns)
{
	u64 before_ns = *(volatile u64 *)&cpu->hardirq_ns;
	u64 now_ns = bpf_ktime_get_ns();

	*hardirq_ns = *(volatile u64 *)&cpu->hardirq_ns;
	if (*hardirq_ns != before_ns)
		now_ns = bpf_ktime_get_ns();
	return now_ns;
}

/* Time spent on this CPU in interrupts that are over: what is taken from the thread that runs on it. */
static __always_inline u64 interrupts_ns(struct cpu *cpu)
{
	return cpu->hardirq_ns + cpu->softirq_ns;
}

/* The time now, and that spent in interrupts by now: once more where a softirq came between. */
static __always_inline u64 now_and_interrupts_ns(struct cpu *cpu, u64 *ns)
{
	u64 softirq_ns = *(volatile u64 *)&cpu->softirq_ns;
	u64 hardirq_ns;
	u64 now_ns = now_and_hardirq_ns(cpu, &hardirq_ns);

	if (*(volatile u64 *)&cpu->softirq_ns != softirq_ns) {
		softirq_ns = *(volatile u64 *)&cpu->softirq_ns;
		now_ns = now_and_hardirq_ns(cpu, &hardirq_ns);
	}
	*ns = hardirq_ns + softirq_ns;
	return now_ns;
}

/* What an event of now follows from. Task context is told from a softirq by one being open, which on
 * PREEMPT_RT, where a task may preempt a softirq, can be wrong. */
static __always_inline u64 cause_now(struct cpu *cpu, struct cause *cause)
{
	if (cpu->hardirq_start_ns) {
		*cause = cpu->hardirq;
		return VIA_HARDIRQ;
	}
	if (cpu->softirq_start_ns) {
		*cause = cpu->softirq_cause;
		return VIA_SOFTIRQ + cpu->softirq_vector;
	}
	*cause = cpu->thread;
	return cause->action ? VIA_THREAD : VIA_TASK;
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
