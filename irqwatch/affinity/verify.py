"""Whether interrupts arrive where they were sent."""

from collections.abc import Callable, Iterable

from irqwatch import clock
from irqwatch.affinity.lines import Lines
from irqwatch.model.applied import Checked, Target
from irqwatch.model.snapshot import Snapshot

# A mask is in force from the next interrupt on (kernel/irq/migration.c): an idle line is not waited
# for longer than this.
SETTLE_NS = 2 * 10**9
LOOK_EVERY_NS = 50_000_000


def verify(targets: Iterable[Target], before: Snapshot, after: Snapshot) -> tuple[Checked, ...]:
    """By the effective CPU and by the counters' own movement from ``before`` to ``after``, both
    taken after the writes."""
    first, last = Lines(before), Lines(after)
    return tuple(_check(target, first, last) for target in targets)


def _check(target: Target, first: Lines, last: Lines) -> Checked:
    setting = last.setting(target.line)
    if setting is None:
        return Checked(target, "gone", None, None, None)
    counted = last.counted_since(first, target.line)
    if counted is None:
        return Checked(target, "unverified", setting.effective, None, None)
    there = sum(count for cpu, count in counted.items() if cpu in target.cpus)
    elsewhere = sum(counted.values()) - there
    followed = setting.effective is None or setting.effective <= target.cpus
    if not there and elsewhere <= 1:
        # The one that comes first after a write is still taken by the old CPU, which then moves it.
        verdict = "unverified"
    elif followed and elsewhere <= 1:
        verdict = "ok"
    else:
        verdict = "elsewhere"
    return Checked(target, verdict, setting.effective, there, elsewhere)


def settle(
    targets: Iterable[Target], written_at: Snapshot, observe: Callable[[], Snapshot]
) -> None:
    """Wait until an interrupt of each line has arrived since ``written_at``, at most SETTLE_NS."""
    deadline_ns = clock.monotonic_ns() + SETTLE_NS
    wanted, first = tuple(targets), Lines(written_at)
    while True:
        now = Lines(observe())
        if all(_has_moved(target, first, now) for target in wanted):
            return
        if clock.monotonic_ns() >= deadline_ns:
            return
        clock.sleep_until(min(deadline_ns, clock.monotonic_ns() + LOOK_EVERY_NS))


def _has_moved(target: Target, first: Lines, now: Lines) -> bool:
    setting = now.setting(target.line)
    if setting is None or (setting.effective is not None and setting.effective <= target.cpus):
        return True
    return setting.effective is None and bool(now.counted_since(first, target.line))
