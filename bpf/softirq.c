/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * How long does a softirq wait from its raise, and how long does it run?
 *
 * A raise is always for this CPU and with interrupts off (__raise_softirq_irqoff(), kernel/softirq.c).
 * It may come from a hard interrupt that interrupted the programs for entry and exit here.
 */

#define PF_KTHREAD 0x00200000 /* include/linux/sched.h */

int irqw_soft_raise(struct bpf_raw_tracepoint_args *ctx)
{
	u64 vector = ctx->args[0];
	struct cpu *cpu = this_cpu();

	if (!cpu)
		return 0;
	if (vector >= NR_SOFTIRQS) {
		cpu->losses[LOSS_SOFTIRQ_UNKNOWN_RAISE]++;
		return 0;
	}
	/* The oldest raise wins: it is the one that waits longest. But handle_softirqs() takes the
	 * pending vectors off before it runs them (kernel/softirq.c): a raise after that makes the vector
	 * run once more. Only then does the latest raise before the first run count. */
	if (!cpu->raised_ns[vector]) {
		cpu->raised_ns[vector] = bpf_ktime_get_ns();
		cpu->raised_again_ns[vector] = 0;
	} else {
		cpu->raised_again_ns[vector] = bpf_ktime_get_ns();
	}
	return 0;
}

/* Whether the current task is ksoftirqd; asked anew only when the task is another one. The kernel
 * thread flag keeps out a process that merely calls itself so. */
static __always_inline u64 in_ksoftirqd(struct cpu *cpu)
{
	char comm[COMM_BYTES] = {};
	u64 task = bpf_get_current_task();
	u32 flags = 0;

	if (task == cpu->task)
		return cpu->task_is_ksoftirqd;
	bpf_get_current_comm(comm, sizeof(comm));
	bpf_probe_read_kernel(&flags, sizeof(flags), (void *)(task + OFFSET_task_struct_flags));
	cpu->task = task;
	cpu->task_is_ksoftirqd = (flags & PF_KTHREAD) && comm[0] == 'k' && comm[1] == 's' &&
				 comm[2] == 'o' && comm[3] == 'f' && comm[4] == 't' &&
				 comm[5] == 'i' && comm[6] == 'r' && comm[7] == 'q' &&
				 comm[8] == 'd' && comm[9] == '/';
	return cpu->task_is_ksoftirqd;
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

int irqw_soft_entry(struct bpf_raw_tracepoint_args *ctx)
{
	u64 vector = ctx->args[0];
	struct cpu *cpu = this_cpu();
	u64 now_ns, hardirq_ns, raised_ns, latency_ns;

	if (!cpu)
		return 0;
	now_ns = now_and_hardirq_ns(cpu, &hardirq_ns);
	if (vector >= NR_SOFTIRQS) {
		cpu->losses[LOSS_SOFTIRQ_UNKNOWN_ENTRY]++;
		return 0;
	}
	if (cpu->softirq_start_ns)
		cpu->losses[LOSS_SOFTIRQ_ENTRY_OVERWRITTEN]++;
	cpu->softirq_vector = vector;
	cpu->softirq_hardirq_ns = hardirq_ns;
	cpu->softirq_start_ns = now_ns;

	raised_ns = cpu->raised_ns[vector];
	cpu->raised_ns[vector] = 0;
	if (!raised_ns) {
		raised_ns = cpu->raised_again_ns[vector];
		cpu->raised_again_ns[vector] = 0;
	}
	if (!raised_ns) {
		cpu->losses[LOSS_SOFTIRQ_ENTRY_WITHOUT_RAISE]++;
		return 0;
	}
	latency_ns = elapsed_ns(raised_ns, now_ns);
	histogram_add(&cpu->softirqs[vector].latency, latency_ns);
	keep_worst(&cpu->softirqs[vector].worst_latency, latency_ns, now_ns);
	return 0;
}

int irqw_soft_exit(struct bpf_raw_tracepoint_args *ctx)
{
	u64 vector = ctx->args[0];
	struct cpu *cpu = this_cpu();
	struct softirq *softirq;
	u64 now_ns, hardirq_ns, run_ns;

	if (!cpu)
		return 0;
	now_ns = now_and_hardirq_ns(cpu, &hardirq_ns);
	if (vector >= NR_SOFTIRQS || !cpu->softirq_start_ns || cpu->softirq_vector != vector) {
		cpu->losses[LOSS_SOFTIRQ_EXIT_WITHOUT_ENTRY]++;
		return 0;
	}
	run_ns = elapsed_ns(cpu->softirq_start_ns, now_ns);
	run_ns = elapsed_ns(hardirq_ns - cpu->softirq_hardirq_ns, run_ns);
	cpu->softirq_start_ns = 0;

	softirq = &cpu->softirqs[vector];
	histogram_add(&softirq->run, run_ns);
	if (in_ksoftirqd(cpu)) {
		softirq->ksoftirqd_count++;
		softirq->ksoftirqd_ns += run_ns;
	}
	keep_worst(&softirq->worst_run, run_ns, now_ns);
	return 0;
}
