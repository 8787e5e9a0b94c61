/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * A target for libFuzzer: eight bytes are one event. Whatever the events are, the probe neither
 * crashes nor writes where it should not, and each event is in a histogram or in the ledger.
 */
#include "probe.h"

#define CPUS 3 /* events come from four: one is beyond the map */
#define THINGS 8 /* actions, work items, tasks */
#define QUEUES 4

/* The bytes of one event. tests/native/fuzz.py writes them too. */
struct packed_event {
	u8 program; /* modulo their number, and then what the reader and the scheduler do */
	u8 cpu : 2, task : 3, is_nested : 1, goes_back : 1, unused : 1;
	u8 thing;
	u8 other;
	uint16_t step;
	u8 shift;
	u8 call;
};

enum reader { MOVE_EPOCH, DELETE_WAITING, LIMIT_MAPS, MOVE_ACCOUNT, READERS };

#define ADDRESS(kind, at) (((u64)(kind) << 32) + ((at) + 1) * 0x1000)
#define ACTION(at) ADDRESS(0xA, at)
#define WORK(at) ADDRESS(0xB, at)
#define POOL(at) ADDRESS(0xC, at)
#define QUEUE(at) ADDRESS(0xD, at)
#define TASK(at) ADDRESS(0xE, at)
#define NAME(at) ADDRESS(0xF, at)
#define INFO(at) ADDRESS(0x10, at)
#define HRTIMER(at) ADDRESS(0x11, at)
#define NOW(at) ADDRESS(0x12, at)
#define NAPI(at) ADDRESS(0x13, at)
#define DEVICE(at) ADDRESS(0x14, at)
#define RUNQUEUE(at) ADDRESS(0x15, at)
#define CSD(at) ADDRESS(0x16, at)
#define MASK(at) ADDRESS(0x17, at)

static void fill_for_timers_and_devices(u64 at)
{
	u64 expires_ns = at << 8 * at;
	u64 now_ns = at << 7 * at;
	u64 device = at & 1 ? DEVICE(at) : 0;
	u8 is_soft = at & 2;
	char name[DEVICE_NAME_BYTES] = "eth";

	memory_set(HRTIMER(at) + OFFSET_hrtimer_node_expires, &expires_ns, sizeof(expires_ns));
	memory_set(HRTIMER(at) + OFFSET_hrtimer_is_soft, &is_soft, sizeof(is_soft));
	memory_set(NOW(at), &now_ns, sizeof(now_ns));
	memory_set(NAPI(at) + OFFSET_napi_struct_dev, &device, sizeof(device));
	memory_set(DEVICE(at) + OFFSET_net_device_name, name, sizeof(name));
}

/* Some are locked, some are of a list: each is followed by the next one, but for the last. */
static void fill_for_calls(u64 at)
{
	u32 flags = at % 2 ? CSD_TYPE_TTWU : (at % 3) << 4 | at >> 2;
	u64 list = OFFSET___call_single_data_node_llist_next;
	u64 next = at + 2 < THINGS ? CSD(at + 2) + list : 0;

	memory_set(CSD(at) + OFFSET___call_single_data_node_u_flags,
		   &flags, sizeof(flags));
	memory_set(CSD(at) + list, &next, sizeof(next));
	memory_set(MASK(at), &next, sizeof(next));
}

static void fill_for_signals(u64 at)
{
	int code = at - 3; /* of timers and tasks */
	u32 id = at;
	u64 process = INFO(at);

	memory_set(INFO(at) + OFFSET_kernel_siginfo_si_code, &code, sizeof(code));
	memory_set(INFO(at) + OFFSET_signal_struct_group_exit_code, &id, sizeof(id));
	memory_set(TASK(at) + OFFSET_task_struct_pid, &id, sizeof(id));
	memory_set(TASK(at) + OFFSET_task_struct_tgid, &id, sizeof(id));
	memory_set(TASK(at) + OFFSET_task_struct_signal, &process, sizeof(process));
}

/* Some actions have two threads, some one, some none. */
static void fill_for_threads(u64 at)
{
	u64 thread = at & 1 ? TASK(at) : 0;
	u64 secondary = at & 2 ? ACTION((at + 2) % THINGS) : 0;
	u32 on_cpu = at & 4;

	memory_set(ACTION(at) + OFFSET_irqaction_thread, &thread, sizeof(thread));
	memory_set(ACTION(at) + OFFSET_irqaction_secondary, &secondary, sizeof(secondary));
	memory_set(TASK(at) + OFFSET_task_struct_on_cpu, &on_cpu, sizeof(on_cpu));
}

/* What the scheduler holds of a task that is on this CPU. */
static void account(u64 at, u64 cpu, u64 exec_start_ns, u64 sum_exec_runtime_ns)
{
	u64 runqueue = RUNQUEUE(cpu);

	memory_set(TASK(at) + OFFSET_task_struct_se_exec_start, &exec_start_ns, sizeof(u64));
	memory_set(TASK(at) + OFFSET_task_struct_se_sum_exec_runtime, &sum_exec_runtime_ns, sizeof(u64));
	memory_set(TASK(at) + OFFSET_task_struct_se_cfs_rq, &runqueue, sizeof(u64));
	memory_set(runqueue + OFFSET_cfs_rq_rq, &runqueue, sizeof(u64));
	memory_set(runqueue + OFFSET_rq_clock, &exec_start_ns, sizeof(u64));
	memory_set(runqueue + OFFSET_rq_clock_task, &sum_exec_runtime_ns, sizeof(u64));
}

/* The last of each kind is left out: it cannot be read. */
static void fill_memory(void)
{
	u8 name[MEMORY_BYTES];
	char format[FORMAT_BYTES] = "%ps";
	u32 flags, zero = 0;
	u64 at, pointer;

	map_set(&function_format_map, &zero, format, BPF_ANY);
	map_set(&tasklet_format_map, &zero, format, BPF_ANY);
	map_set(&ipi_format_map, &zero, format, BPF_ANY);
	memset(name, 'n', sizeof(name));
	for (at = 0; at + 1 < THINGS; at++) {
		pointer = NAME(at);
		memory_set(ACTION(at) + OFFSET_irqaction_name, &pointer, sizeof(pointer));
		if (at) /* of various lengths; the longest has no end */
			memory_set(NAME(at), name, at * 36);
		pointer = 0x1234500 + at / 2;
		memory_set(WORK(at) + OFFSET_work_struct_func, &pointer, sizeof(pointer));
		pointer = at >> 1 & WORK_STRUCT_PENDING;
		memory_set(WORK(at) + OFFSET_work_struct_data, &pointer, sizeof(pointer));
		flags = at & 1 ? PF_KTHREAD : 0;
		memory_set(TASK(at) + OFFSET_task_struct_flags, &flags, sizeof(flags));
		fill_for_signals(at);
		fill_for_threads(at);
		fill_for_timers_and_devices(at);
		account(at, at % CPUS, at << 4 * at, at << 3 * at);
		fill_for_calls(at);
	}
	for (at = 0; at + 1 < QUEUES; at++) {
		pointer = QUEUE(at);
		memory_set(POOL(at) + OFFSET_pool_workqueue_wq, &pointer, sizeof(pointer));
		name[at * 20] = 0;
		memory_set(QUEUE(at) + OFFSET_workqueue_struct_name, name, WORKQUEUE_NAME_BYTES);
	}
}

static void switch_to(const struct packed_event *packed)
{
	host.cpu = packed->cpu;
	host.task = TASK(packed->task);
	host.pid_tgid = (u64)packed->task << 33 | packed->task;
	memset(host.comm, 0, sizeof(host.comm));
	snprintf(host.comm, sizeof(host.comm), "%s/%u", packed->task & 2 ? "ksoftirqd" : "sh",
		 packed->cpu);
}

static void arguments(const struct packed_event *packed, struct event *event)
{
	const char *tracepoint = event->program->tracepoint;
	u64 thing = packed->thing % THINGS;

	if (!strncmp(tracepoint, "softirq", 7)) {
		event->args[0] = packed->thing;
	} else if (!strncmp(tracepoint, "irq_handler", 11)) {
		event->args[0] = packed->other & 1;
		event->args[1] = ACTION(thing);
		event->args[2] = packed->other >> 1;
	} else if (event->program->run == irqw_vec_entry || event->program->run == irqw_vec_exit) {
		event->args[0] = thing;
	} else if (!strcmp(tracepoint, "csd_queue_cpu")) {
		event->args[0] = packed->other & 3;
		event->args[1] = packed->other >> 4;
		event->args[2] = packed->other >> 2 & 3;
		event->args[3] = CSD(thing);
	} else if (!strncmp(tracepoint, "ipi_send", 8)) {
		event->args[0] = strcmp(tracepoint, "ipi_send_cpu") ? MASK(thing) : thing & 3;
		event->args[1] = packed->other >> 4;
		event->args[2] = packed->other & 3;
	} else if (!strncmp(tracepoint, "csd_function", 12)) {
		event->args[0] = packed->other >> 2 & 3;
		event->args[1] = packed->other & 1 ? 0 : CSD(thing);
	} else if (!strncmp(tracepoint, "ipi", 3)) {
		event->args[0] = NAME(thing);
	} else if (!strcmp(tracepoint, "workqueue_queue_work")) {
		event->args[1] = POOL(packed->other % QUEUES);
		event->args[2] = WORK(thing);
	} else if (!strncmp(tracepoint, "signal", 6)) {
		event->args[0] = 1 + packed->thing % 64;
		event->args[1] = packed->other & 8 ? packed->other >> 7 : INFO(packed->other % THINGS);
		event->args[2] = TASK(packed->other % THINGS);
		if (!strcmp(tracepoint, "signal_generate")) {
			event->args[3] = packed->other & 1;
			event->args[4] = packed->other >> 4 & 7;
		}
	} else if (!strcmp(tracepoint, "sched_process_exec")) {
		event->args[1] = packed->other;
	} else if (!strcmp(tracepoint, "sched_switch")) {
		event->args[0] = packed->other & 1;
		event->args[1] = TASK(packed->task);
		event->args[2] = TASK(thing);
		event->args[3] = packed->other & (TASK_INTERRUPTIBLE | TASK_DEAD);
	} else if (!strncmp(tracepoint, "sys_", 4)) {
		event->args[1] = (u64)packed->thing << (packed->other & 3);
	} else if (!strcmp(tracepoint, "nmi_handler")) {
		event->args[2] = packed->other & 1;
	} else if (!strncmp(tracepoint, "hrtimer", 7)) {
		event->args[0] = HRTIMER(thing);
		event->args[1] = NOW(packed->other % THINGS);
	} else if (!strncmp(tracepoint, "tasklet", 7)) {
		event->args[1] = thing;
	} else if (!strcmp(tracepoint, "napi_poll")) {
		event->args[0] = NAPI(thing);
		event->args[1] = (u64)packed->other - 64;
		event->args[2] = packed->other & 1 ? 64 : 0;
	} else {
		event->args[0] = WORK(thing);
	}
}

static void limit_maps(u32 limit)
{
	struct map *map;

	for (map = maps; map; map = map->next)
		if (map->kind == HASH)
			map->limit = limit > map->count ? limit : map->count;
}

static void reader(const struct packed_event *packed, u32 what)
{
	u64 key = WORK(packed->thing % THINGS);
	u32 zero = 0;
	u32 *epoch = map_get(&epochs_map, &zero);

	switch (what) {
	case MOVE_EPOCH:
		*epoch += packed->other;
		break;
	case DELETE_WAITING:
		map_remove(&works_waiting_map, &key);
		break;
	case MOVE_ACCOUNT:
		account(packed->task, packed->cpu, (u64)packed->step << packed->shift % 48,
			(u64)packed->other << packed->call % 48);
		break;
	default:
		limit_maps(packed->thing);
	}
}

static u64 count_of(const struct histogram *histogram)
{
	u64 count = 0;
	u32 bucket;

	for (bucket = 0; bucket < BUCKETS; bucket++)
		count += histogram->buckets[bucket];
	return count;
}

#define for_each(map, element, chain)                                                              \
	for (chain = 0; chain < CHAINS; chain++)                                                   \
		for (element = (map).chains[chain]; element; element = element->next)

static u64 ran(const char *tracepoint)
{
	return program_of(tracepoint)->runs;
}

static void must(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "fuzz: %s\n", what);
	abort();
}

static u64 loss(enum loss reason)
{
	struct element *element;
	u32 chain;
	u64 sum = 0;

	for_each(cpus_map, element, chain)
		sum += ((struct cpu *)element->value)->losses[reason];
	return sum;
}

/* All tracepoints that the program is attached to. */
static u64 ran_in_all(int (*run)(struct bpf_raw_tracepoint_args *ctx))
{
	struct program *program;
	u64 sum = 0;

	for (program = programs; program->tracepoint; program++)
		sum += program->run == run ? program->runs : 0;
	return sum;
}

static bool is_vector(const struct hardirq_key *key)
{
	return !key->action || key->irq == IPI_IRQ;
}

static void check_hardirqs(void)
{
	u64 lines = loss(LOSS_HARDIRQ_EXIT_WITHOUT_ENTRY) + loss(LOSS_HARDIRQ_MAP_FULL);
	u64 vectors = loss(LOSS_VECTOR_EXIT_WITHOUT_ENTRY) + loss(LOSS_VECTOR_MAP_FULL);
	struct element *element;
	struct hardirq *hardirq;
	u64 count;
	u32 chain;

	for_each(hardirqs_map, element, chain) {
		hardirq = (struct hardirq *)element->value;
		count = count_of(&hardirq->handled) + hardirq->not_mine_count;
		if (is_vector((struct hardirq_key *)element->key))
			vectors += count;
		else
			lines += count;
		must(memchr(hardirq->name, 0, NAME_BYTES), "a name ends");
	}
	must(lines == ran("irq_handler_exit"), "each exit of a hard interrupt is counted once");
	must(vectors == ran_in_all(irqw_vec_exit) + ran("ipi_exit"),
	     "each exit of a vector is counted once");
}

/* What the softirqs of a vector follow from is all of them. */
static void check_softirq_causes(u32 vector, const struct count_and_ns *runs,
				 const struct count_and_ns *uncaused)
{
	struct count_and_ns caused = *uncaused;
	struct element *element;
	struct hardirq *hardirq;
	u32 chain;

	for_each(hardirqs_map, element, chain) {
		hardirq = (struct hardirq *)element->value;
		caused.count += hardirq->softirqs[vector].count;
		caused.ns += hardirq->softirqs[vector].ns;
	}
	must(caused.count == runs->count, "each run of a softirq has one cause or none");
	must(caused.ns == runs->ns, "and so has its time");
}

static void check_softirqs(void)
{
	u64 latencies = loss(LOSS_SOFTIRQ_ENTRY_WITHOUT_RAISE) + loss(LOSS_SOFTIRQ_UNKNOWN_ENTRY);
	u64 runs = loss(LOSS_SOFTIRQ_EXIT_WITHOUT_ENTRY);
	struct count_and_ns whole[NR_SOFTIRQS] = {}, uncaused[NR_SOFTIRQS] = {};
	struct element *element;
	struct softirq *softirq;
	u32 chain, vector;

	for_each(cpus_map, element, chain) {
		for (vector = 0; vector < NR_SOFTIRQS; vector++) {
			softirq = &((struct cpu *)element->value)->softirqs[vector];
			latencies += count_of(&softirq->latency);
			runs += count_of(&softirq->run);
			must(softirq->ksoftirqd_ns + softirq->interrupt_ns <= softirq->run.sum_ns,
			     "ksoftirqd is a part, and what comes right after an interrupt another");
			whole[vector].count += count_of(&softirq->run);
			whole[vector].ns += softirq->run.sum_ns;
			uncaused[vector].count += softirq->uncaused.count;
			uncaused[vector].ns += softirq->uncaused.ns;
		}
	}
	for (vector = 0; vector < NR_SOFTIRQS; vector++)
		check_softirq_causes(vector, &whole[vector], &uncaused[vector]);
	must(latencies == ran("softirq_entry"), "each entry of a softirq is counted once");
	must(runs == ran("softirq_exit"), "each exit of a softirq is counted once");
}

static void check_works(void)
{
	u64 latencies = 0, runs = 0, runs_by_cpu = 0, lost = loss(LOSS_WORK_CAUSE_MAP_FULL);
	u64 on_cpu_ns = 0, caused_ns = 0, caused = lost;
	struct work_cpu *work_cpu;
	struct element *element;
	u32 chain;

	for_each(works_map, element, chain) {
		latencies += count_of(&((struct work *)element->value)->latency);
		runs += count_of(&((struct work *)element->value)->run);
	}
	for_each(work_cpus_map, element, chain) {
		work_cpu = (struct work_cpu *)element->value;
		runs_by_cpu += work_cpu->run_count;
		on_cpu_ns += work_cpu->on_cpu.ns;
		must(work_cpu->on_cpu.count <= work_cpu->run_count, "time on a CPU is of runs");
		must(work_cpu->on_cpu.ns <= work_cpu->run_ns, "and no longer than they are");
	}
	for_each(work_causes_map, element, chain) {
		caused += ((struct count_and_ns *)element->value)->count;
		caused_ns += ((struct count_and_ns *)element->value)->ns;
	}
	must(lost ? caused_ns <= on_cpu_ns : caused_ns == on_cpu_ns, "all of it has a cause");
	must(runs == runs_by_cpu, "runs by CPU add up");
	must(runs == caused, "each run of work has one cause or none");
	runs += loss(LOSS_WORK_END_WITHOUT_START) + loss(LOSS_WORK_END_MAP_FULL);
	must(runs == ran("workqueue_execute_end"), "each end of work is counted once");
	must(latencies <= ran("workqueue_execute_start"), "no start of work is counted twice");
}

static u64 signal_loss(enum signal_loss reason)
{
	struct element *element;
	u32 chain;
	u64 sum = 0;

	for_each(signal_losses_map, element, chain)
		sum += ((struct signal_losses *)element->value)->losses[reason];
	return sum;
}

static u64 syscall_loss(enum syscall_loss reason)
{
	struct element *element;
	u32 chain;
	u64 sum = 0;

	for_each(syscall_losses_map, element, chain)
		sum += ((struct syscall_losses *)element->value)->losses[reason];
	return sum;
}

static void check_exceptions(void)
{
	u64 counts[EXCEPTIONS] = {};
	struct element *element;
	u32 chain, i;

	for_each(exceptions_map, element, chain)
		for (i = 0; i < EXCEPTIONS; i++)
			counts[i] += ((struct exceptions *)element->value)->counts[i];
	must(counts[EXCEPTION_PAGE_FAULT_USER] == ran("page_fault_user"), "each fault counts");
	must(counts[EXCEPTION_PAGE_FAULT_KERNEL] == ran("page_fault_kernel"), "each counts");
	must(counts[EXCEPTION_NMI] <= ran("nmi_handler"), "no NMI counts twice");
}

static void check_signals(void)
{
	u64 generated = signal_loss(LOSS_SIGNAL_GENERATE_MAP_FULL), delivered = 0;
	struct element *element;
	struct signal_times *times;
	u32 chain;

	for_each(signals_map, element, chain) {
		times = (struct signal_times *)element->value;
		generated += times->generated_count;
		delivered += count_of(&times->latency);
		must(times->dropped_count <= times->generated_count, "the dropped are a part");
	}
	must(generated == ran("signal_generate"), "each signal is counted once");
	delivered += signal_loss(LOSS_SIGNAL_DELIVER_WITHOUT_GENERATE) +
		     signal_loss(LOSS_SIGNAL_DELIVER_BEHIND_ANOTHER) +
		     signal_loss(LOSS_SIGNAL_DELIVER_MAP_FULL);
	must(delivered <= ran("signal_deliver"), "no delivery is counted twice");
}

static void check_syscalls(void)
{
	u64 ended = syscall_loss(LOSS_SYSCALL_EXIT_WITHOUT_ENTER) +
		    syscall_loss(LOSS_SYSCALL_EXIT_MAP_FULL);
	struct syscall_key *key;
	struct element *element;
	u32 chain;

	for_each(syscalls_map, element, chain) {
		key = (struct syscall_key *)element->key;
		if (key->cpu < CPUS)
			ended += count_of(&((struct syscall_times *)element->value)->run);
	}
	must(ended == ran("sys_exit"), "each end of a call is counted once");
}

static void check_timers(void)
{
	struct element *element;
	struct timer_cpu *cpu;
	u32 chain, mode;
	u64 count = 0;

	for_each(timers_map, element, chain) {
		cpu = (struct timer_cpu *)element->value;
		count += cpu->losses[LOSS_TIMER_UNREADABLE];
		for (mode = 0; mode < TIMER_MODES; mode++)
			count += cpu->modes[mode].early_count + count_of(&cpu->modes[mode].latency);
	}
	must(count == ran("hrtimer_expire_entry"), "each timer is counted once");
}

static void check_tasklets(void)
{
	struct element *element;
	struct tasklet_cpu *cpu;
	u64 count = 0;
	u32 chain;

	for_each(tasklets_map, element, chain)
		count += count_of(&((struct tasklet *)element->value)->run);
	for_each(tasklet_cpus_map, element, chain) {
		cpu = (struct tasklet_cpu *)element->value;
		count += cpu->losses[LOSS_TASKLET_EXIT_WITHOUT_ENTRY] +
			 cpu->losses[LOSS_TASKLET_MAP_FULL];
	}
	must(count == ran("tasklet_exit"), "each exit of a tasklet is counted once");
}

static void check_napis(void)
{
	struct element *element;
	struct napi *napi;
	u64 count = 0;
	u32 chain;

	for_each(napis_map, element, chain) {
		napi = (struct napi *)element->value;
		count += napi->polls;
		must(napi->exhausted <= napi->polls, "the exhausted are a part");
	}
	for_each(napi_losses_map, element, chain)
		count += *(u64 *)element->value;
	must(count == ran("napi_poll"), "each poll is counted once");
}

static u64 thread_loss(enum thread_loss reason)
{
	struct element *element;
	u32 chain;
	u64 sum = 0;

	for_each(thread_cpus_map, element, chain)
		sum += ((struct thread_cpu *)element->value)->losses[reason];
	return sum;
}

static void check_threads(void)
{
	u64 latencies = thread_loss(LOSS_THREAD_LATENCY_MAP_FULL);
	u64 runs = thread_loss(LOSS_THREAD_RUN_MAP_FULL);
	struct thread_times *times;
	struct element *element;
	u32 chain;

	for_each(threads_map, element, chain) {
		times = (struct thread_times *)element->value;
		latencies += count_of(&times->latency);
		runs += count_of(&times->run);
	}
	must(latencies <= ran("irq_handler_exit"), "no wake is counted twice");
	must(runs <= ran("sched_switch"), "no run of a thread is counted twice");
}

static u64 ended(void)
{
	struct program *program;
	u64 runs = 0;

	for (program = programs; program->tracepoint; program++)
		if (program->run == irqw_irq_exit || program->run == irqw_vec_exit ||
		    program->run == irqw_soft_exit)
			runs += program->runs;
	return runs;
}

static void check_blames(void)
{
	struct element *element;
	u64 count = 0;
	u32 chain, kind;

	for_each(blames_map, element, chain)
		count += ((struct blame *)element->value)->taken.count;
	for_each(blame_cpus_map, element, chain)
		for (kind = 0; kind < BLAME_KINDS; kind++)
			count += ((struct blame_cpu *)element->value)->others[kind].count;
	must(count <= ended(), "no time is taken twice");
}

static u64 ipi_loss(enum ipi_loss reason)
{
	struct element *element;
	u32 chain;
	u64 sum = 0;

	for_each(ipi_cpus_map, element, chain)
		sum += ((struct ipi_cpu *)element->value)->losses[reason];
	return sum;
}

static void check_calls(void)
{
	u64 calls = ipi_loss(LOSS_IPI_QUEUE_SEND_MAP_FULL);
	u64 asked = ipi_loss(LOSS_IPI_QUEUE_TARGET_MAP_FULL);
	u64 ended = ipi_loss(LOSS_IPI_EXIT_WITHOUT_ENTRY) + ipi_loss(LOSS_IPI_EXIT_MAP_FULL);
	u64 waited = ipi_loss(LOSS_IPI_ENTRY_MAP_FULL);
	struct element *element;
	u32 chain;

	for_each(ipi_sends_map, element, chain)
		calls += ((struct ipi_send *)element->value)->calls;
	for_each(ipi_targets_map, element, chain)
		if (((struct ipi_key *)element->key)->kind == IPI_CALL)
			asked += ((struct ipi_target *)element->value)->asked;
	for_each(ipi_runs_map, element, chain) {
		ended += count_of(&((struct ipi_run *)element->value)->run);
		waited += count_of(&((struct ipi_run *)element->value)->latency);
	}
	must(calls == ran("csd_queue_cpu"), "each call is counted once where it comes from");
	must(asked == ran("csd_queue_cpu"), "and where it goes to");
	must(ended <= ran("csd_function_exit"), "no run of a function is counted twice");
	must(waited <= ran("csd_queue_cpu"), "no call waits twice");
}

static void happen(const struct packed_event *packed)
{
	u32 known = sizeof(programs) / sizeof(programs[0]) - 1;
	u32 which = packed->program % (known + READERS);
	struct event event = {};
	u64 step = (u64)packed->step << packed->shift % 40;

	if (which >= known) {
		reader(packed, which - known);
		return;
	}
	event.program = &programs[which];
	event.time_ns = packed->goes_back && step < host.now_ns ? host.now_ns - step
								: host.now_ns + step;
	arguments(packed, &event);
	if (packed->is_nested && nested_count < MAX_NESTED) {
		nest(packed->call % 16, &event);
		return;
	}
	if (!nested_count)
		switch_to(packed);
	fire(&event);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct packed_event packed;

	reset(CPUS);
	host.now_ns = 1;
	nested_count = nested_next = 0;
	fill_memory();
	for (; size >= sizeof(packed); data += sizeof(packed), size -= sizeof(packed)) {
		memcpy(&packed, data, sizeof(packed));
		happen(&packed);
	}
	check_hardirqs();
	check_softirqs();
	check_works();
	check_exceptions();
	check_signals();
	check_syscalls();
	check_timers();
	check_tasklets();
	check_napis();
	check_threads();
	check_blames();
	check_calls();
	return 0;
}
