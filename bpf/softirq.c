/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * How long does a softirq wait from its raise, and how long does it run?
 *
 * A raise is always for this CPU and with interrupts off (__raise_softirq_irqoff(), kernel/softirq.c).
 * It may come from a hard interrupt that interrupted the programs for entry and exit here.
 *
 * Where does it run? In ksoftirqd, or inline: right after an interrupt (irq_exit()) or in a task, when it
 * lets softirqs in again (local_bh_enable()). Nothing in the tracepoint says which; see place_in_batch().
 */

/* From the end of an interrupt's handler to the first softirq after it there is irq_exit(), and what
 * tracers add: measured, 1 µs without any and 3 to 4 µs with this one. */
#define AFTER_INTERRUPT_NS 10000

#define PF_KTHREAD 0x00200000 /* include/linux/sched.h */

/*
 * On PREEMPT_RT a task in a softirq can be preempted by one that runs softirqs too, unless a lock of the CPU's
 * keeps the second out (CONFIG_PREEMPT_RT_NEEDS_BH_LOCK, an option since Linux 6.18; before, always). Then
 * the first one's is put aside, by its task, which cannot leave the CPU, until its exit comes. Of NET_RX the
 * order of the list is lost.
 */
struct softirq_aside {
	u64 start_ns;
	u64 hardirq_ns;
	u64 vector;
	struct cause cause;
};

BPF_F_TABLE("hash", u64, struct softirq_aside, softirqs_aside, MAX_SOFTIRQS_ASIDE, HASH_FLAGS);

/* False where there is no room. */
static __always_inline bool put_aside(struct cpu *cpu)
{
	struct softirq_aside aside = {};
	u64 task = cpu->softirq_in;

	aside.start_ns = cpu->softirq_start_ns;
	aside.hardirq_ns = cpu->softirq_hardirq_ns;
	aside.vector = cpu->softirq_vector;
	aside.cause = cpu->softirq_cause;
	cpu->order_known = 0;
	return !softirqs_aside.update(&task, &aside);
}

/* Open again what the current task was in, if that was put aside; put aside what is open in another. Whether
 * a softirq of the current task is open now. */
static __always_inline bool take_back(struct cpu *cpu)
{
	u64 task = bpf_get_current_task();
	struct softirq_aside *found, aside;

	if (cpu->softirq_start_ns && cpu->softirq_in == task)
		return true;
	found = softirqs_aside.lookup(&task);
	if (!found)
		return false;
	aside = *found;
	softirqs_aside.delete(&task);
	if (cpu->softirq_start_ns && !put_aside(cpu))
		cpu->losses[LOSS_SOFTIRQ_ENTRY_OVERWRITTEN]++;
	cpu->softirq_start_ns = aside.start_ns;
	cpu->softirq_hardirq_ns = aside.hardirq_ns;
	cpu->softirq_vector = aside.vector;
	cpu->softirq_cause = aside.cause;
	cpu->softirq_in = task;
	cpu->moves = 0;
	cpu->order_known = 0;
	return true;
}

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
		cause_now(cpu, &cpu->raised_by[vector]);
		cpu->raised_again_ns[vector] = 0;
	} else {
		cpu->raised_again_ns[vector] = bpf_ktime_get_ns();
		cause_now(cpu, &cpu->raised_again_by[vector]);
	}
#ifdef SHARE_NET_RX
	if (vector == NET_RX)
		note_schedule(cpu);
#endif
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

/* When the run that starts was raised, 0 if that was not seen, and by what. An interrupt may raise it
 * again between the lines here: `raised_ns` is let go last. */
static __always_inline u64 take_raise(struct cpu *cpu, u64 vector)
{
	struct cause none = {};
	u64 raised_ns = cpu->raised_ns[vector];

	if (raised_ns) {
		cpu->softirq_cause = cpu->raised_by[vector];
		asm volatile("" ::: "memory");
		cpu->raised_ns[vector] = 0;
		return raised_ns;
	}
	/* A second run comes in the same batch, or in the next, where the first was left to ksoftirqd.
	 * Later, that raise went with the first run, and that of this run was not seen. */
	raised_ns = cpu->raised_again_ns[vector];
	if (cpu->batch - cpu->ran_in_batch[vector] > 1)
		raised_ns = 0;
	cpu->softirq_cause = raised_ns ? cpu->raised_again_by[vector] : none;
	cpu->raised_again_ns[vector] = 0;
	return raised_ns;
}

/*
 * What was raised before the last softirq ended, and not left to ksoftirqd, runs in the batch of that one:
 * handle_softirqs() goes on until nothing is pending. It takes what is pending off in rounds, and a round
 * goes up through the vectors (kernel/softirq.c). A new batch is after an interrupt if one has just
 * ended: where softirqs are held off at that moment, by less than AFTER_INTERRUPT_NS, it is taken for one.
 */
static __always_inline void place_in_batch(struct cpu *cpu, u64 vector, u64 raised_ns, u64 now_ns)
{
	if (raised_ns && raised_ns < cpu->softirq_end_ns) {
		if (vector <= cpu->softirq_vector && !in_ksoftirqd(cpu))
			cpu->softirqs[vector].restarts++;
	} else {
		cpu->batch++;
		cpu->softirq_after_interrupt =
			elapsed_ns(cpu->hardirq_end_ns, now_ns) < AFTER_INTERRUPT_NS;
	}
	cpu->ran_in_batch[vector] = cpu->batch;
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
#ifdef KERNEL_IS_RT
	if (cpu->softirq_start_ns && (cpu->softirq_in == bpf_get_current_task() || !put_aside(cpu)))
		cpu->losses[LOSS_SOFTIRQ_ENTRY_OVERWRITTEN]++;
	cpu->softirq_in = bpf_get_current_task();
#else
	if (cpu->softirq_start_ns)
		cpu->losses[LOSS_SOFTIRQ_ENTRY_OVERWRITTEN]++;
#endif
	cpu->softirq_hardirq_ns = hardirq_ns;
	raised_ns = take_raise(cpu, vector);
	place_in_batch(cpu, vector, raised_ns, now_ns);
	cpu->softirq_vector = vector;
#ifdef SHARE_NET_RX
	cpu->moves = 0;
#endif
	cpu->softirq_start_ns = now_ns;
	if (!raised_ns) {
		cpu->losses[LOSS_SOFTIRQ_ENTRY_WITHOUT_RAISE]++;
		return 0;
	}
	latency_ns = elapsed_ns(raised_ns, now_ns);
	histogram_add(&cpu->softirqs[vector].latency, latency_ns);
	keep_worst(&cpu->softirqs[vector].worst_latency, latency_ns, now_ns);
#ifdef COLLECT_TRACE
	trace_softirq(cpu, SLOW_SOFTIRQ_WAIT, vector, latency_ns, now_ns);
#endif
	return 0;
}

/* Where the time of a run goes that follows from `softirq_cause`. */
static __always_inline struct count_and_ns *caused_softirq(struct cpu *cpu, u64 vector)
{
#if defined(COLLECT_HARDIRQ) || defined(COLLECT_VECTOR)
	struct hardirq *hardirq;

	if (cpu->softirq_cause.action || cpu->softirq_cause.irq) {
		hardirq = hardirq_of(&cpu->softirq_cause);
		if (hardirq)
			return &hardirq->softirqs[vector];
		cpu->losses[LOSS_SOFTIRQ_CAUSE_LOST]++;
	}
#endif
	return &cpu->softirqs[vector].uncaused;
}

static __always_inline void count_context(struct cpu *cpu, struct softirq *softirq, u64 run_ns)
{
	if (in_ksoftirqd(cpu)) {
		softirq->ksoftirqd_count++;
		softirq->ksoftirqd_ns += run_ns;
	} else if (cpu->softirq_after_interrupt) {
		softirq->interrupt_count++;
		softirq->interrupt_ns += run_ns;
	}
}

/* The verifier of 6.1 does not know the bounds of what the compiler put on the stack before they were
 * checked: a value of its own, that is checked first. */
static __always_inline u64 bounded(u64 vector)
{
	asm volatile("" : "+r"(vector));
	return vector < NR_SOFTIRQS ? vector : 0;
}

int irqw_soft_exit(struct bpf_raw_tracepoint_args *ctx)
{
	u64 vector = ctx->args[0];
	struct cpu *cpu = this_cpu();
	struct softirq *softirq;
	struct count_and_ns *caused;
	u64 now_ns, hardirq_ns, run_ns, own_ns;

	if (!cpu)
		return 0;
	now_ns = now_and_hardirq_ns(cpu, &hardirq_ns);
#ifdef KERNEL_IS_RT
	if (!take_back(cpu)) {
		cpu->losses[LOSS_SOFTIRQ_EXIT_WITHOUT_ENTRY]++;
		return 0;
	}
#endif
	if (vector >= NR_SOFTIRQS || !cpu->softirq_start_ns || cpu->softirq_vector != vector) {
		cpu->losses[LOSS_SOFTIRQ_EXIT_WITHOUT_ENTRY]++;
		return 0;
	}
	vector = bounded(vector);
	run_ns = elapsed_ns(cpu->softirq_start_ns, now_ns);
	run_ns = elapsed_ns(hardirq_ns - cpu->softirq_hardirq_ns, run_ns);
	cpu->softirq_start_ns = 0;
	cpu->softirq_end_ns = now_ns;
	cpu->softirq_ns += run_ns;

	softirq = &cpu->softirqs[vector];
	histogram_add(&softirq->run, run_ns);
	count_context(cpu, softirq, run_ns);
	caused = caused_softirq(cpu, vector);
	own_ns = run_ns;
#ifdef SHARE_NET_RX
	if (vector == NET_RX) {
		own_ns = move_polls(cpu, run_ns);
		note_empty_list(cpu);
	}
#endif
	caused->count++;
	caused->ns += own_ns;
	keep_worst(&softirq->worst_run, run_ns, now_ns);
#ifdef COLLECT_BLAME
	if (!in_ksoftirqd(cpu))
		blame_softirq(&cpu->softirq_cause, vector, run_ns);
#endif
#ifdef COLLECT_TRACE
	trace_softirq(cpu, SLOW_SOFTIRQ, vector, run_ns, now_ns);
#endif
	return 0;
}
