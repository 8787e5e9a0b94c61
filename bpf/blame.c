/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Whose time do interrupts take, and which do?
 *
 * The time of an interrupt is taken from the task that it came over, and so is that of a softirq that ran
 * inline; one in ksoftirqd has a thread of its own, and over the idle task nobody loses anything. Both are
 * without the interrupts inside them. Only who is current is asked, so it may be a task that brought it on
 * itself: sending over loopback runs its own NET_RX.
 *
 * The key has the CPU, so that one CPU only writes an entry. What finds the map full is in `others`, so
 * that sums are the whole.
 */

#define NO_SOFTIRQ_BLAMED NR_SOFTIRQS

enum blame_kind {
	BLAME_HARDIRQ,
	BLAME_VECTOR,
	BLAME_SOFTIRQ,
	BLAME_KINDS
};

struct blame_key {
	u64 cgroup; /* its id in the unified hierarchy */
	struct cause interrupt; /* itself, or what the softirq follows from */
	u32 process;
	u32 cpu;
	u64 softirq; /* its vector, or NO_SOFTIRQ_BLAMED */
};

struct blame {
	struct count_and_ns taken;
	char comm[COMM_BYTES];
};

struct blame_cpu {
	struct count_and_ns others[BLAME_KINDS];
};

BPF_F_TABLE("hash", struct blame_key, struct blame, blames, MAX_BLAMES, HASH_FLAGS);
BPF_PERCPU_ARRAY(blame_cpus, struct blame_cpu, 1);

static __always_inline void take_from_others(enum blame_kind kind, u64 ns)
{
	int zero = 0;
	struct blame_cpu *cpu = blame_cpus.lookup(&zero);

	if (!cpu)
		return;
	cpu->others[kind].count++;
	cpu->others[kind].ns += ns;
}

static __always_inline void take_from_current(struct cause *interrupt, u64 softirq,
					      enum blame_kind kind, u64 ns)
{
	u64 thread = bpf_get_current_pid_tgid();
	struct blame_key key = {};
	struct blame *blame, none = {};

	if (!(u32)thread)
		return;
	key.cgroup = bpf_get_current_cgroup_id();
	key.interrupt = *interrupt;
	key.process = thread >> 32;
	key.cpu = bpf_get_smp_processor_id();
	key.softirq = softirq;
	blame = blames.lookup(&key);
	if (!blame) {
		blames.update(&key, &none);
		blame = blames.lookup(&key);
	}
	if (!blame) {
		take_from_others(kind, ns);
		return;
	}
	blame->taken.count++;
	blame->taken.ns += ns;
	/* Of its first thread, as often as it is seen: a process becomes what it runs. */
	if ((u32)thread == key.process || !blame->comm[0])
		bpf_get_current_comm(blame->comm, sizeof(blame->comm));
}

static __always_inline void blame_interrupt(struct cause *interrupt, u64 ns)
{
	take_from_current(interrupt, NO_SOFTIRQ_BLAMED,
			  interrupt->action ? BLAME_HARDIRQ : BLAME_VECTOR, ns);
}

static __always_inline void blame_softirq(struct cause *cause, u64 vector, u64 ns)
{
	take_from_current(cause, vector, BLAME_SOFTIRQ, ns);
}
