"""Whether the running kernel forces interrupts into threads."""

from irqwatch.source.root import Root, Unreadable, read


def are_threads_forced(root: Root) -> bool:
    """On PREEMPT_RT always (/sys/kernel/realtime), else if asked for on the kernel's command line
    (kernel/irq/manage.c, setup_forced_irqthreads())."""
    realtime, cmdline = read(root.sysfs / "kernel" / "realtime"), read(root.procfs / "cmdline")
    if not isinstance(realtime, Unreadable) and realtime.strip() == b"1":
        return True
    return not isinstance(cmdline, Unreadable) and b"threadirqs" in cmdline.split()
