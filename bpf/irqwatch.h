/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The ABI between the probe and its reader, which reads the layouts off this text (irqwatch/base/layout.py).
 * Everything is in host byte order; every struct is a multiple of 8 bytes without implied padding.
 */
#ifndef IRQWATCH_H
#define IRQWATCH_H

#define NR_SOFTIRQS 10 /* include/linux/interrupt.h */
#define NAME_BYTES 48
#define COMM_BYTES 16
#define FUNCTION_BYTES 64
#define FORMAT_BYTES 8
#define SCHEDULES 8 /* instances on NAPI's list whose lines are remembered; a power of two */
#define MOVES 8 /* polls of one run that are moved to other lines at most; a power of two */
#define WORKQUEUE_NAME_BYTES 32 /* WQ_NAME_LEN: 24, and 32 since Linux 6.9 */

/* The first word in place of a function's name, where its address follows: see put_function(). */
#define NAMED_BY_ADDRESS 1

#include "histogram.h"

/* The longest event of an epoch, and its story. `ns` is 0 where the epoch had none. */
struct worst {
	u64 ns;
	u64 at_ns;
	u32 pid;
	u32 epoch;
	char comm[COMM_BYTES];
};

/* Slot `epoch & 1` is being written. The reader moves the epoch on and then reads the other. */
struct worsts {
	struct worst slot[2];
};

/* Why an event could not be used. On one architecture each slot is written by one program only. */
enum loss {
	LOSS_HARDIRQ_EXIT_WITHOUT_ENTRY,
	LOSS_HARDIRQ_ENTRY_OVERWRITTEN,
	LOSS_HARDIRQ_MAP_FULL,
	LOSS_SOFTIRQ_ENTRY_WITHOUT_RAISE,
	LOSS_SOFTIRQ_ENTRY_OVERWRITTEN,
	LOSS_SOFTIRQ_EXIT_WITHOUT_ENTRY,
	LOSS_SOFTIRQ_UNKNOWN_RAISE,
	LOSS_SOFTIRQ_UNKNOWN_ENTRY,
	LOSS_WORK_QUEUE_MAP_FULL,
	LOSS_WORK_LATENCY_MAP_FULL,
	LOSS_WORK_START_MAP_FULL,
	LOSS_WORK_END_WITHOUT_START,
	LOSS_WORK_END_MAP_FULL,
	LOSS_VECTOR_EXIT_WITHOUT_ENTRY,
	LOSS_VECTOR_ENTRY_OVERWRITTEN,
	LOSS_VECTOR_MAP_FULL,
	LOSS_SOFTIRQ_CAUSE_LOST,
	LOSS_WORK_CAUSE_MAP_FULL,
	LOSSES = 24
};

struct count_and_ns {
	u64 count;
	u64 ns;
};

/* Which interrupt something follows from: an action on a line, or, where `action` is 0, the vector
 * `irq` of the architecture's own. Both 0: none. */
struct cause {
	u64 action;
	u64 irq;
};

/* What raised or queued, directly; a softirq's vector is added to the last. */
enum via {
	VIA_TASK,
	VIA_HARDIRQ,
	VIA_THREAD,
	VIA_SOFTIRQ,
};

struct softirq {
	u64 ksoftirqd_count;
	u64 ksoftirqd_ns;
	u64 interrupt_count; /* inline, right after an interrupt */
	u64 interrupt_ns;
	u64 restarts; /* runs that began another round of the same batch */
	struct count_and_ns uncaused; /* those that no interrupt caused */
	struct worsts worst_latency;
	struct worsts worst_run;
	struct histogram latency;
	struct histogram run;
};

/* A poll, and the line that it was for. */
struct move {
	struct cause line;
	u64 ns;
};

/* All that events of one CPU share. */
struct cpu {
	u64 hardirq_ns; /* time in hard interrupts so far: what a softirq subtracts … */
	u64 softirq_ns; /* … and in softirqs without those: what a thread subtracts too */

	u64 hardirq_start_ns; /* 0: none is open */
	struct cause hardirq;
	u64 hardirq_end_ns; /* when the last one ended */
	u64 ipi_start_ns;   /* arm64, inside a line's handler; 0: none is open */

	u64 softirq_start_ns; /* 0: none is open */
	u64 softirq_hardirq_ns; /* hardirq_ns when it started */
	u64 softirq_vector;
	u64 softirq_in; /* the task that it is open in; kept on PREEMPT_RT only */
	u64 softirq_end_ns; /* when the last one ended */
	u64 softirq_after_interrupt; /* the batch runs inline, right after an interrupt */
	u64 batch; /* counts them */
	u64 ran_in_batch[NR_SOFTIRQS]; /* the one that each vector last ran in */
	struct cause softirq_cause;
	u64 task;	     /* the task the last softirq was seen in … */
	u64 task_is_ksoftirqd; /* … and whether it was ksoftirqd */
	u64 raised_ns[NR_SOFTIRQS]; /* the oldest raise not yet served; 0: none */
	u64 raised_again_ns[NR_SOFTIRQS]; /* the latest one after it; 0: none */
	struct cause raised_by[NR_SOFTIRQS];
	struct cause raised_again_by[NR_SOFTIRQS];

	u64 order_known; /* of what is on NAPI's list: net_rx.c */
	u64 scheduled;	 /* raises of NET_RX so far … */
	u64 polled;	 /* … and those that a poll was for */
	struct cause scheduled_by[SCHEDULES]; /* the lines of the last ones */
	u64 poll_end_ns;     /* when NAPI's last poll ended */
	u64 poll_hardirq_ns; /* hardirq_ns then */
	u64 moves;	     /* polls of the open run of NET_RX that were for others than its cause */
	struct move moved[MOVES];

	struct cause thread; /* of the interrupt thread that runs now */

	u64 rq; /* the struct rq of this CPU; 0: not asked for yet */

	u64 queued_work; /* the item queued last, with no other event of work since; 0: none */

	u64 losses[LOSSES];
#ifdef COLLECT_SOFTIRQ
	struct softirq softirqs[NR_SOFTIRQS];
#endif
};

/* One action on one line on one CPU, so that one CPU only writes it; or one of the architecture's own
 * vectors: see struct cause. */
struct hardirq_key {
	u64 action; /* its struct irqaction */
	u32 irq;
	u32 cpu;
};

struct hardirq {
	char name[NAME_BYTES];
	u64 not_mine_count; /* answered with IRQ_NONE */
	u64 not_mine_ns;
	struct worsts worst;
	struct histogram handled;
	struct count_and_ns softirqs[NR_SOFTIRQS]; /* that it caused */
};

/* What is counted together. The queue by its name: the address of one that is destroyed is soon that of
 * another. Empty: the queueing was not seen. */
struct work_key {
	u64 function;
	char workqueue[WORKQUEUE_NAME_BYTES];
};

/* When a work item was queued (0: it was not), and what for. */
struct queueing {
	u64 ns;
	u64 via;
	struct cause cause;
};

/* A work item that waits, keyed by its struct work_struct. */
struct work_waiting {
	struct queueing queued;
	struct queueing previous; /* the time before, if it had not started */
	u64 stalled_ns; /* how long it waited for max_active; 0: not at all */
	char workqueue[WORKQUEUE_NAME_BYTES];
};

/* A thread's account at one instant, from which its time on a CPU since then is told: on_cpu.c. */
struct account {
	u64 is_known;
	u64 interrupts_ns; /* that of its CPU */
	u64 off_ns; /* how long it had been on no CPU, from some instant on, by the clock of tasks … */
	u64 behind_ns; /* … and how far that was behind the CPU's own */
};

/* A run: the item, and the thread that runs it. That is its kworker; of a BH workqueue (Linux 6.9) it is
 * whatever task the softirq came over, with runs on top of each other and idle tasks sharing id 0. */
struct work_run_key {
	u64 work;
	u64 thread;
};

struct work_running {
	u64 start_ns;
	struct account account;
	struct work_key key;
	u64 via;
	struct cause cause;
};

/* The runs of one function on one CPU that one interrupt caused. Several threads may write it at once:
 * with atomic adds. */
struct work_cause_key {
	struct work_key key;
	struct cause cause;
	u32 via;
	u32 cpu;
};

/* What bpf_snprintf() is to write, set and frozen by the loader before the programs are loaded. */
struct format {
	char text[FORMAT_BYTES];
};

/* One function on one workqueue, written by every CPU with atomic adds. */
struct work {
	char function[FUNCTION_BYTES];
	struct histogram latency;
	struct histogram run;
};

struct work_cpu_key {
	struct work_key key;
	u64 cpu;
};

/* The same on one CPU: what one CPU alone can write. */
struct work_cpu {
	u64 run_count;
	u64 run_ns;
	struct count_and_ns on_cpu; /* the runs whose time on a CPU is known */
	u64 stall_count;
	u64 stall_ns;
	struct worsts worst_latency;
	struct worsts worst_run;
};

#endif
