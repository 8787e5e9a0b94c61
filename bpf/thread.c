/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * How long does the thread of an interrupt wait to run, and how long does it run?
 *
 * A handler that answers IRQ_WAKE_THREAD wakes the thread of its action (__irq_wake_thread(),
 * kernel/irq/handle.c); where interrupts are forced into threads (PREEMPT_RT, threadirqs) nearly all do.
 * The oldest wake wins: the thread serves all that came before it looks. A wake that finds it running is
 * served without a wait, and is none here.
 *
 * A run is from the wait for an interrupt to the next (irq_wait_for_interrupt(), kernel/irq/manage.c, waits
 * in TASK_INTERRUPTIBLE), however often it is preempted or sleeps uninterruptibly (msleep(), a mutex) in
 * between. A handler that sleeps interruptibly looks as if it waited for an interrupt: it makes two runs,
 * the second without a wake. A run's time is that on a CPU, without the interrupts inside and without the
 * softirqs that it ran when it let them in again: those are counted where they belong.
 *
 * Where both the handler and its thread are forced into threads, the second thread is that of
 * action->secondary. It is woken by the first: its runs count, and it has no latency.
 */

#define IRQ_WAKE_THREAD 2 /* include/linux/irqreturn.h */
#define TASK_INTERRUPTIBLE 0x1 /* include/linux/sched.h */
#define TASK_DEAD 0x80
#define TASK_WAKING 0x200

/* A thread, keyed by its struct task_struct. */
struct irq_thread {
	struct cause cause;
	u64 is_secondary;
	u64 woken_ns; /* the oldest wake not yet served; 0: none */
	u64 start_ns; /* when it came on a CPU; 0: it is on none */
	u64 interrupts_ns; /* interrupts_ns() then */
	u64 run_ns; /* of the run that is not over, so far */
};

/* What threads of one action did on one CPU, so that one CPU only writes it. */
struct thread_times {
	char name[NAME_BYTES];
	struct worsts worst_latency;
	struct worsts worst_run;
	struct histogram latency;
	struct histogram run;
};

enum thread_loss {
	LOSS_THREAD_WAKE_MAP_FULL,
	LOSS_THREAD_RUN_WITHOUT_WAKE,
	LOSS_THREAD_LATENCY_MAP_FULL,
	LOSS_THREAD_RUN_MAP_FULL,
	THREAD_LOSSES
};

struct thread_cpu {
	u64 losses[THREAD_LOSSES];
};

BPF_F_TABLE("hash", u64, struct irq_thread, irq_threads, MAX_IRQ_THREADS, HASH_FLAGS);
BPF_F_TABLE("hash", struct hardirq_key, struct thread_times, threads, MAX_THREADS,
	    HASH_FLAGS);
BPF_ARRAY(no_thread, struct thread_times, 1); /* zeros, too large for the stack */
BPF_PERCPU_ARRAY(thread_cpus, struct thread_cpu, 1);

static __always_inline void thread_lost(enum thread_loss reason)
{
	int zero = 0;
	struct thread_cpu *own = thread_cpus.lookup(&zero);

	if (own)
		own->losses[reason]++;
}

static __always_inline u64 thread_of(u64 action)
{
	u64 task = 0;

	bpf_probe_read_kernel(&task, sizeof(task), (void *)(action + OFFSET_irqaction_thread));
	return task;
}

/* The entry of a thread that is seen for the first time, and that of its second thread. */
static __always_inline struct irq_thread *first_wake(struct hardirq_key *key, u64 task)
{
	struct irq_thread thread = {};
	u64 secondary = 0;

	thread.cause.action = key->action;
	thread.cause.irq = key->irq;
	irq_threads.update(&task, &thread);
	bpf_probe_read_kernel(&secondary, sizeof(secondary),
			      (void *)(key->action + OFFSET_irqaction_secondary));
	if (secondary)
		secondary = thread_of(secondary);
	if (secondary) {
		thread.is_secondary = 1;
		irq_threads.update(&secondary, &thread);
	}
	return irq_threads.lookup(&task);
}

/* The handler wakes its thread, unless that runs: what it is woken for is then its next loop's. */
static __always_inline void note_wake(u32 ret, struct hardirq_key *key, u64 now_ns)
{
	struct irq_thread *thread;
	u32 on_cpu = 0;
	u64 task;

	if (ret != IRQ_WAKE_THREAD)
		return;
	task = thread_of(key->action);
	if (!task)
		return;
	thread = irq_threads.lookup(&task);
	if (!thread)
		thread = first_wake(key, task);
	if (!thread) {
		thread_lost(LOSS_THREAD_WAKE_MAP_FULL);
		return;
	}
	/* Its entry says so only if its coming was seen; the task's own flag is set a little later. */
	bpf_probe_read_kernel(&on_cpu, SIZE_task_struct_on_cpu,
			      (void *)(task + OFFSET_task_struct_on_cpu));
	if (!thread->woken_ns && !thread->start_ns && !on_cpu)
		thread->woken_ns = now_ns;
}

/* What follows from the thread is counted with the line on this CPU, which may not have fired here. */
static __always_inline struct thread_times *first_times(struct hardirq_key *key)
{
	int zero = 0;
	struct thread_times *nothing = no_thread.lookup(&zero);
	struct thread_times *times;
	u64 name = 0;

	if (!nothing)
		return NULL;
	threads.update(key, nothing);
	times = threads.lookup(key);
	bpf_probe_read_kernel(&name, sizeof(name), (void *)(key->action + OFFSET_irqaction_name));
	if (times)
		bpf_probe_read_kernel_str(times->name, sizeof(times->name), (void *)name);
	if (!hardirqs.lookup(key))
		first_hardirq(key, name);
	return times;
}

static __always_inline struct thread_times *times_of(struct cause *cause)
{
	struct hardirq_key key = {};
	struct thread_times *times;

	key.action = cause->action;
	key.irq = cause->irq;
	key.cpu = bpf_get_smp_processor_id();
	times = threads.lookup(&key);
	return times ? times : first_times(&key);
}

static __always_inline void end_run(struct irq_thread *thread, u64 now_ns)
{
	struct thread_times *times = times_of(&thread->cause);
	u64 run_ns = thread->run_ns;

	thread->run_ns = 0;
	if (!times) {
		thread_lost(LOSS_THREAD_RUN_MAP_FULL);
		return;
	}
	histogram_add(&times->run, run_ns);
	keep_worst(&times->worst_run, run_ns, now_ns);
}

static __always_inline void leave_cpu(struct cpu *cpu, u64 task, u32 state)
{
	struct irq_thread *thread = irq_threads.lookup(&task);
	struct cause none = {};
	u64 now_ns, others_ns;

	cpu->thread = none;
	if (!thread || !thread->start_ns)
		return;
	now_ns = bpf_ktime_get_ns();
	others_ns = interrupts_ns(cpu) - thread->interrupts_ns;
	thread->run_ns += elapsed_ns(others_ns, elapsed_ns(thread->start_ns, now_ns));
	thread->start_ns = 0;
	if (state & TASK_DEAD)
		irq_threads.delete(&task); /* its address is soon that of another */
	else if (state & TASK_INTERRUPTIBLE)
		end_run(thread, now_ns);
}

static __always_inline void waited_to_run(struct irq_thread *thread, u64 now_ns)
{
	u64 latency_ns = elapsed_ns(thread->woken_ns, now_ns);
	struct thread_times *times = times_of(&thread->cause);

	thread->woken_ns = 0;
	if (!times) {
		thread_lost(LOSS_THREAD_LATENCY_MAP_FULL);
		return;
	}
	histogram_add(&times->latency, latency_ns);
	keep_worst(&times->worst_latency, latency_ns, now_ns);
}

static __always_inline void come_on_cpu(struct cpu *cpu, struct irq_thread *thread)
{
	u64 now_ns = bpf_ktime_get_ns();

	thread->start_ns = now_ns;
	thread->interrupts_ns = interrupts_ns(cpu);
	cpu->thread = thread->cause;
	if (thread->woken_ns)
		waited_to_run(thread, now_ns);
	else if (!thread->run_ns && !thread->is_secondary)
		thread_lost(LOSS_THREAD_RUN_WITHOUT_WAKE);
}

/* A state that was read from the task itself: another CPU may just be waking it, and then it no longer says
 * what it waited in, which of an interrupt's thread is nearly always the next interrupt. */
static __always_inline u32 if_not_woken(u32 state)
{
	return state && state != TASK_WAKING ? state : TASK_INTERRUPTIBLE;
}

/* What the task that leaves waits in. */
static __always_inline u32 state_of(struct bpf_raw_tracepoint_args *ctx)
{
#if defined(OFFSET_task_struct___state)
	u32 state = 0;

	bpf_probe_read_kernel(&state, sizeof(state),
			      (void *)(ctx->args[1] + OFFSET_task_struct___state));
	return if_not_woken(state);
#elif defined(OFFSET_task_struct_state)
	u64 state = 0;

	bpf_probe_read_kernel(&state, sizeof(state),
			      (void *)(ctx->args[1] + OFFSET_task_struct_state));
	return if_not_woken(state);
#else
	return ctx->args[3];
#endif
}

/* With interrupts off; the state is that of the task that leaves (kernel/sched/core.c, __schedule()), and
 * where it was preempted nothing that it waits in. */
int irqw_switch(struct bpf_raw_tracepoint_args *ctx)
{
	bool is_preempted = ctx->args[0];
	u64 next = ctx->args[2];
	struct cpu *cpu = this_cpu();
	struct irq_thread *thread;

	if (!cpu)
		return 0;
	if (cpu->thread.action)
		leave_cpu(cpu, ctx->args[1], is_preempted ? 0 : state_of(ctx));
	thread = irq_threads.lookup(&next);
	if (thread)
		come_on_cpu(cpu, thread);
	return 0;
}
