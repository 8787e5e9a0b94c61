/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * How late do high-resolution timers fire: how late does each CPU answer?
 *
 * __run_hrtimer() (kernel/time/hrtimer.c) traces the timer and the time that it was run for, both on the
 * timer's own clock, whichever that is. That time is when the interrupt (or the HRTIMER softirq) looked
 * at the clock, so timers that went before in the same interrupt are no part of the latency.
 *
 * A timer may say that it does not mind to fire a little earlier: the kernel then lets it fire from its
 * soft expiry on, to save an interrupt of its own. Its (hard) expiry is when it is due; what fires
 * before is early, and says nothing of the CPU.
 *
 * A timer that expires in the softirq (`is_soft`) has to wait for that too: it is counted apart. It is
 * traced with interrupts on.
 */

#define TIMER_MODES 2 /* hard, soft */

enum timer_loss {
	LOSS_TIMER_UNREADABLE, /* the timer or the time could not be read */
	TIMER_LOSSES
};

struct timer {
	u64 early_count;
	struct worsts worst;
	struct histogram latency;
};

struct timer_cpu {
	u64 losses[TIMER_LOSSES];
	struct timer modes[TIMER_MODES];
};

BPF_PERCPU_ARRAY(timers, struct timer_cpu, 1);

static __always_inline bool read_now(u64 argument, s64 *now_ns)
{
#ifdef TIMER_NOW_IS_A_VALUE
	*now_ns = argument;
	return true;
#else
	return !bpf_probe_read_kernel(now_ns, sizeof(*now_ns), (void *)argument);
#endif
}

int irqw_hrtimer(struct bpf_raw_tracepoint_args *ctx)
{
	int zero = 0;
	u64 hrtimer = ctx->args[0];
	u64 expires = hrtimer + OFFSET_hrtimer_node_expires;
	struct timer_cpu *cpu = timers.lookup(&zero);
	struct timer *timer;
	s64 now_ns, expires_ns;
	u64 latency_ns, at_ns;
	char is_soft;

	if (!cpu)
		return 0;
	if (!read_now(ctx->args[1], &now_ns) ||
	    bpf_probe_read_kernel(&expires_ns, sizeof(expires_ns), (void *)expires) ||
	    bpf_probe_read_kernel(&is_soft, sizeof(is_soft),
				  (void *)(hrtimer + OFFSET_hrtimer_is_soft))) {
		cpu->losses[LOSS_TIMER_UNREADABLE]++;
		return 0;
	}
	timer = &cpu->modes[is_soft ? 1 : 0];
	if (now_ns < expires_ns) {
		timer->early_count++;
		return 0;
	}
	latency_ns = now_ns - expires_ns;
	histogram_add(&timer->latency, latency_ns);
	at_ns = bpf_ktime_get_ns();
	keep_worst(&timer->worst, latency_ns, at_ns);
#ifdef COLLECT_TRACE
	trace_timer(hrtimer, latency_ns, at_ns);
#endif
	return 0;
}
