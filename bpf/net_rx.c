/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * One run of NET_RX polls the queues of several lines: whose is the time of each poll?
 *
 * A run as a whole has the cause of its oldest raise. But of two lines that interrupt at once the second
 * does when the softirq lets interrupts in again, and is served by the run for the first. A queue's NAPI
 * instance is the line's whose handler schedules it: napi_schedule() puts it at the end of the CPU's list
 * and raises NET_RX, and net_rx_action() polls in the list's order (net/core/dev.c). So the lines of the
 * raises, in their order, are those of the polls. The order is lost where an instance uses up its budget and
 * is put at the end again; where the run itself raises NET_RX for what it leaves on the list; where a raise that
 * is no line's turns out not to be the backlog's: those of tasks and IPIs may schedule nothing at all
 * (napi_schedule_rps(), trigger_rx_softirq()). It is known anew when a run ends with nothing raised: then the
 * list is empty. Since Linux 6.4 what is scheduled while polls go on raises nothing; it comes behind all
 * that was.
 *
 * A poll for another line than the run's cause is moved to that line, from the end of the poll before, or
 * the start of the run, to its own end.
 */

#define NET_RX 3 /* include/linux/interrupt.h */
#define IRQF_PERCPU 0x400 /* the same */

/* By instance, for when the order is lost. The address may be another's tomorrow, so it is learned anew each
 * time; one that is forgotten leaves its time with the run's cause. */
BPF_TABLE("lru_hash", u64, struct cause, napi_lines, MAX_NAPIS);

static __always_inline bool is_same(struct cause *one, struct cause *other)
{
	return one->action == other->action && one->irq == other->irq;
}

/* Whether the open interrupt is a line that each CPU has for itself: timers and IPIs of arm64 and of some
 * guests, which elsewhere are vectors. */
static __always_inline bool is_of_each_cpu(struct cpu *cpu)
{
	u32 flags = 0;

	bpf_probe_read_kernel(&flags, sizeof(flags),
			      (void *)(cpu->hardirq.action + OFFSET_irqaction_flags));
	return flags & IRQF_PERCPU;
}

/* NET_RX is raised now, with interrupts off. */
static __always_inline void note_schedule(struct cpu *cpu)
{
	struct cause none = {};
	struct cause *next = &cpu->scheduled_by[cpu->scheduled++ & (SCHEDULES - 1)];

	*next = none;
	if (cpu->scheduled - cpu->polled > SCHEDULES) {
		cpu->order_known = 0;
	} else if (cpu->hardirq_start_ns) {
		if (!is_of_each_cpu(cpu))
			*next = cpu->hardirq;
	} else if (!cpu->softirq_start_ns) {
		*next = cpu->thread;
	} else if (cpu->softirq_vector == NET_RX) {
		cpu->order_known = 0;
	}
}

/* A run ends. An interrupt may raise NET_RX between the lines here. */
static __always_inline void note_empty_list(struct cpu *cpu)
{
	u64 scheduled = *(volatile u64 *)&cpu->scheduled;

	if (*(volatile u64 *)&cpu->raised_ns[NET_RX])
		return;
	cpu->polled = scheduled;
	cpu->order_known = 1;
}

/* The line of an instance that has just been polled, or NULL. The backlog, which takes what loopback and
 * handlers without NAPI hand in, is each time that of its raise. */
static __always_inline struct cause *polled_for(struct cpu *cpu, u64 napi, bool is_backlog)
{
	struct cause *line = is_backlog ? NULL : napi_lines.lookup(&napi);
	struct cause *next;

	if (!cpu->order_known || cpu->polled == cpu->scheduled)
		return line;
	next = &cpu->scheduled_by[cpu->polled++ & (SCHEDULES - 1)];
	if (!next->action) {
		if (!is_backlog)
			cpu->order_known = 0;
		return line;
	}
	if (!is_backlog && (!line || !is_same(line, next)))
		napi_lines.update(&napi, next);
	return next;
}

static __always_inline void note_move(struct cpu *cpu, struct cause *line, u64 ns)
{
	struct move *move = &cpu->moved[cpu->moves & (MOVES - 1)];

	if (cpu->moves >= MOVES)
		return;
	move->line = *line;
	move->ns = ns;
	cpu->moves++;
}

/* At the end of a run, so that no more is moved than it took. What is left is its cause's, with the polls
 * for lines that never ended on this CPU or were freed. */
static __always_inline u64 move_polls(struct cpu *cpu, u64 run_ns)
{
	struct hardirq *hardirq;
	u64 i, ns;

	for (i = 0; i < MOVES && i < cpu->moves; i++) {
		hardirq = hardirq_of(&cpu->moved[i].line);
		if (!hardirq)
			continue;
		ns = cpu->moved[i].ns < run_ns ? cpu->moved[i].ns : run_ns;
		hardirq->softirqs[NET_RX].ns += ns;
		run_ns -= ns;
	}
	return run_ns;
}

static __always_inline void share_poll(u64 napi, bool is_backlog, bool is_exhausted)
{
	struct cpu *cpu = this_cpu();
	u64 start_ns, start_hardirq_ns, ns;
	struct cause *line;

	if (!cpu || !cpu->softirq_start_ns || cpu->softirq_vector != NET_RX)
		return; /* a task polls: busy polling, NAPI's own thread */
	start_ns = cpu->softirq_start_ns;
	start_hardirq_ns = cpu->softirq_hardirq_ns;
	if (cpu->poll_end_ns > start_ns) {
		start_ns = cpu->poll_end_ns;
		start_hardirq_ns = cpu->poll_hardirq_ns;
	}
	cpu->poll_end_ns = now_and_hardirq_ns(cpu, &cpu->poll_hardirq_ns);
	line = polled_for(cpu, napi, is_backlog);
	if (is_exhausted)
		cpu->order_known = 0;
	if (!line || is_same(line, &cpu->softirq_cause))
		return;
	ns = elapsed_ns(start_ns, cpu->poll_end_ns);
	note_move(cpu, line, elapsed_ns(cpu->poll_hardirq_ns - start_hardirq_ns, ns));
}
