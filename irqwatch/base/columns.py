"""Which CPUs a row of the kernel's counts is about: those that the file's own header names,
whatever sysfs says. In a container with lxcfs, and in the moment in which a CPU comes or goes, the
two differ. Pure."""

from collections.abc import Iterable

from irqwatch.errors import IrqwatchError
from irqwatch.model.snapshot import Snapshot, Unavailable


def why_unlisted(unavailable: Iterable[Unavailable]) -> str:
    """Why /proc/interrupts may have rows that are not known; "" where all are."""
    return next((lack.reason for lack in unavailable if lack.part == "interrupts"), "")


def refuse_unlisted(unavailable: Iterable[Unavailable], *, has_some: bool) -> None:
    """To be asked before a name is said to be of no interrupt. Raises IrqwatchError where that
    cannot be told; ``has_some``: some can be listed."""
    if why := why_unlisted(unavailable):
        cannot = "not all interrupts can be listed" if has_some else "interrupts cannot be listed"
        raise IrqwatchError(f"{cannot}: {why}")


def is_incomplete(snapshot: Snapshot) -> bool:
    """Whether /proc/interrupts may have rows that the snapshot has not: it could not be read, or
    some of its rows could not, as when a CPU comes or goes while it is read."""
    return not snapshot.lines or bool(why_unlisted(snapshot.unavailable))


def line_cpus(snapshot: Snapshot) -> frozenset[int]:
    """Of /proc/interrupts."""
    return snapshot.line_cpus or online(snapshot)


def softirq_cpus(snapshot: Snapshot) -> frozenset[int]:
    """Of /proc/softirqs."""
    return snapshot.softirq_cpus or online(snapshot)


def one_sided(current: Snapshot, previous: Snapshot) -> frozenset[int]:
    """CPUs that came or went between two readings, so that nobody saw all that they counted. Of a
    file that could not be read at one end there is no telling, and its rows are not known."""
    return frozenset().union(
        *(
            now ^ before
            for now, before in (
                (current.line_cpus, previous.line_cpus),
                (current.softirq_cpus, previous.softirq_cpus),
            )
            if now and before
        )
    )


def online(snapshot: Snapshot) -> frozenset[int]:
    """The CPUs that are online: as the topology says, else those that /proc/stat has. Recordings
    made before ``line_cpus`` was kept have nothing else."""
    return frozenset(snapshot.topology.online or snapshot.cpu_times)
