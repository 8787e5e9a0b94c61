/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The probe (its file is the macro PROBE), its programs by tracepoint, how an event reaches them. */
#ifndef PROBE_H
#define PROBE_H

#include "kernel.h"
#include PROBE

#define MAX_ARGUMENTS 5
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
	{ .run = irqw_work_act, .tracepoint = "workqueue_activate_work", .arguments = 1 },
	{ .run = irqw_work_start, .tracepoint = "workqueue_execute_start", .arguments = 1,
	  .interrupts_on = true },
	{ .run = irqw_work_end, .tracepoint = "workqueue_execute_end", .arguments = 2,
	  .interrupts_on = true },
#endif
#ifdef COLLECT_VECTOR
#define VECTOR(name)                                                                               \
	{ .run = irqw_vec_entry, .tracepoint = name "_entry", .arguments = 1 },                    \
	{ .run = irqw_vec_exit, .tracepoint = name "_exit", .arguments = 1 }
	VECTOR("local_timer"),
	VECTOR("reschedule"),
	VECTOR("call_function"),
	VECTOR("call_function_single"),
	VECTOR("irq_work"),
	VECTOR("thermal_apic"),
	VECTOR("threshold_apic"),
	VECTOR("deferred_error_apic"),
	VECTOR("error_apic"),
	VECTOR("spurious_apic"),
	VECTOR("x86_platform_ipi"),
	{ .run = irqw_ipi_entry, .tracepoint = "ipi_entry", .arguments = 1 },
	{ .run = irqw_ipi_exit, .tracepoint = "ipi_exit", .arguments = 1 },
#endif
#ifdef COLLECT_TIMER
	{ .run = irqw_hrtimer, .tracepoint = "hrtimer_expire_entry", .arguments = 2,
	  .interrupts_on = true },
#endif
#ifdef COLLECT_TASKLET
	{ .run = irqw_tlet_entry, .tracepoint = "tasklet_entry", .arguments = 2,
	  .interrupts_on = true },
	{ .run = irqw_tlet_exit, .tracepoint = "tasklet_exit", .arguments = 2,
	  .interrupts_on = true },
#endif
#ifdef COLLECT_NAPI
	{ .run = irqw_napi_poll, .tracepoint = "napi_poll", .arguments = 3,
	  .interrupts_on = true },
#endif
#ifdef COLLECT_EXCEPTION
	{ .run = irqw_fault_user, .tracepoint = "page_fault_user", .arguments = 3,
	  .interrupts_on = true },
	{ .run = irqw_fault_kern, .tracepoint = "page_fault_kernel", .arguments = 3,
	  .interrupts_on = true },
	{ .run = irqw_nmi, .tracepoint = "nmi_handler", .arguments = 3 },
	{ .run = irqw_mce, .tracepoint = "mce_record", .arguments = 1 },
#endif
#ifdef COLLECT_SIGNAL
	{ .run = irqw_sig_gen, .tracepoint = "signal_generate", .arguments = 5 },
	{ .run = irqw_sig_deliv, .tracepoint = "signal_deliver", .arguments = 3 },
#endif
#ifdef COLLECT_SYSCALL
	{ .run = irqw_sys_enter, .tracepoint = "sys_enter", .arguments = 2, .interrupts_on = true },
	{ .run = irqw_sys_exit, .tracepoint = "sys_exit", .arguments = 2, .interrupts_on = true },
	{ .run = irqw_sys_gone, .tracepoint = "sched_process_exit", .arguments = 1,
	  .interrupts_on = true },
	{ .run = irqw_sys_exec, .tracepoint = "sched_process_exec", .arguments = 3,
	  .interrupts_on = true },
#endif
#ifdef COLLECT_THREAD
	{ .run = irqw_switch, .tracepoint = "sched_switch", .arguments = 4 },
#endif
#ifdef COLLECT_IPI
	{ .run = irqw_csd_queue, .tracepoint = "csd_queue_cpu", .arguments = 4,
	  .interrupts_on = true },
	{ .run = irqw_ipi_cpu, .tracepoint = "ipi_send_cpu", .arguments = 3,
	  .interrupts_on = true },
	{ .run = irqw_ipi_mask, .tracepoint = "ipi_send_cpumask", .arguments = 3,
	  .interrupts_on = true },
	{ .run = irqw_csd_entry, .tracepoint = "csd_function_entry", .arguments = 2 },
	{ .run = irqw_csd_exit, .tracepoint = "csd_function_exit", .arguments = 2 },
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

/* The first of those that are one program, attached to several tracepoints. */
static inline struct program *first_of(const struct program *program)
{
	struct program *first = programs;

	while (first->run != program->run)
		first++;
	return first;
}

/* A program that interrupts itself does not run and is counted (kernel/trace/bpf_trace.c,
 * __bpf_trace_run()), whichever of its tracepoints it is. */
static inline void run(const struct event *event)
{
	struct program *program = event->program;
	struct program *first = first_of(program);
	struct bpf_raw_tracepoint_args *ctx;

	if (first->running) {
		first->misses++;
		return;
	}
	ctx = allocate(program->arguments * sizeof(u64));
	memcpy(ctx, event->args, program->arguments * sizeof(u64));
	program->runs += host.cpu < host.cpus;
	first->running = true;
	program->run(ctx);
	first->running = false;
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
