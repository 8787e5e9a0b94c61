/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * How long does each action on each line take, and was the interrupt its own?
 *
 * Both tracepoints are in __handle_irq_event_percpu() (kernel/irq/handle.c), around each action of
 * the line, and in handle_percpu_devid_irq() (kernel/irq/chip.c), with interrupts off: they do not nest
 * on a CPU, so one open entry is enough. Only arm64's pseudo-NMIs (handle_*_nmi()) can come on top of
 * one: that one is then lost, and counted so.
 */

#define IRQ_NONE 0 /* include/linux/irqreturn.h */

BPF_F_TABLE("hash", struct hardirq_key, struct hardirq, hardirqs, MAX_HARDIRQS, BPF_F_NO_PREALLOC);
BPF_ARRAY(no_hardirq, struct hardirq, 1); /* zeros, too large for the stack */

int irqw_irq_entry(struct bpf_raw_tracepoint_args *ctx)
{
	struct cpu *cpu = this_cpu();

	if (!cpu)
		return 0;
	if (cpu->hardirq_start_ns)
		cpu->losses[LOSS_HARDIRQ_ENTRY_OVERWRITTEN]++;
	cpu->hardirq_irq = (u32)ctx->args[0];
	cpu->hardirq_action = ctx->args[1];
	cpu->hardirq_start_ns = bpf_ktime_get_ns();
	return 0;
}

/* The entry of an action seen for the first time on this CPU; its name is copied while it lives. */
static __always_inline struct hardirq *first_hardirq(struct hardirq_key *key)
{
	int zero = 0;
	struct hardirq *nothing = no_hardirq.lookup(&zero);
	struct hardirq *hardirq;
	u64 name = 0;

	if (!nothing)
		return NULL;
	hardirqs.update(key, nothing);
	hardirq = hardirqs.lookup(key);
	if (!hardirq)
		return NULL;
	bpf_probe_read_kernel(&name, sizeof(name), (void *)(key->action + OFFSET_irqaction_name));
	bpf_probe_read_kernel_str(hardirq->name, sizeof(hardirq->name), (void *)name);
	return hardirq;
}

int irqw_irq_exit(struct bpf_raw_tracepoint_args *ctx)
{
	u64 now_ns = bpf_ktime_get_ns();
	struct cpu *cpu = this_cpu();
	struct hardirq_key key = {};
	struct hardirq *hardirq;
	u64 ns;

	if (!cpu)
		return 0;
	key.action = ctx->args[1];
	key.irq = ctx->args[0];
	key.cpu = bpf_get_smp_processor_id();
	if (!cpu->hardirq_start_ns || cpu->hardirq_action != key.action ||
	    cpu->hardirq_irq != key.irq) {
		cpu->losses[LOSS_HARDIRQ_EXIT_WITHOUT_ENTRY]++;
		return 0;
	}
	ns = elapsed_ns(cpu->hardirq_start_ns, now_ns);
	cpu->hardirq_start_ns = 0;
	cpu->hardirq_ns += ns;

	hardirq = hardirqs.lookup(&key);
	if (!hardirq)
		hardirq = first_hardirq(&key);
	if (!hardirq) {
		cpu->losses[LOSS_HARDIRQ_MAP_FULL]++;
		return 0;
	}
	if ((u32)ctx->args[2] == IRQ_NONE) {
		hardirq->not_mine_count++;
		hardirq->not_mine_ns += ns;
	} else {
		histogram_add(&hardirq->handled, ns);
	}
	keep_worst(&hardirq->worst, ns, now_ns);
	return 0;
}
