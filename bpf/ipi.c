/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Which CPU interrupts which, what for, and how long does what it asked for wait and run there?
 *
 * A call of a function on another CPU is traced when it is queued (csd_queue_cpu). The interrupt is only
 * sent where the target's queue was empty, and not to an idle CPU that polls (__smp_call_single_queue() and
 * smp_call_function_many_cond(), kernel/smp.c): ipi_send_cpu and ipi_send_cpumask say that one is. Their
 * callback is then always generic_smp_call_function_single_interrupt(), so what it is for is what this CPU
 * queued last, from the same call site. Of a reschedule the callback is NULL (smp_send_reschedule(),
 * include/linux/smp.h); one that a CPU sends to itself is for an irq_work, its callback
 * (irq_work_raise(), kernel/irq_work.c).
 *
 * Where the function runs, csd_function_entry and _exit are traced, with interrupts off, in the interrupt or
 * in the idle task: they do not nest. All tasks that wait to be woken on a CPU are woken by one run of
 * sched_ttwu_pending(), traced with the first of their list: each has waited for it. Of an irq_work that was
 * queued on another CPU neither end is traced.
 *
 * Linux 6.4 has no csd_queue_cpu. There ipi_send_* are traced for each call that is queued, and once more
 * where the interrupt is sent: what only waits looks like what interrupts.
 */

#define CSD_FLAG_LOCK 0x01 /* include/linux/smp_types.h */
#define CSD_TYPE_ASYNC 0x00
#define CSD_TYPE_IRQ_WORK 0x20
#define CSD_TYPE_TTWU 0x30
#define CSD_FLAG_TYPE_MASK 0xF0

#define BATCH 32 /* of a list of tasks to be woken, so many are timed */
#define MASK_WORDS ((CPU_IDS + 63) / 64)

enum ipi_kind {
	IPI_RESCHEDULE,
	IPI_CALL,
	IPI_SELF,
};

/* What one CPU sends and asks for, so that one CPU only writes it. */
struct ipi_send_key {
	u64 function; /* 0: none, it is a reschedule */
	u64 callsite;
	u32 kind;
	u32 cpu;
};

struct ipi_send {
	char function[FUNCTION_BYTES];
	char callsite[FUNCTION_BYTES];
	u64 calls;	/* functions queued on another CPU … */
	u64 interrupts; /* … and interrupts sent: one for each target */
};

/* One function on the CPU that is interrupted, or that runs it. */
struct ipi_key {
	u64 function;
	u32 kind;
	u32 cpu;
};

/* Written by every CPU that asks, with atomic adds. */
struct ipi_target {
	char function[FUNCTION_BYTES];
	u64 asked; /* functions queued on it; of reschedules and irq_works, interrupts */
};

/* Written by the CPU that the function runs on. */
struct ipi_run {
	char function[FUNCTION_BYTES];
	struct worsts worst_latency;
	struct worsts worst_run;
	struct histogram latency; /* from when it was queued */
	struct histogram run;
};

/* Why an event could not be used. One slot is written by one program only. */
enum ipi_loss {
	LOSS_IPI_CPU_SEND_MAP_FULL,
	LOSS_IPI_CPU_TARGET_MAP_FULL,
	LOSS_IPI_MASK_UNREADABLE,
	LOSS_IPI_MASK_SEND_MAP_FULL,
	LOSS_IPI_QUEUE_SEND_MAP_FULL,
	LOSS_IPI_QUEUE_TARGET_MAP_FULL,
	LOSS_IPI_QUEUE_MAP_FULL,
	LOSS_IPI_ENTRY_OVERWRITTEN,
	LOSS_IPI_ENTRY_WITHOUT_QUEUE,
	LOSS_IPI_ENTRY_QUEUED_AGAIN,
	LOSS_IPI_ENTRY_BATCH_TOO_LONG,
	LOSS_IPI_ENTRY_MAP_FULL,
	LOSS_IPI_EXIT_WITHOUT_ENTRY,
	LOSS_IPI_EXIT_MAP_FULL,
	IPI_LOSSES
};

struct ipi_cpu {
	u64 queued_function; /* queued last here, … */
	u64 queued_callsite; /* … from here; 0: an interrupt has been sent for it */
	u64 start_ns;	     /* of the function that runs here; 0: none does */
	u64 function;
	u64 losses[IPI_LOSSES];
};

BPF_F_TABLE("hash", struct ipi_send_key, struct ipi_send, ipi_sends, MAX_IPI_SENDS, HASH_FLAGS);
BPF_F_TABLE("hash", struct ipi_key, struct ipi_target, ipi_targets, MAX_IPI_TARGETS, HASH_FLAGS);
BPF_F_TABLE("hash", struct ipi_key, struct ipi_run, ipi_runs, MAX_IPI_RUNS, HASH_FLAGS);
/* When a call was queued, by its call_single_data. An element is made here and freed there all the time:
 * memory on demand would be brought by irq_works (kernel/bpf/memalloc.c), which are interrupts too. */
BPF_F_TABLE("hash", u64, u64, ipi_calls, MAX_IPI_CALLS, 0);
BPF_PERCPU_ARRAY(ipi_cpus, struct ipi_cpu, 1);
BPF_ARRAY(no_ipi_run, struct ipi_run, 1); /* zeros, too large for the stack */
BPF_F_TABLE("array", u32, struct format, ipi_format, 1, BPF_F_RDONLY_PROG); /* "%ps" */

static __always_inline void name_ipi(char *name, u64 *address)
{
	int zero = 0;
	struct format *format = ipi_format.lookup(&zero);

	if (format && *address)
		put_function(name, format, address);
}

static __always_inline struct ipi_send *ipi_send_for(struct ipi_send_key *key)
{
	struct ipi_send *send = ipi_sends.lookup(key);
	struct ipi_send nothing = {};

	if (send)
		return send;
	ipi_sends.update(key, &nothing);
	send = ipi_sends.lookup(key);
	if (send) {
		name_ipi(send->function, &key->function);
		name_ipi(send->callsite, &key->callsite);
	}
	return send;
}

/* False where there is no room. */
static __always_inline bool ask(struct ipi_send_key *send, u32 target)
{
	struct ipi_key key = {};
	struct ipi_target *asked, nothing = {};

	key.function = send->function;
	key.kind = send->kind;
	key.cpu = target;
	asked = ipi_targets.lookup(&key);
	if (!asked) {
		ipi_targets.insert(&key, &nothing); /* not update: another CPU may have been first */
		asked = ipi_targets.lookup(&key);
		if (!asked)
			return false;
		name_ipi(asked->function, &key.function);
	}
	__sync_fetch_and_add(&asked->asked, 1);
	return true;
}

/* The function that an interrupt is for; its callback, where that is not known: an interrupt that came
 * between may have queued another. */
static __always_inline u64 ipi_function(struct ipi_cpu *cpu, u64 callsite, u64 callback)
{
	if (cpu->queued_callsite != callsite)
		return callback;
	cpu->queued_callsite = 0;
	return cpu->queued_function;
}

int irqw_ipi_cpu(struct bpf_raw_tracepoint_args *ctx)
{
	int zero = 0;
	u32 target = ctx->args[0];
	u64 callback = ctx->args[2];
	struct ipi_cpu *cpu = ipi_cpus.lookup(&zero);
	struct ipi_send_key key = {};
	struct ipi_send *send;

	if (!cpu)
		return 0;
	key.callsite = ctx->args[1];
	key.cpu = bpf_get_smp_processor_id();
	if (!callback) {
		key.kind = IPI_RESCHEDULE;
	} else if (target == key.cpu) {
		key.kind = IPI_SELF;
		key.function = callback;
	} else {
		key.kind = IPI_CALL;
		key.function = ipi_function(cpu, key.callsite, callback);
	}
	send = ipi_send_for(&key);
	if (send)
		send->interrupts++;
	else
		cpu->losses[LOSS_IPI_CPU_SEND_MAP_FULL]++;
	if (key.kind != IPI_CALL && !ask(&key, target)) /* a call has been counted: irqw_csd_queue() */
		cpu->losses[LOSS_IPI_CPU_TARGET_MAP_FULL]++;
	return 0;
}

static __always_inline u64 ones(u64 bits)
{
	bits -= bits >> 1 & 0x5555555555555555;
	bits = (bits & 0x3333333333333333) + (bits >> 2 & 0x3333333333333333);
	bits = (bits + (bits >> 4)) & 0x0f0f0f0f0f0f0f0f;
	return bits * 0x0101010101010101 >> 56;
}

int irqw_ipi_mask(struct bpf_raw_tracepoint_args *ctx)
{
	int zero = 0;
	u64 mask = ctx->args[0];
	u64 callback = ctx->args[2];
	struct ipi_cpu *cpu = ipi_cpus.lookup(&zero);
	struct ipi_send_key key = {};
	struct ipi_send *send;
	u64 bits, targets = 0;
	u32 word;

	if (!cpu)
		return 0;
	/* Read by now: of two reads in one place the compiler makes one, in a way that the verifier
	 * refuses. */
	asm volatile("" : "+r"(callback));
	for (word = 0; word < MASK_WORDS; word++) {
		if (bpf_probe_read_kernel(&bits, sizeof(bits), (void *)(mask + 8 * word))) {
			cpu->losses[LOSS_IPI_MASK_UNREADABLE]++;
			return 0;
		}
		targets += ones(bits);
	}
	key.kind = IPI_CALL;
	key.callsite = ctx->args[1];
	key.cpu = bpf_get_smp_processor_id();
	key.function = ipi_function(cpu, key.callsite, callback);
	send = ipi_send_for(&key);
	if (send)
		send->interrupts += targets;
	else
		cpu->losses[LOSS_IPI_MASK_SEND_MAP_FULL] += targets;
	return 0;
}

static __always_inline u32 csd_flags(u64 csd)
{
	u32 flags = 0;

	bpf_probe_read_kernel(&flags, sizeof(flags),
			      (void *)(csd + OFFSET___call_single_data_node_u_flags));
	return flags;
}

int irqw_csd_queue(struct bpf_raw_tracepoint_args *ctx)
{
	int zero = 0;
	u64 csd = ctx->args[3];
	struct ipi_cpu *cpu = ipi_cpus.lookup(&zero);
	struct ipi_send_key key = {};
	struct ipi_send *send;
	u64 now_ns;

	if (!cpu)
		return 0;
	key.function = ctx->args[2];
	key.callsite = ctx->args[1];
	key.kind = IPI_CALL;
	key.cpu = bpf_get_smp_processor_id();
	send = ipi_send_for(&key);
	if (send)
		send->calls++;
	else
		cpu->losses[LOSS_IPI_QUEUE_SEND_MAP_FULL]++;
	if (!ask(&key, ctx->args[0]))
		cpu->losses[LOSS_IPI_QUEUE_TARGET_MAP_FULL]++;
	cpu->queued_function = key.function;
	cpu->queued_callsite = key.callsite;
	if ((csd_flags(csd) & CSD_FLAG_TYPE_MASK) == CSD_TYPE_IRQ_WORK)
		return 0;
	now_ns = bpf_ktime_get_ns();
	if (ipi_calls.update(&csd, &now_ns))
		cpu->losses[LOSS_IPI_QUEUE_MAP_FULL]++;
	return 0;
}

static __always_inline struct ipi_run *ipi_run_for(u64 function)
{
	int zero = 0;
	struct ipi_key key = {};
	struct ipi_run *run, *nothing;

	key.function = function;
	key.kind = IPI_CALL;
	key.cpu = bpf_get_smp_processor_id();
	run = ipi_runs.lookup(&key);
	if (run)
		return run;
	nothing = no_ipi_run.lookup(&zero);
	if (!nothing)
		return NULL;
	ipi_runs.update(&key, nothing);
	run = ipi_runs.lookup(&key);
	if (run)
		name_ipi(run->function, &key.function);
	return run;
}

/*
 * The call has waited until now. Returns the next one of its list where that is run with it, else 0.
 *
 * A call that nobody waits for is unlocked before it is traced, and may be queued anew at once: then the
 * time is that of the new one or will be, and stays. The flags are read after the time, which is this
 * call's if they are still unlocked then.
 */
static __always_inline u64 ipi_waited(struct ipi_cpu *cpu, struct ipi_run *run, u64 csd, u64 now_ns)
{
	u64 *queued = ipi_calls.lookup(&csd);
	u64 queued_ns = queued ? *(volatile u64 *)queued : 0;
	u32 flags = csd_flags(csd);
	u64 latency_ns, next = 0;

	if (!queued) {
		cpu->losses[LOSS_IPI_ENTRY_WITHOUT_QUEUE]++;
	} else if ((flags & (CSD_FLAG_TYPE_MASK | CSD_FLAG_LOCK)) == (CSD_TYPE_ASYNC | CSD_FLAG_LOCK)) {
		cpu->losses[LOSS_IPI_ENTRY_QUEUED_AGAIN]++;
	} else {
		ipi_calls.delete(&csd);
		latency_ns = elapsed_ns(queued_ns, now_ns);
		if (run) {
			histogram_add(&run->latency, latency_ns);
			keep_worst(&run->worst_latency, latency_ns, now_ns);
		} else {
			cpu->losses[LOSS_IPI_ENTRY_MAP_FULL]++;
		}
	}
	if ((flags & CSD_FLAG_TYPE_MASK) == CSD_TYPE_TTWU)
		bpf_probe_read_kernel(&next, sizeof(next),
				      (void *)(csd + OFFSET___call_single_data_node_llist_next));
	return next ? next - OFFSET___call_single_data_node_llist_next : 0;
}

/* A CPU that calls a function on itself needs no interrupt for it: it has no call_single_data then. */
int irqw_csd_entry(struct bpf_raw_tracepoint_args *ctx)
{
	u64 now_ns = bpf_ktime_get_ns();
	int zero = 0;
	u64 csd = ctx->args[1];
	struct ipi_cpu *cpu = ipi_cpus.lookup(&zero);
	struct ipi_run *run;
	u32 i;

	if (!cpu || !csd)
		return 0;
	if (cpu->start_ns)
		cpu->losses[LOSS_IPI_ENTRY_OVERWRITTEN]++;
	cpu->start_ns = now_ns;
	cpu->function = ctx->args[0];
	run = ipi_run_for(cpu->function);
	for (i = 0; i < BATCH && csd; i++)
		csd = ipi_waited(cpu, run, csd, now_ns);
	if (csd)
		cpu->losses[LOSS_IPI_ENTRY_BATCH_TOO_LONG]++;
	return 0;
}

int irqw_csd_exit(struct bpf_raw_tracepoint_args *ctx)
{
	u64 now_ns = bpf_ktime_get_ns();
	int zero = 0;
	struct ipi_cpu *cpu = ipi_cpus.lookup(&zero);
	struct ipi_run *run;
	u64 run_ns;

	if (!cpu || !ctx->args[1])
		return 0;
	if (!cpu->start_ns || cpu->function != ctx->args[0]) {
		cpu->losses[LOSS_IPI_EXIT_WITHOUT_ENTRY]++;
		return 0;
	}
	run_ns = elapsed_ns(cpu->start_ns, now_ns);
	cpu->start_ns = 0;
	run = ipi_run_for(cpu->function);
	if (!run) {
		cpu->losses[LOSS_IPI_EXIT_MAP_FULL]++;
		return 0;
	}
	histogram_add(&run->run, run_ns);
	keep_worst(&run->worst_run, run_ns, now_ns);
	return 0;
}
