"""The probe's collectors: their names, what each times, and which are on unless they are named.

On by default is what costs no more than the interrupts it watches; what fires with each context
switch, page fault or system call is not. docs/metrics.md has what each costs per event.
"""

WHAT = {
    "hardirq": "hard interrupts",
    "softirq": "softirqs",
    "work": "work items",
    "vector": "the timer's and other CPUs' interrupts",
    "timer": "how late timers fire",
    "tasklet": "tasklets",
    "napi": "polls of network devices",
    "exception": "page faults and other exceptions",
    "signal": "signals",
    "syscall": "system calls",
    "thread": "the threads of interrupts",
    "blame": "whose time interrupts take",
}

OFF_BY_DEFAULT = frozenset({"exception", "syscall", "thread", "blame"})

# On by default where the kernel forces interrupts into threads: there they are most of the time.
ON_WHERE_THREADS_ARE_FORCED = frozenset({"thread"})

COLLECTORS = tuple(WHAT)
DEFAULT_COLLECTORS = frozenset(WHAT) - OFF_BY_DEFAULT
