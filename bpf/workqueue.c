/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * How long does a work item wait in its queue, was it held back by max_active, how long does it run, and for
 * how much of that is it on a CPU?
 *
 * Queueing and activation are traced in __queue_work() under the pool's lock with interrupts off, so
 * an item that is activated at once is activated before any other event of work on this CPU; one that
 * stalled is activated after the end of another (kernel/workqueue.c). Work
 * is a hundredfold rarer than softirqs and its functions run on many CPUs: here, and only here,
 * histograms are shared between CPUs and added to atomically, which costs less than the memory would.
 *
 * What is not queued by __queue_work(), the barriers of a flush (wq_barrier_func), has a run time and no
 * latency. An item that is cancelled while it waits leaves its entry in `works_waiting`: queueing the same
 * item again overwrites it, and the reader removes what is old (irqwatch/source/probe.py).
 */

#include "on_cpu.c"

BPF_F_TABLE("hash", u64, struct work_waiting, works_waiting, MAX_WORKS_WAITING, HASH_FLAGS);
BPF_F_TABLE("hash", struct work_run_key, struct work_running, works_running, MAX_WORKS_RUNNING, HASH_FLAGS);
BPF_F_TABLE("hash", struct work_key, struct work, works, MAX_WORKS, HASH_FLAGS);
BPF_F_TABLE("hash", struct work_cpu_key, struct work_cpu, work_cpus, MAX_WORK_CPUS,
	    HASH_FLAGS);
BPF_F_TABLE("hash", struct work_cause_key, struct count_and_ns, work_causes, MAX_WORK_CAUSES,
	    HASH_FLAGS);
BPF_ARRAY(no_work, struct work, 1); /* zeros, too large for the stack */
BPF_ARRAY(no_work_cpu, struct work_cpu, 1);
BPF_F_TABLE("array", u32, struct format, function_format, 1, BPF_F_RDONLY_PROG); /* "%ps" */

#define WORK_STRUCT_PENDING 1 /* include/linux/workqueue.h, bit 0 of work_struct.data */

int irqw_work_queue(struct bpf_raw_tracepoint_args *ctx)
{
	u64 pool_workqueue = ctx->args[1];
	u64 work = ctx->args[2];
	u64 workqueue = 0;
	struct work_waiting *before, waiting = {};
	struct cpu *cpu = this_cpu();

	if (!cpu)
		return 0;
	before = works_waiting.lookup(&work);
	if (before)
		waiting.previous = before->queued;
	bpf_probe_read_kernel(&workqueue, sizeof(workqueue),
			      (void *)(pool_workqueue + OFFSET_pool_workqueue_wq));
	bpf_probe_read_kernel_str(waiting.workqueue, sizeof(waiting.workqueue),
				  (void *)(workqueue + OFFSET_workqueue_struct_name));
	waiting.queued.ns = bpf_ktime_get_ns();
	waiting.queued.via = cause_now(cpu, &waiting.queued.cause);
	cpu->queued_work = work;
	if (works_waiting.update(&work, &waiting))
		cpu->losses[LOSS_WORK_QUEUE_MAP_FULL]++;
	return 0;
}

int irqw_work_act(struct bpf_raw_tracepoint_args *ctx)
{
	u64 work = ctx->args[0];
	struct cpu *cpu = this_cpu();
	struct work_waiting *waiting;

	if (!cpu)
		return 0;
	if (cpu->queued_work == work) { /* at once: no stall */
		cpu->queued_work = 0;
		return 0;
	}
	waiting = works_waiting.lookup(&work);
	if (waiting)
		waiting->stalled_ns = elapsed_ns(waiting->queued.ns, bpf_ktime_get_ns());
	return 0;
}

/* The function is named while it is there: a module may go. */
static __always_inline void name_work(struct work *work, struct work_key *key)
{
	int zero = 0;
	struct format *format = function_format.lookup(&zero);

	if (format)
		put_function(work->function, format, &key->function);
}

static __always_inline struct work *work_for(struct work_key *key)
{
	int zero = 0;
	struct work *work = works.lookup(key);
	struct work *nothing;

	if (work)
		return work;
	nothing = no_work.lookup(&zero);
	if (!nothing)
		return NULL;
	works.insert(key, nothing); /* not update: another CPU may have been first */
	work = works.lookup(key);
	if (work)
		name_work(work, key);
	return work;
}

static __always_inline struct work_cpu *work_cpu_for(struct work_key *work)
{
	int zero = 0;
	struct work_cpu_key key = {};
	struct work_cpu *work_cpu, *nothing;

	key.key = *work;
	key.cpu = bpf_get_smp_processor_id();
	work_cpu = work_cpus.lookup(&key);
	if (work_cpu)
		return work_cpu;
	nothing = no_work_cpu.lookup(&zero);
	if (!nothing)
		return NULL;
	work_cpus.insert(&key, nothing);
	return work_cpus.lookup(&key);
}

static __always_inline void waited(struct cpu *cpu, struct work_key *key,
				   struct work_waiting *waiting, u64 now_ns)
{
	u64 latency_ns = elapsed_ns(waiting->queued.ns, now_ns);
	struct work *work = work_for(key);
	struct work_cpu *work_cpu = work_cpu_for(key);

#ifdef COLLECT_TRACE
	trace_work(cpu, SLOW_WORK_WAIT, key, &waiting->queued.cause, latency_ns, now_ns);
#endif
	if (!work || !work_cpu) {
		cpu->losses[LOSS_WORK_LATENCY_MAP_FULL]++;
		return;
	}
	histogram_add_shared(&work->latency, latency_ns);
	keep_worst(&work_cpu->worst_latency, latency_ns, now_ns);
	if (waiting->stalled_ns) {
		work_cpu->stall_count++;
		work_cpu->stall_ns += waiting->stalled_ns;
	}
}

/*
 * What is known of the item that starts; false where its queueing was not seen.
 *
 * process_one_work() clears PENDING before it traces the start, so the item may have been queued anew in
 * between, by an interrupt at the latest when interrupts go on again. Then PENDING is set, and the entry
 * is that of the new queueing: it must stay for the next start, and this one is of the time before.
 * Where PENDING is clear an earlier queueing was cancelled.
 */
static __always_inline bool take_waiting(u64 item, struct work_waiting *taken)
{
	struct work_waiting *waiting = works_waiting.lookup(&item);
	u64 data = 0;

	if (!waiting)
		return false;
	*taken = *waiting;
	bpf_probe_read_kernel(&data, sizeof(data), (void *)(item + OFFSET_work_struct_data));
	if (!(data & WORK_STRUCT_PENDING)) {
		works_waiting.delete(&item);
		return true;
	}
	taken->queued = (struct queueing){};
	taken->stalled_ns = 0;
	waiting = works_waiting.lookup(&item); /* the new queueing may just have replaced it */
	if (waiting) {
		taken->queued = waiting->previous;
		waiting->previous = (struct queueing){};
	}
	return taken->queued.ns;
}

int irqw_work_start(struct bpf_raw_tracepoint_args *ctx)
{
	u64 item = ctx->args[0];
	struct cpu *cpu = this_cpu();
	struct work_waiting waiting = {};
	struct work_run_key run = {};
	struct work_running running = {};
	u64 others_ns;

	if (!cpu)
		return 0;
	cpu->queued_work = 0;
	running.start_ns = now_and_interrupts_ns(cpu, &others_ns);
	open_account(cpu, &running.account, others_ns);
	bpf_probe_read_kernel(&running.key.function, sizeof(running.key.function),
			      (void *)(item + OFFSET_work_struct_func));
	if (take_waiting(item, &waiting)) {
		__builtin_memcpy(running.key.workqueue, waiting.workqueue,
				 sizeof(running.key.workqueue));
		running.via = waiting.queued.via;
		running.cause = waiting.queued.cause;
		waited(cpu, &running.key, &waiting, running.start_ns);
	}
	run.work = item;
	run.thread = (u32)bpf_get_current_pid_tgid();
	if (works_running.update(&run, &running))
		cpu->losses[LOSS_WORK_START_MAP_FULL]++;
	return 0;
}

/* Of time on a CPU not known `on_cpu_ns` is 0. */
static __always_inline void count_cause(struct cpu *cpu, struct work_running *run, u64 on_cpu_ns)
{
	struct work_cause_key key = {};
	struct count_and_ns none = {};
	struct count_and_ns *caused;

	key.key = run->key;
	key.cause = run->cause;
	key.via = run->via;
	key.cpu = bpf_get_smp_processor_id();
	caused = work_causes.lookup(&key);
	if (!caused) {
		work_causes.insert(&key, &none);
		caused = work_causes.lookup(&key);
	}
	if (!caused) {
		cpu->losses[LOSS_WORK_CAUSE_MAP_FULL]++;
		return;
	}
	__sync_fetch_and_add(&caused->count, 1);
	__sync_fetch_and_add(&caused->ns, on_cpu_ns);
}

int irqw_work_end(struct bpf_raw_tracepoint_args *ctx)
{
	struct cpu *cpu = this_cpu();
	struct work_run_key run = {};
	struct work_running *found, running;
	struct work *work;
	struct work_cpu *work_cpu;
	u64 now_ns, others_ns, run_ns, on_cpu_ns = 0;
	bool is_known;

	if (!cpu)
		return 0;
	now_ns = now_and_interrupts_ns(cpu, &others_ns);
	cpu->queued_work = 0;
	run.work = ctx->args[0];
	run.thread = (u32)bpf_get_current_pid_tgid();
	found = works_running.lookup(&run);
	if (!found) {
		cpu->losses[LOSS_WORK_END_WITHOUT_START]++;
		return 0;
	}
	running = *found;
	works_running.delete(&run);
	run_ns = elapsed_ns(running.start_ns, now_ns);
	is_known = on_cpu_since(cpu, &running.account, !run.thread, run_ns, others_ns, &on_cpu_ns);
#ifdef COLLECT_TRACE
	trace_work(cpu, SLOW_WORK, &running.key, &running.cause, run_ns, now_ns);
#endif
	work = work_for(&running.key);
	work_cpu = work_cpu_for(&running.key);
	if (!work || !work_cpu) {
		cpu->losses[LOSS_WORK_END_MAP_FULL]++;
		return 0;
	}
	count_cause(cpu, &running, on_cpu_ns);
	histogram_add_shared(&work->run, run_ns);
	work_cpu->run_count++;
	work_cpu->run_ns += run_ns;
	work_cpu->on_cpu.count += is_known;
	work_cpu->on_cpu.ns += on_cpu_ns;
	keep_worst(&work_cpu->worst_run, run_ns, now_ns);
	return 0;
}
