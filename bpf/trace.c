/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Single events that took longer than TRACE_SLOWER_NS, as they end, through a ring buffer.
 *
 * TRACE_KIND(kind), TRACE_CPU(cpu), TRACE_IRQ(irq, action) and TRACE_SOFTIRQ(vector) say what is wanted; the
 * reader makes them. An event is of a line if it is the line's own or follows from it.
 */

enum slow_kind {
	SLOW_HARDIRQ,
	SLOW_VECTOR,
	SLOW_SOFTIRQ,
	SLOW_SOFTIRQ_WAIT,
	SLOW_WORK,
	SLOW_WORK_WAIT,
	SLOW_TIMER,
};

#define NO_SOFTIRQ NR_SOFTIRQS

struct slow_event {
	u64 at_ns; /* when it ended */
	u64 ns;
	struct cause cause; /* the interrupt itself, or the one it follows from */
	u64 waited_ns; /* how long the first of `waiting` has waited */
	u32 kind;
	u32 cpu;
	u32 pid;
	u32 softirq; /* which; or, of an interrupt, which it interrupted, or NO_SOFTIRQ */
	u64 waiting; /* softirqs that are raised and have to wait, a bit for each */
	char comm[COMM_BYTES];
	char name[FUNCTION_BYTES]; /* of the action or the function; empty: it has none */
	char workqueue[WORKQUEUE_NAME_BYTES];
};

BPF_RINGBUF_OUTPUT(slow_events, TRACE_PAGES);
BPF_PERCPU_ARRAY(slow_drops, u64, 1);
BPF_F_TABLE("array", u32, struct format, slow_format, 1, BPF_F_RDONLY_PROG); /* "%ps" */

static __always_inline void note_waiting(struct cpu *cpu, struct slow_event *event)
{
	u64 first_ns = event->at_ns;
	u64 vector;

	event->waiting = 0;
	for (vector = 0; vector < NR_SOFTIRQS; vector++) {
		if (!cpu->raised_ns[vector])
			continue;
		event->waiting |= 1ULL << vector;
		if (cpu->raised_ns[vector] < first_ns)
			first_ns = cpu->raised_ns[vector];
	}
	event->waited_ns = event->at_ns - first_ns;
}

/* Room for one event, or NULL where it is not wanted or there is none. All of it is set but for the name
 * of a work's queue and function. */
static __always_inline struct slow_event *slow_event(struct cpu *cpu, u32 kind, u64 ns, u64 now_ns,
						     struct cause *cause, u32 softirq)
{
	u32 here = bpf_get_smp_processor_id();
	struct slow_event *event;
	int zero = 0;
	u64 *drops;

	if (!TRACE_KIND(kind) || ns < TRACE_SLOWER_NS || !TRACE_CPU(here) ||
	    !TRACE_IRQ(cause->irq, cause->action) || !TRACE_SOFTIRQ(softirq))
		return NULL;
	event = slow_events.ringbuf_reserve(sizeof(*event));
	if (!event) {
		drops = slow_drops.lookup(&zero);
		if (drops)
			*drops += 1;
		return NULL;
	}
	event->at_ns = now_ns;
	event->ns = ns;
	event->cause = *cause;
	event->kind = kind;
	event->cpu = here;
	event->pid = bpf_get_current_pid_tgid();
	event->softirq = softirq;
	bpf_get_current_comm(event->comm, sizeof(event->comm));
	event->name[0] = 0;
	event->workqueue[0] = 0;
	note_waiting(cpu, event);
	return event;
}

static __always_inline void trace_interrupt(struct cpu *cpu, struct cause *interrupt, u64 ns,
					    u64 now_ns)
{
	u32 kind = interrupt->action ? SLOW_HARDIRQ : SLOW_VECTOR;
	struct slow_event *event = slow_event(cpu, kind, ns, now_ns, interrupt, NO_SOFTIRQ);
	u64 name = 0;

	if (!event)
		return;
	if (cpu->softirq_start_ns)
		event->softirq = cpu->softirq_vector;
	if (interrupt->action) {
		bpf_probe_read_kernel(&name, sizeof(name),
				      (void *)(interrupt->action + OFFSET_irqaction_name));
		bpf_probe_read_kernel_str(event->name, sizeof(event->name), (void *)name);
	}
	slow_events.ringbuf_submit(event, 0);
}

static __always_inline void trace_softirq(struct cpu *cpu, u32 kind, u64 vector, u64 ns, u64 now_ns)
{
	struct slow_event *event =
		slow_event(cpu, kind, ns, now_ns, &cpu->softirq_cause, vector);

	if (event)
		slow_events.ringbuf_submit(event, 0);
}

static __always_inline void name_after(struct slow_event *event, u64 *function)
{
	int zero = 0;
	struct format *format = slow_format.lookup(&zero);

	if (format)
		put_function(event->name, format, function);
}

static __always_inline void trace_work(struct cpu *cpu, u32 kind, struct work_key *key,
				       struct cause *cause, u64 ns, u64 now_ns)
{
	struct slow_event *event = slow_event(cpu, kind, ns, now_ns, cause, NO_SOFTIRQ);

	if (!event)
		return;
	name_after(event, &key->function);
	__builtin_memcpy(event->workqueue, key->workqueue, sizeof(event->workqueue));
	slow_events.ringbuf_submit(event, 0);
}

/* Of a timer that fired so late; what it fires in is its cause. */
static __always_inline void trace_timer(u64 hrtimer, u64 ns, u64 now_ns)
{
	struct cpu *cpu = this_cpu();
	struct slow_event *event;
	struct cause cause;
	u64 function = 0;

	if (!cpu)
		return;
	cause_now(cpu, &cause);
	event = slow_event(cpu, SLOW_TIMER, ns, now_ns, &cause, NO_SOFTIRQ);
	if (!event)
		return;
	bpf_probe_read_kernel(&function, sizeof(function),
			      (void *)(hrtimer + OFFSET_hrtimer_function));
	name_after(event, &function);
	slow_events.ringbuf_submit(event, 0);
}
