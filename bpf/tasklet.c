/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * How long does each tasklet's function run?
 *
 * tasklet_action_common() (kernel/softirq.c) traces both ends, in the HI and TASKLET softirqs, with
 * interrupts on: they do not nest on a CPU. The tracepoints are of Linux 6.4.
 */

enum tasklet_loss {
	LOSS_TASKLET_EXIT_WITHOUT_ENTRY,
	LOSS_TASKLET_ENTRY_OVERWRITTEN,
	LOSS_TASKLET_MAP_FULL,
	TASKLET_LOSSES
};

struct tasklet_cpu {
	u64 start_ns; /* 0: none is open */
	u64 hardirq_ns; /* that of struct cpu when it started */
	u64 function;
	u64 losses[TASKLET_LOSSES];
};

/* One function on one CPU, so that one CPU only writes it. */
struct tasklet_key {
	u64 function;
	u64 cpu;
};

struct tasklet {
	char function[FUNCTION_BYTES];
	struct worsts worst;
	struct histogram run;
};

BPF_PERCPU_ARRAY(tasklet_cpus, struct tasklet_cpu, 1);
BPF_F_TABLE("hash", struct tasklet_key, struct tasklet, tasklets, MAX_TASKLETS, HASH_FLAGS);
BPF_ARRAY(no_tasklet, struct tasklet, 1); /* zeros, too large for the stack */
BPF_F_TABLE("array", u32, struct format, tasklet_format, 1, BPF_F_RDONLY_PROG); /* "%ps" */

int irqw_tlet_entry(struct bpf_raw_tracepoint_args *ctx)
{
	int zero = 0;
	struct cpu *cpu = this_cpu();
	struct tasklet_cpu *open = tasklet_cpus.lookup(&zero);

	if (!cpu || !open)
		return 0;
	if (open->start_ns)
		open->losses[LOSS_TASKLET_ENTRY_OVERWRITTEN]++;
	open->function = ctx->args[1];
	open->start_ns = now_and_hardirq_ns(cpu, &open->hardirq_ns);
	return 0;
}

/* The entry of a function seen for the first time on this CPU; it is named while it is there. */
static __always_inline struct tasklet *first_tasklet(struct tasklet_key *key)
{
	int zero = 0;
	struct format *format = tasklet_format.lookup(&zero);
	struct tasklet *nothing = no_tasklet.lookup(&zero);
	struct tasklet *tasklet;

	if (!format || !nothing)
		return NULL;
	tasklets.update(key, nothing);
	tasklet = tasklets.lookup(key);
	if (tasklet)
		put_function(tasklet->function, format, &key->function);
	return tasklet;
}

int irqw_tlet_exit(struct bpf_raw_tracepoint_args *ctx)
{
	int zero = 0;
	struct cpu *cpu = this_cpu();
	struct tasklet_cpu *open = tasklet_cpus.lookup(&zero);
	struct tasklet_key key = {};
	struct tasklet *tasklet;
	u64 now_ns, hardirq_ns, run_ns;

	if (!cpu || !open)
		return 0;
	now_ns = now_and_hardirq_ns(cpu, &hardirq_ns);
	key.function = ctx->args[1];
	key.cpu = bpf_get_smp_processor_id();
	if (!open->start_ns || open->function != key.function) {
		open->losses[LOSS_TASKLET_EXIT_WITHOUT_ENTRY]++;
		return 0;
	}
	run_ns = elapsed_ns(open->start_ns, now_ns);
	run_ns = elapsed_ns(hardirq_ns - open->hardirq_ns, run_ns);
	open->start_ns = 0;

	tasklet = tasklets.lookup(&key);
	if (!tasklet)
		tasklet = first_tasklet(&key);
	if (!tasklet) {
		open->losses[LOSS_TASKLET_MAP_FULL]++;
		return 0;
	}
	histogram_add(&tasklet->run, run_ns);
	keep_worst(&tasklet->worst, run_ns, now_ns);
	return 0;
}
