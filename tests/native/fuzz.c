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
	u8 program; /* modulo their number, and then what the reader does */
	u8 cpu : 2, task : 3, is_nested : 1, goes_back : 1, unused : 1;
	u8 thing;
	u8 other;
	uint16_t step;
	u8 shift;
	u8 call;
};

enum reader { MOVE_EPOCH, DELETE_WAITING, LIMIT_MAPS, READERS };

#define ADDRESS(kind, at) (((u64)(kind) << 32) + ((at) + 1) * 0x1000)
#define ACTION(at) ADDRESS(0xA, at)
#define WORK(at) ADDRESS(0xB, at)
#define POOL(at) ADDRESS(0xC, at)
#define QUEUE(at) ADDRESS(0xD, at)
#define TASK(at) ADDRESS(0xE, at)
#define NAME(at) ADDRESS(0xF, at)

/* The last of each kind is left out: it cannot be read. */
static void fill_memory(void)
{
	u8 name[MEMORY_BYTES];
	char format[FORMAT_BYTES] = "%ps";
	u32 flags, zero = 0;
	u64 at, pointer;

	map_set(&function_format_map, &zero, format, BPF_ANY);
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
	} else if (!strncmp(tracepoint, "irq", 3)) {
		event->args[0] = packed->other & 1;
		event->args[1] = ACTION(thing);
		event->args[2] = packed->other >> 1;
	} else if (!strcmp(tracepoint, "workqueue_queue_work")) {
		event->args[1] = POOL(packed->other % QUEUES);
		event->args[2] = WORK(thing);
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

static void check_hardirqs(void)
{
	struct element *element;
	struct hardirq *hardirq;
	u64 count = 0;
	u32 chain;

	for_each(hardirqs_map, element, chain) {
		hardirq = (struct hardirq *)element->value;
		count += count_of(&hardirq->handled) + hardirq->not_mine_count;
		must(memchr(hardirq->name, 0, NAME_BYTES), "a name ends");
	}
	count += loss(LOSS_HARDIRQ_EXIT_WITHOUT_ENTRY) + loss(LOSS_HARDIRQ_MAP_FULL);
	must(count == ran("irq_handler_exit"), "each exit of a hard interrupt is counted once");
}

static void check_softirqs(void)
{
	u64 latencies = loss(LOSS_SOFTIRQ_ENTRY_WITHOUT_RAISE) + loss(LOSS_SOFTIRQ_UNKNOWN_ENTRY);
	u64 runs = loss(LOSS_SOFTIRQ_EXIT_WITHOUT_ENTRY);
	struct element *element;
	struct softirq *softirq;
	u32 chain, vector;

	for_each(cpus_map, element, chain) {
		for (vector = 0; vector < NR_SOFTIRQS; vector++) {
			softirq = &((struct cpu *)element->value)->softirqs[vector];
			latencies += count_of(&softirq->latency);
			runs += count_of(&softirq->run);
			must(softirq->ksoftirqd_ns <= softirq->run.sum_ns, "ksoftirqd is a part");
		}
	}
	must(latencies == ran("softirq_entry"), "each entry of a softirq is counted once");
	must(runs == ran("softirq_exit"), "each exit of a softirq is counted once");
}

static void check_works(void)
{
	u64 latencies = 0, runs = 0, runs_by_cpu = 0;
	struct element *element;
	u32 chain;

	for_each(works_map, element, chain) {
		latencies += count_of(&((struct work *)element->value)->latency);
		runs += count_of(&((struct work *)element->value)->run);
	}
	for_each(work_cpus_map, element, chain)
		runs_by_cpu += ((struct work_cpu *)element->value)->run_count;
	must(runs == runs_by_cpu, "runs by CPU add up");
	runs += loss(LOSS_WORK_END_WITHOUT_START) + loss(LOSS_WORK_END_MAP_FULL);
	must(runs == ran("workqueue_execute_end"), "each end of work is counted once");
	must(latencies <= ran("workqueue_execute_start"), "no start of work is counted twice");
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
	return 0;
}
