/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The probe (its file is the macro PROBE), its programs by tracepoint, how an event reaches them. */
#ifndef PROBE_H
#define PROBE_H

#include "kernel.h"
#include PROBE

#define MAX_ARGUMENTS 3
#define MAX_NESTED 16

/* `arguments`: as many as the tracepoint has (TP_PROTO in include/trace/events/{irq,workqueue}.h).
 * `interrupts_on`: where the kernel traces it (handle_softirqs(), process_one_work()). */
static struct program {
	const char *tracepoint;
	u32 arguments;
	bool interrupts_on;
	int (*run)(struct bpf_raw_tracepoint_args *ctx);
	bool running;
	u64 misses;
	u64 runs; /* on CPUs that the maps have */
} programs[] = {
#ifdef COLLECT_HARDIRQ
	{ .run = irqw_irq_entry, .tracepoint = "irq_handler_entry", .arguments = 2 },
	{ .run = irqw_irq_exit, .tracepoint = "irq_handler_exit", .arguments = 3 },
#endif
#ifdef COLLECT_SOFTIRQ
	{ .run = irqw_soft_raise, .tracepoint = "softirq_raise", .arguments = 1 },
	{ .run = irqw_soft_entry, .tracepoint = "softirq_entry", .arguments = 1,
	  .interrupts_on = true },
	{ .run = irqw_soft_exit, .tracepoint = "softirq_exit", .arguments = 1,
	  .interrupts_on = true },
#endif
#ifdef COLLECT_WORK
	{ .run = irqw_work_queue, .tracepoint = "workqueue_queue_work", .arguments = 3 },
	{ .run = irqw_work_active, .tracepoint = "workqueue_activate_work", .arguments = 1 },
	{ .run = irqw_work_start, .tracepoint = "workqueue_execute_start", .arguments = 1,
	  .interrupts_on = true },
	{ .run = irqw_work_end, .tracepoint = "workqueue_execute_end", .arguments = 2,
	  .interrupts_on = true },
#endif
	{ .tracepoint = NULL },
};

struct event {
	struct program *program;
	u64 time_ns;
	u64 args[MAX_ARGUMENTS];
};

/* Events that interrupt the next one, each before that one's call number `call`. */
static struct {
	u32 call;
	struct event event;
} nested[MAX_NESTED];
static u32 nested_count, nested_next;

static inline struct program *program_of(const char *tracepoint)
{
	struct program *program = programs;

	while (program->tracepoint && strcmp(program->tracepoint, tracepoint))
		program++;
	return program->tracepoint ? program : NULL;
}

/* A program that interrupts itself does not run and is counted (kernel/trace/bpf_trace.c,
 * __bpf_trace_run()). */
static inline void run(const struct event *event)
{
	struct program *program = event->program;
	struct bpf_raw_tracepoint_args *ctx;

	if (program->running) {
		program->misses++;
		return;
	}
	ctx = allocate(program->arguments * sizeof(u64));
	memcpy(ctx, event->args, program->arguments * sizeof(u64));
	program->runs += host.cpu < host.cpus;
	program->running = true;
	program->run(ctx);
	program->running = false;
	free(ctx);
}

static inline void interrupt(u32 call)
{
	struct event *event;

	while (nested_next < nested_count && nested[nested_next].call <= call) {
		event = &nested[nested_next++].event;
		host.now_ns = event->time_ns;
		host.interrupt = NULL; /* one level is enough */
		run(event);
		host.interrupt = interrupt;
	}
}

/* The event happens on this CPU, with those that interrupt it, or follow it if they cannot. */
static inline void fire(const struct event *event)
{
	host.now_ns = event->time_ns;
	host.calls = 0;
	host.interrupt = event->program->interrupts_on ? interrupt : NULL;
	run(event);
	interrupt(UINT32_MAX);
	host.interrupt = NULL;
	nested_count = nested_next = 0;
}

static inline void nest(u32 call, const struct event *event)
{
	if (nested_count == MAX_NESTED)
		abort();
	nested[nested_count].call = call;
	nested[nested_count++].event = *event;
}

static inline void reset(u32 cpus)
{
	struct program *program;

	memset(&host, 0, sizeof(host));
	maps_reset(cpus);
	map_clear(&memory);
	for (program = programs; program->tracepoint; program++)
		program->misses = program->runs = 0;
}

#endif
