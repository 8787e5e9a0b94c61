"""Which CPUs a row of the kernel's counts is about: those that the file's own header names,
whatever sysfs says. In a container with lxcfs, and in the moment in which a CPU comes or goes, the
two differ. Pure."""

from irqwatch.model.snapshot import Snapshot


def line_cpus(snapshot: Snapshot) -> frozenset[int]:
    """Of /proc/interrupts."""
    return snapshot.line_cpus or online(snapshot)


def softirq_cpus(snapshot: Snapshot) -> frozenset[int]:
    """Of /proc/softirqs."""
    return snapshot.softirq_cpus or online(snapshot)


def online(snapshot: Snapshot) -> frozenset[int]:
    """The CPUs that are online: as the topology says, else those that /proc/stat has. Recordings of
    irqwatch 0.1 have nothing else."""
    return frozenset(snapshot.topology.online or snapshot.cpu_times)
