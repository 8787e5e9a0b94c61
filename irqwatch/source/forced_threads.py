"""Whether the running kernel forces interrupts into threads."""

from irqwatch.source.root import Root, Unreadable, read


def are_threads_forced(root: Root) -> bool:
    """On PREEMPT_RT always, else if asked for on the kernel's command line (kernel/irq/manage.c,
    setup_forced_irqthreads()). /sys/kernel/realtime was only in the patches for it; since it
    is in Linux itself (6.12) nothing but the version tells (scripts/mkcompile_h: "SMP PREEMPT_RT").
    """
    realtime, cmdline = read(root.sysfs / "kernel" / "realtime"), read(root.procfs / "cmdline")
    version = read(root.procfs / "version")
    if not isinstance(realtime, Unreadable) and realtime.strip() == b"1":
        return True
    if not isinstance(version, Unreadable) and b"PREEMPT_RT" in version.split():
        return True
    return not isinstance(cmdline, Unreadable) and b"threadirqs" in cmdline.split()
