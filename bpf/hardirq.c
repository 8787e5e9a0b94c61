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

int irqw_irq_entry(struct bpf_raw_tracepoint_args *ctx)
{
	struct cpu *cpu = this_cpu();

	if (!cpu)
		return 0;
	if (cpu->hardirq_start_ns)
		cpu->losses[LOSS_HARDIRQ_ENTRY_OVERWRITTEN]++;
	open_interrupt(cpu, ctx->args[1], (u32)ctx->args[0], bpf_ktime_get_ns());
	return 0;
}

static __always_inline u64 name_of(u64 action)
{
	u64 name = 0;

	bpf_probe_read_kernel(&name, sizeof(name), (void *)(action + OFFSET_irqaction_name));
	return name;
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
	if (!is_open(cpu, key.action, key.irq)) {
		cpu->losses[LOSS_HARDIRQ_EXIT_WITHOUT_ENTRY]++;
		return 0;
	}
	ns = close_interrupt(cpu, now_ns);
#ifdef COLLECT_THREAD
	note_wake(ctx->args[2], &key, now_ns);
#endif
#ifdef COLLECT_BLAME
	blame_interrupt(&cpu->hardirq, ns);
#endif
#ifdef COLLECT_TRACE
	trace_interrupt(cpu, &cpu->hardirq, ns, now_ns);
#endif
	hardirq = hardirqs.lookup(&key);
	if (!hardirq)
		hardirq = first_hardirq(&key, name_of(key.action));
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
