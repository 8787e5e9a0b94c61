"""Which interrupts can be moved, and which CPUs the goal would have them on."""

from collections.abc import Mapping

from irqwatch.advise.facts import Facts, LineFacts
from irqwatch.collectors.timer import TimerSource
from irqwatch.model.doctor import kernel_version
from irqwatch.model.plan import Stays

# Kinds of devices whose drivers leave the CPUs of their queues to the kernel
# (PCI_IRQ_AFFINITY: drivers/nvme/host/pci.c, drivers/block/virtio_blk.c, drivers/scsi/…).
MANAGED_KINDS = ("nvme", "block", "scsi")
# From this version on the kernel shows such lines as read-only (kernel/irq/proc.c).
SHOWS_MANAGED = (6, 12)


def why_immovable(line: LineFacts, facts: Facts) -> Stays | None:
    """None where its mask can be set."""
    setting = line.setting
    if setting is None or setting.affinity is None:
        return Stays.NOT_READ
    if _is_never_placed(line):
        return Stays.NOT_PLACED
    if setting.writable is False:
        return Stays.MANAGED
    if _is_likely_managed(line, facts):
        return Stays.LIKELY_MANAGED
    return None if line.current else Stays.CPU_UNKNOWN


def is_left_out(line: LineFacts, devices: frozenset[str]) -> bool:
    """``devices`` are the only ones wanted; none is all."""
    return bool(devices) and not devices & line.called


def is_managed(line: LineFacts, facts: Facts) -> bool:
    """Placed by the kernel, for good."""
    read_only = line.setting is not None and line.setting.writable is False
    return not _is_never_placed(line) and (read_only or _is_likely_managed(line, facts))


def _is_never_placed(line: LineFacts) -> bool:
    """irq_data's effective mask is set when the controller places a line. Per-CPU interrupts
    (arm64's timers, PMUs) are never placed; before Linux 6.12 their masks look writable and give
    EIO."""
    return line.setting is not None and line.setting.effective == frozenset()


def _is_likely_managed(line: LineFacts, facts: Facts) -> bool:
    version = kernel_version(facts.host.kernel)
    if version is None or version >= SHOWS_MANAGED or line.kind not in MANAGED_KINDS:
        return False
    # NVMe's queue 0 takes commands to the controller itself, and is not managed.
    return line.queue is not None and (line.kind != "nvme" or line.queue > 0)


def for_goal(
    facts: Facts, base: Mapping[int, float], movable: Mapping[int, float]
) -> frozenset[int]:
    """The CPUs of ``facts.eligible`` that the goal would have interrupts on. ``base`` is what stays
    on each CPU, ``movable`` line → load."""
    if facts.goal == "latency":
        return facts.eligible - late_cpus(facts) or facts.eligible
    if facts.goal == "power" and facts.weighed_by == "time":  # the cap is one of time
        return _fewest(facts, base, movable)
    return facts.eligible


def late_cpus(facts: Facts) -> frozenset[int]:
    """CPUs that had the latest timer, over the limit, in more than half of the windows: once may be
    chance, so one window says nothing."""
    late: dict[int, int] = {}
    for window in facts.windows:
        cpus = {
            source.worst_latency.cpu
            for source in window.view.sources
            if isinstance(source, TimerSource)
            and source.worst_latency
            and source.worst_latency.ns / 1e9 > facts.thresholds["timer_latency"]
        }
        for cpu in cpus:
            late[cpu] = late.get(cpu, 0) + 1
    most = len(facts.windows)
    return frozenset(cpu for cpu, times in late.items() if most > 1 and 2 * times > most)


def _fewest(
    facts: Facts, base: Mapping[int, float], movable: Mapping[int, float]
) -> frozenset[int]:
    """As few CPUs as bear it under the cap, from the node with most interrupts on, core by core."""
    on_cpu = {cpu: facts.cpus[cpu].load for cpu in facts.eligible}
    on_node: dict[int | None, float] = {}
    for cpu, load in on_cpu.items():
        node = facts.cpus[cpu].node
        on_node[node] = on_node.get(node, 0.0) + load
    order = sorted(
        facts.eligible,
        key=lambda cpu: (-on_node[facts.cpus[cpu].node], str(facts.cpus[cpu].core).zfill(5), cpu),
    )
    cap = facts.thresholds["power_cap"]
    total = sum(movable.values())
    for count in range(1, len(order)):
        if total + sum(base[cpu] for cpu in order[:count]) <= cap * count:
            return frozenset(order[:count])
    return facts.eligible
