/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * How many exceptions does each CPU take, and whose page faults are they?
 *
 * A page fault is traced before the kernel looks at it, so one that ends in a signal or is served again
 * counts too. The NMI's tracepoint fires for each handler that was asked (nmi_handle(),
 * arch/x86/kernel/nmi.c), so only those that took it count. An NMI may come at any time: it touches
 * nothing but a per-CPU count of its own. Page faults do come inside an NMI too, where the stack of a task
 * is read: hence a map that needs no memory then.
 */

enum exception {
	EXCEPTION_PAGE_FAULT_USER,
	EXCEPTION_PAGE_FAULT_KERNEL,
	PAGE_FAULTS,
	EXCEPTION_NMI = PAGE_FAULTS,
	EXCEPTION_MACHINE_CHECK,
	EXCEPTIONS
};

struct exceptions {
	u64 counts[EXCEPTIONS];
};

/* Of one process; its threads may write it at once: with atomic adds. */
struct exception_process {
	u64 counts[PAGE_FAULTS];
	char comm[COMM_BYTES];
};

BPF_PERCPU_ARRAY(exceptions, struct exceptions, 1);
BPF_F_TABLE("hash", u64, struct exception_process, exception_processes, MAX_EXCEPTION_PROCESSES, 0);

static __always_inline void count_exception(enum exception exception)
{
	int zero = 0;
	struct exceptions *counted = exceptions.lookup(&zero);

	if (counted)
		counted->counts[exception]++;
}

/* Where there is no room for the process, its faults are in the CPU's count alone. */
static __always_inline void count_page_fault(enum exception exception)
{
	u64 thread = bpf_get_current_pid_tgid();
	u64 process = thread >> 32;
	struct exception_process *counted, none = {};

	count_exception(exception);
	counted = exception_processes.lookup(&process);
	if (!counted) {
		exception_processes.insert(&process, &none);
		counted = exception_processes.lookup(&process);
		if (!counted)
			return;
	}
	__sync_fetch_and_add(&counted->counts[exception], 1);
	/* Of its first thread, each time: most processes fault before they become what they run. */
	if ((u32)thread == process || !counted->comm[0])
		bpf_get_current_comm(counted->comm, sizeof(counted->comm));
}

int irqw_fault_user(struct bpf_raw_tracepoint_args *ctx)
{
	(void)ctx;
	count_page_fault(EXCEPTION_PAGE_FAULT_USER);
	return 0;
}

int irqw_fault_kern(struct bpf_raw_tracepoint_args *ctx)
{
	(void)ctx;
	count_page_fault(EXCEPTION_PAGE_FAULT_KERNEL);
	return 0;
}

int irqw_nmi(struct bpf_raw_tracepoint_args *ctx)
{
	if ((int)ctx->args[2] > 0)
		count_exception(EXCEPTION_NMI);
	return 0;
}

int irqw_mce(struct bpf_raw_tracepoint_args *ctx)
{
	(void)ctx;
	count_exception(EXCEPTION_MACHINE_CHECK);
	return 0;
}
