/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * For how much of a time was the current thread on a CPU?
 *
 * Asked of the scheduler, without a program on every switch. When it brings the time of the running thread
 * up to date it adds to sum_exec_runtime what it moves exec_start on by (update_curr() and update_se(),
 * kernel/sched/fair.c, and what other classes have for them); when a thread comes on a CPU, it sets
 * exec_start alone (update_stats_curr_start()). So their difference stands still while the thread runs, and
 * has grown by the time that it was off when it is back. When they were last brought up to date, which may
 * be a tick ago, does not matter.
 *
 * Both are by the clock of the CPU's tasks, which stops for interrupts where the kernel accounts for them
 * (CONFIG_IRQ_TIME_ACCOUNTING), and for what the hypervisor takes (update_rq_clock_task(),
 * kernel/sched/core.c). How far it is behind the CPU's own clock is added, so that a thread may come back
 * on another CPU.
 *
 * - A thread that was never off had all of the time but what interrupts took, as their programs timed it.
 * - Of one that was, the scheduler's account is the answer: it leaves interrupts out where the kernel
 *   accounts for them, and else counts those that came over the thread as its own.
 *
 * Nothing is locked: a reading in the middle of an update, which another CPU may be making, is wrong by
 * what that update adds, a tick at most.
 */

#ifdef OFFSET_rq_clock

static __always_inline u64 kernel_u64(u64 address)
{
	u64 value = 0;

	bpf_probe_read_kernel(&value, sizeof(value), (void *)address);
	return value;
}

/* The CPU's runqueue, which stays where it is; 0: not found. */
static __always_inline u64 this_rq(struct cpu *cpu, u64 task)
{
	u64 cfs_rq;

	if (cpu->rq)
		return cpu->rq;
	cfs_rq = kernel_u64(task + OFFSET_task_struct_se_cfs_rq);
	cpu->rq = cfs_rq ? kernel_u64(cfs_rq + OFFSET_cfs_rq_rq) : 0;
	return cpu->rq;
}

static __always_inline u64 off_ns(u64 task)
{
	return kernel_u64(task + OFFSET_task_struct_se_exec_start) -
	       kernel_u64(task + OFFSET_task_struct_se_sum_exec_runtime);
}

static __always_inline u64 behind_ns(u64 rq)
{
	return kernel_u64(rq + OFFSET_rq_clock) - kernel_u64(rq + OFFSET_rq_clock_task);
}

/* The current thread's, now. */
static __always_inline void open_account(struct cpu *cpu, struct account *account, u64 now_interrupts_ns)
{
	u64 task = bpf_get_current_task();
	u64 rq = this_rq(cpu, task);

	account->is_known = rq != 0;
	account->interrupts_ns = now_interrupts_ns;
	account->off_ns = off_ns(task);
	account->behind_ns = behind_ns(rq);
}

/* Whether it is known for how much of `wall_ns`, since its account was opened, the current thread was on
 * a CPU. The idle task is never off; its exec_start moves on alone (update_curr_idle(),
 * kernel/sched/idle.c, since Linux 6.19). */
static __always_inline bool on_cpu_since(struct cpu *cpu, struct account *account, bool is_idle,
					 u64 wall_ns, u64 now_interrupts_ns, u64 *ns)
{
	u64 task = bpf_get_current_task();
	u64 now_off_ns = off_ns(task);
	u64 rq = this_rq(cpu, task);

	if (!account->is_known || !rq)
		return false;
	if (is_idle || now_off_ns == account->off_ns) {
		*ns = elapsed_ns(now_interrupts_ns - account->interrupts_ns, wall_ns);
		return true;
	}
	now_off_ns += behind_ns(rq);
	*ns = elapsed_ns(elapsed_ns(account->off_ns + account->behind_ns, now_off_ns), wall_ns);
	return true;
}

#else /* a kernel without one of these fields */

static __always_inline void open_account(struct cpu *cpu, struct account *account, u64 now_interrupts_ns)
{
	(void)cpu, (void)account, (void)now_interrupts_ns;
}

static __always_inline bool on_cpu_since(struct cpu *cpu, struct account *account, bool is_idle,
					 u64 wall_ns, u64 now_interrupts_ns, u64 *ns)
{
	(void)cpu, (void)account, (void)is_idle, (void)wall_ns, (void)now_interrupts_ns, (void)ns;
	return false;
}

#endif
