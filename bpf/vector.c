/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * How long do the architecture's own interrupts take: the local timer and what CPUs send each other?
 *
 * x86 has a pair of tracepoints for each (arch/x86/include/asm/trace/irq_vectors.h), all with the vector's
 * number, so one pair of programs serves them all. Their handlers run with interrupts off
 * (DEFINE_IDTENTRY_SYSVEC, arch/x86/include/asm/idtentry.h): none is inside another or inside a line's.
 *
 * On arm64 the timer is a line, and IPIs are too: ipi_entry and ipi_exit come inside the line's handler
 * (handle_percpu_devid_irq()) and say what it was for. Their time is in the line's already.
 */

#define VECTORS 256
#define IPI_IRQ 0xffffffffu /* no line has this number */

int irqw_vec_entry(struct bpf_raw_tracepoint_args *ctx)
{
	struct cpu *cpu = this_cpu();

	if (!cpu)
		return 0;
	if (cpu->hardirq_start_ns)
		cpu->losses[LOSS_VECTOR_ENTRY_OVERWRITTEN]++;
	open_interrupt(cpu, 0, ctx->args[0] & (VECTORS - 1), bpf_ktime_get_ns());
	return 0;
}

static __always_inline void count_vector(struct cpu *cpu, struct hardirq_key *key, u64 name, u64 ns,
					 u64 now_ns)
{
	struct hardirq *hardirq = hardirqs.lookup(key);

	if (!hardirq)
		hardirq = first_hardirq(key, name);
	if (!hardirq) {
		cpu->losses[LOSS_VECTOR_MAP_FULL]++;
		return;
	}
	histogram_add(&hardirq->handled, ns);
	keep_worst(&hardirq->worst, ns, now_ns);
}

int irqw_vec_exit(struct bpf_raw_tracepoint_args *ctx)
{
	u64 now_ns = bpf_ktime_get_ns();
	struct cpu *cpu = this_cpu();
	struct hardirq_key key = {};
	u64 ns;

	if (!cpu)
		return 0;
	key.irq = ctx->args[0] & (VECTORS - 1);
	key.cpu = bpf_get_smp_processor_id();
	if (!is_open(cpu, 0, key.irq)) {
		cpu->losses[LOSS_VECTOR_EXIT_WITHOUT_ENTRY]++;
		return 0;
	}
	ns = close_interrupt(cpu, now_ns);
#ifdef COLLECT_BLAME
	blame_interrupt(&cpu->hardirq, ns);
#endif
#ifdef COLLECT_TRACE
	trace_interrupt(cpu, &cpu->hardirq, ns, now_ns);
#endif
	count_vector(cpu, &key, 0, ns, now_ns);
	return 0;
}

int irqw_ipi_entry(struct bpf_raw_tracepoint_args *ctx)
{
	struct cpu *cpu = this_cpu();

	(void)ctx;
	if (!cpu)
		return 0;
	if (cpu->ipi_start_ns)
		cpu->losses[LOSS_VECTOR_ENTRY_OVERWRITTEN]++;
	cpu->ipi_start_ns = bpf_ktime_get_ns();
	return 0;
}

/* The argument is a string that is always there (arch/arm64/kernel/smp.c, ipi_types). */
int irqw_ipi_exit(struct bpf_raw_tracepoint_args *ctx)
{
	u64 now_ns = bpf_ktime_get_ns();
	struct cpu *cpu = this_cpu();
	struct hardirq_key key = {};
	u64 start_ns;

	if (!cpu)
		return 0;
	start_ns = cpu->ipi_start_ns;
	cpu->ipi_start_ns = 0;
	if (!start_ns) {
		cpu->losses[LOSS_VECTOR_EXIT_WITHOUT_ENTRY]++;
		return 0;
	}
	key.action = ctx->args[0];
	key.irq = IPI_IRQ;
	key.cpu = bpf_get_smp_processor_id();
	count_vector(cpu, &key, key.action, elapsed_ns(start_ns, now_ns), now_ns);
	return 0;
}
