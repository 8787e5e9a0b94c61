/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * How often is each system call made, and how long does it take, its sleep included?
 *
 * A call may sleep and come back on another CPU, so what is open is kept by thread. The entry stays from
 * call to call, which is cheaper than to make it anew, and goes with the thread. A call that does not
 * come back (exit(), a thread that is killed in it) is not counted. An exec in a thread that is not the
 * first of its process ends the others and takes the first one's number (de_thread(), fs/exec.c): its entry
 * moves there.
 */

/* Above all that any architecture has. What a program may make up is counted as one. */
#define UNKNOWN_SYSCALL 1024

struct syscall_open {
	u64 start_ns; /* 0: the thread is in no call */
	u64 number;
};

/* One system call on the CPU that it ended on, so that one CPU only writes it. */
struct syscall_key {
	u32 number;
	u32 cpu;
};

struct syscall_times {
	struct worsts worst;
	struct histogram run;
};

enum syscall_loss {
	LOSS_SYSCALL_ENTER_MAP_FULL,
	LOSS_SYSCALL_EXIT_WITHOUT_ENTER,
	LOSS_SYSCALL_EXIT_MAP_FULL,
	SYSCALL_LOSSES
};

struct syscall_losses {
	u64 losses[SYSCALL_LOSSES];
};

BPF_F_TABLE("hash", u64, struct syscall_open, syscalls_open, MAX_SYSCALLS_OPEN, HASH_FLAGS);
BPF_F_TABLE("hash", struct syscall_key, struct syscall_times, syscalls, MAX_SYSCALLS,
	    HASH_FLAGS);
BPF_ARRAY(no_syscall, struct syscall_times, 1); /* zeros, too large for the stack */
BPF_PERCPU_ARRAY(syscall_losses, struct syscall_losses, 1);

static __always_inline void syscall_lost(enum syscall_loss reason)
{
	int zero = 0;
	struct syscall_losses *losses = syscall_losses.lookup(&zero);

	if (losses)
		losses->losses[reason]++;
}

int irqw_sys_enter(struct bpf_raw_tracepoint_args *ctx)
{
	u64 thread = (u32)bpf_get_current_pid_tgid();
	struct syscall_open *before, open = {};

	open.number = ctx->args[1] < UNKNOWN_SYSCALL ? ctx->args[1] : UNKNOWN_SYSCALL;
	open.start_ns = bpf_ktime_get_ns();
	before = syscalls_open.lookup(&thread);
	if (before)
		*before = open;
	else if (syscalls_open.update(&thread, &open))
		syscall_lost(LOSS_SYSCALL_ENTER_MAP_FULL);
	return 0;
}

static __always_inline struct syscall_times *syscall_for(u32 number)
{
	int zero = 0;
	struct syscall_key key = {};
	struct syscall_times *times, *nothing;

	key.number = number;
	key.cpu = bpf_get_smp_processor_id();
	times = syscalls.lookup(&key);
	if (times)
		return times;
	nothing = no_syscall.lookup(&zero);
	if (!nothing)
		return NULL;
	syscalls.update(&key, nothing);
	return syscalls.lookup(&key);
}

int irqw_sys_exit(struct bpf_raw_tracepoint_args *ctx)
{
	u64 now_ns = bpf_ktime_get_ns();
	u64 thread = (u32)bpf_get_current_pid_tgid();
	struct syscall_open *open = syscalls_open.lookup(&thread);
	struct syscall_times *times;
	u64 run_ns;

	(void)ctx;
	if (!open || !open->start_ns) {
		syscall_lost(LOSS_SYSCALL_EXIT_WITHOUT_ENTER);
		return 0;
	}
	run_ns = elapsed_ns(open->start_ns, now_ns);
	open->start_ns = 0;
	times = syscall_for(open->number);
	if (!times) {
		syscall_lost(LOSS_SYSCALL_EXIT_MAP_FULL);
		return 0;
	}
	histogram_add(&times->run, run_ns);
	keep_worst(&times->worst, run_ns, now_ns);
	return 0;
}

int irqw_sys_gone(struct bpf_raw_tracepoint_args *ctx)
{
	u64 thread = (u32)bpf_get_current_pid_tgid();

	(void)ctx;
	syscalls_open.delete(&thread);
	return 0;
}

int irqw_sys_exec(struct bpf_raw_tracepoint_args *ctx)
{
	u64 before = (u32)ctx->args[1];
	u64 thread = (u32)bpf_get_current_pid_tgid();
	struct syscall_open *found, open;

	if (before == thread)
		return 0;
	found = syscalls_open.lookup(&before);
	if (!found)
		return 0;
	open = *found;
	syscalls_open.delete(&before);
	if (syscalls_open.update(&thread, &open))
		syscall_lost(LOSS_SYSCALL_ENTER_MAP_FULL);
	return 0;
}
