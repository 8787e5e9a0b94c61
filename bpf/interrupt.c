/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * What the handlers of lines and the architecture's own vectors have in common: one is open at a time on
 * a CPU, since both run with interrupts off; it takes time from what it interrupted; and what is raised or
 * queued while it is open is its doing.
 */

BPF_F_TABLE("hash", struct hardirq_key, struct hardirq, hardirqs, MAX_HARDIRQS, HASH_FLAGS);
BPF_ARRAY(no_hardirq, struct hardirq, 1); /* zeros, too large for the stack */

static __always_inline void open_interrupt(struct cpu *cpu, u64 action, u64 irq, u64 now_ns)
{
	cpu->hardirq.action = action;
	cpu->hardirq.irq = irq;
	cpu->hardirq_start_ns = now_ns;
}

static __always_inline bool is_open(struct cpu *cpu, u64 action, u64 irq)
{
	return cpu->hardirq_start_ns && cpu->hardirq.action == action && cpu->hardirq.irq == irq;
}

/* Its time, which it takes from what it interrupted. */
static __always_inline u64 close_interrupt(struct cpu *cpu, u64 now_ns)
{
	u64 ns = elapsed_ns(cpu->hardirq_start_ns, now_ns);

	cpu->hardirq_start_ns = 0;
	cpu->hardirq_end_ns = now_ns;
	cpu->hardirq_ns += ns;
	return ns;
}

/* The entry on this CPU of what something follows from; NULL where it never ended here, or was freed. */
static __always_inline struct hardirq *hardirq_of(struct cause *cause)
{
	struct hardirq_key key = {};

	key.action = cause->action;
	key.irq = cause->irq;
	key.cpu = bpf_get_smp_processor_id();
	return hardirqs.lookup(&key);
}

/* The entry of what is seen for the first time on this CPU. `name` is copied while it lives; 0: none. */
static __always_inline struct hardirq *first_hardirq(struct hardirq_key *key, u64 name)
{
	int zero = 0;
	struct hardirq *nothing = no_hardirq.lookup(&zero);
	struct hardirq *hardirq;

	if (!nothing)
		return NULL;
	hardirqs.update(key, nothing);
	hardirq = hardirqs.lookup(key);
	if (hardirq && name)
		bpf_probe_read_kernel_str(hardirq->name, sizeof(hardirq->name), (void *)name);
	return hardirq;
}
