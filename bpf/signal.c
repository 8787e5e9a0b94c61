/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * How long is it from a signal's generation to its delivery, and what sent it?
 *
 * Both are traced with the target's siglock held and interrupts off (kernel/signal.c), so the two never
 * race for one process. Nothing traces a signal that is taken by sigwait() or signalfd, or goes with its
 * process: its entry stays, the next of its kind overwrites it, and the reader removes what is old.
 *
 * A signal below SIGRTMIN is pending once at most, so one that becomes pending is the first. Real-time
 * signals queue up: the time of the oldest is kept, and those behind it are counted, not timed.
 */

#define SIGILL 4
#define SIGTRAP 5
#define SIGBUS 7
#define SIGFPE 8
#define SIGKILL 9
#define SIGSEGV 11
#define SIGALRM 14
#define SIGVTALRM 26
#define SIGPROF 27
#define SIGRTMIN 32 /* the kernel's own; libc keeps the first ones for itself */

#define SEND_SIG_NOINFO 0 /* in place of a siginfo: include/linux/sched/signal.h */
#define SEND_SIG_PRIV 1

#define SI_USER 0 /* include/uapi/asm-generic/siginfo.h */
#define SI_KERNEL 128
#define SI_QUEUE (-1)
#define SI_TIMER (-2)
#define SI_TKILL (-6)

#define TRACE_SIGNAL_DELIVERED 0 /* it became pending: include/trace/events/signal.h */
#define TRACE_SIGNAL_LOSE_INFO 4 /* so it did, but for what its siginfo held */

enum origin {
	ORIGIN_USER,
	ORIGIN_TIMER,
	ORIGIN_EXCEPTION,
	ORIGIN_KERNEL,
};

/* Whose `id` is that of a thread, or of a process where any of its threads may take the signal. */
struct signal_pending_key {
	u64 id;
	u32 signal;
	u32 is_group;
};

struct signal_pending {
	u64 generated_ns; /* of the oldest, delivered or not */
	u64 is_behind;	  /* the oldest was delivered, and others wait behind it */
	u32 origin;
	u32 queued;
};

/* One signal of one origin on one CPU, so that one CPU only writes it. */
struct signal_key {
	u32 signal;
	u32 origin;
	u64 cpu;
};

struct signal_times {
	u64 generated_count; /* on this CPU, … */
	u64 dropped_count;   /* … and of those: ignored, already pending, or no room */
	struct worsts worst; /* delivered on this CPU */
	struct histogram latency;
};

enum signal_loss {
	LOSS_SIGNAL_GENERATE_MAP_FULL,
	LOSS_SIGNAL_PENDING_MAP_FULL,
	LOSS_SIGNAL_DELIVER_WITHOUT_GENERATE,
	LOSS_SIGNAL_DELIVER_BEHIND_ANOTHER,
	LOSS_SIGNAL_DELIVER_MAP_FULL,
	SIGNAL_LOSSES
};

struct signal_losses {
	u64 losses[SIGNAL_LOSSES];
};

BPF_F_TABLE("hash", struct signal_pending_key, struct signal_pending, signals_pending,
	    MAX_SIGNALS_PENDING, HASH_FLAGS);
BPF_F_TABLE("hash", struct signal_key, struct signal_times, signals, MAX_SIGNALS,
	    HASH_FLAGS);
BPF_ARRAY(no_signal, struct signal_times, 1); /* zeros, too large for the stack */
BPF_PERCPU_ARRAY(signal_losses, struct signal_losses, 1);

static __always_inline bool is_of_fault(u32 signal)
{
	return signal == SIGSEGV || signal == SIGBUS || signal == SIGFPE || signal == SIGILL ||
	       signal == SIGTRAP;
}

/* setitimer() and alarm() send theirs without a siginfo (it_real_fn(), kernel/time/itimer.c). */
static __always_inline bool is_of_itimer(u32 signal)
{
	return signal == SIGALRM || signal == SIGVTALRM || signal == SIGPROF;
}

/* What stands for a siginfo is what __send_signal_locked() makes of it. */
static __always_inline int code_of(u64 info)
{
	int code = SI_KERNEL;

	if (info == SEND_SIG_NOINFO)
		return SI_USER;
	if (info != SEND_SIG_PRIV)
		bpf_probe_read_kernel(&code, sizeof(code),
				      (void *)(info + OFFSET_kernel_siginfo_si_code));
	return code;
}

static __always_inline u32 origin_of(u32 signal, int code)
{
	if (code == SI_USER || code == SI_QUEUE || code == SI_TKILL)
		return ORIGIN_USER;
	if (code == SI_TIMER || (code == SI_KERNEL && is_of_itimer(signal)))
		return ORIGIN_TIMER;
	if (code > 0 && is_of_fault(signal))
		return ORIGIN_EXCEPTION;
	return ORIGIN_KERNEL;
}

static __always_inline struct signal_times *signal_for(u32 signal, u32 origin)
{
	int zero = 0;
	struct signal_key key = {};
	struct signal_times *times, *nothing;

	key.signal = signal;
	key.origin = origin;
	key.cpu = bpf_get_smp_processor_id();
	times = signals.lookup(&key);
	if (times)
		return times;
	nothing = no_signal.lookup(&zero);
	if (!nothing)
		return NULL;
	signals.update(&key, nothing);
	return signals.lookup(&key);
}

static __always_inline u32 id_of(u64 task, u64 offset)
{
	u32 id = 0;

	bpf_probe_read_kernel(&id, sizeof(id), (void *)(task + offset));
	return id;
}

int irqw_sig_gen(struct bpf_raw_tracepoint_args *ctx)
{
	u32 signal = ctx->args[0];
	u64 task = ctx->args[2];
	u32 result = ctx->args[4];
	int zero = 0;
	struct signal_losses *losses = signal_losses.lookup(&zero);
	struct signal_pending_key key = {};
	struct signal_pending *before, pending = {};
	struct signal_times *times;

	if (!losses)
		return 0;
	pending.origin = origin_of(signal, code_of(ctx->args[1]));
	times = signal_for(signal, pending.origin);
	if (!times) {
		losses->losses[LOSS_SIGNAL_GENERATE_MAP_FULL]++;
		return 0;
	}
	times->generated_count++;
	if (result != TRACE_SIGNAL_DELIVERED && result != TRACE_SIGNAL_LOSE_INFO) {
		times->dropped_count++;
		return 0;
	}
	key.signal = signal;
	key.is_group = !!(u32)ctx->args[3];
	key.id = key.is_group ? id_of(task, OFFSET_task_struct_tgid)
			      : id_of(task, OFFSET_task_struct_pid);
	if (signal >= SIGRTMIN) {
		before = signals_pending.lookup(&key);
		if (before) {
			before->queued++;
			return 0;
		}
	}
	pending.generated_ns = bpf_ktime_get_ns();
	pending.queued = 1;
	if (signals_pending.update(&key, &pending))
		losses->losses[LOSS_SIGNAL_PENDING_MAP_FULL]++;
	return 0;
}

/* Takes one off what is pending of `key`; false where nothing is. */
static __always_inline bool take_pending(struct signal_pending_key *key,
					 struct signal_pending *taken)
{
	struct signal_pending *pending = signals_pending.lookup(key);

	if (!pending)
		return false;
	*taken = *pending;
	if (pending->queued > 1) {
		pending->queued--;
		pending->is_behind = 1;
	} else {
		signals_pending.delete(key);
	}
	return true;
}

/* Nothing says which of the two is delivered, that of the thread or that of its process, but the code
 * says how it was sent: tgkill() and faults are for a thread, most else is for a process. The other is
 * taken only where that one is not there: it may be an old one that sigwait() took. */
static __always_inline bool take_signal(u32 signal, int code, struct signal_pending *taken)
{
	u64 current = bpf_get_current_pid_tgid();
	struct signal_pending_key key = {};

	key.signal = signal;
	key.is_group = code != SI_TKILL && origin_of(signal, code) != ORIGIN_EXCEPTION;
	key.id = key.is_group ? current >> 32 : (u32)current;
	if (take_pending(&key, taken))
		return true;
	key.is_group = !key.is_group;
	key.id = key.is_group ? current >> 32 : (u32)current;
	return take_pending(&key, taken);
}

/* A fatal signal without a handler reaches each thread as SIGKILL (complete_signal(), get_signal());
 * which one it was stands in the process's exit code. */
static __always_inline u32 fatal_signal(void)
{
	u64 process = 0;
	u32 code = 0;

	bpf_probe_read_kernel(&process, sizeof(process),
			      (void *)(bpf_get_current_task() + OFFSET_task_struct_signal));
	bpf_probe_read_kernel(&code, sizeof(code),
			      (void *)(process + OFFSET_signal_struct_group_exit_code));
	return code & 0x7f;
}

int irqw_sig_deliv(struct bpf_raw_tracepoint_args *ctx)
{
	u64 now_ns = bpf_ktime_get_ns();
	u32 signal = ctx->args[0];
	int code = code_of(ctx->args[1]);
	int zero = 0;
	struct signal_losses *losses = signal_losses.lookup(&zero);
	struct signal_pending taken = {};
	struct signal_times *times;
	u64 latency_ns;
	bool found;

	if (!losses)
		return 0;
	found = take_signal(signal, code, &taken);
	if (!found && signal == SIGKILL) {
		signal = fatal_signal();
		found = take_signal(signal, code, &taken);
		if (!found) /* not the first thread of its process to get it */
			return 0;
	}
	if (!found) {
		losses->losses[LOSS_SIGNAL_DELIVER_WITHOUT_GENERATE]++;
		return 0;
	}
	if (taken.is_behind) {
		losses->losses[LOSS_SIGNAL_DELIVER_BEHIND_ANOTHER]++;
		return 0;
	}
	times = signal_for(signal, taken.origin);
	if (!times) {
		losses->losses[LOSS_SIGNAL_DELIVER_MAP_FULL]++;
		return 0;
	}
	latency_ns = elapsed_ns(taken.generated_ns, now_ns);
	histogram_add(&times->latency, latency_ns);
	keep_worst(&times->worst, latency_ns, now_ns);
	return 0;
}
