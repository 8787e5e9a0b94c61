"""A plan applied as one transaction: lock, check, journal, write, verify, measure again, and keep
it or put all of it back.

After an error, a signal or a measurement that is worse, or where nobody confirms, all is put back.
A process that is killed leaves a journal that tells ``undo`` what there was.
"""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from irqwatch import clock
from irqwatch.affinity import check, files, journal, signals, verify, write
from irqwatch.affinity.access import Access
from irqwatch.affinity.judge import judged
from irqwatch.affinity.undo import put_back
from irqwatch.errors import AffinityError
from irqwatch.model.applied import (
    Applied,
    Begun,
    Kept,
    Outcome,
    PutBack,
    Remeasuring,
    Step,
    Target,
    Undone,
    Wrote,
)
from irqwatch.model.plan import Plan
from irqwatch.model.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Caller:
    """Who wants a plan applied, is asked, and is told of each step. What these raise ends the
    transaction."""

    is_wanted: Callable[[], bool]  # before anything is written
    measure: Callable[[], Plan]  # for as long as was done for the plan; plans anew
    is_confirmed: Callable[[], bool]  # where all is well
    tell: Callable[[Step], None]


def refuse_early(now: Snapshot, access: Access, path: Path | None) -> None:
    """What is known without a plan, so that nobody waits for a measurement to be told. Raises
    AffinityError."""
    if path:
        journal.check_new(path)
    # All may be written or none: one that is not the kernel's own tells.
    movable = next((one.irq for one in now.settings if one.writable is not False), None)
    if movable is not None:
        files.check_writable(access.procfs, movable)
    check.check_irqbalance_bans(access.irqbalances(now))


def apply(plan: Plan, access: Access, caller: Caller, path: Path | None) -> Outcome | None:
    """None where it is not wanted. ``path`` is the journal's, None for a new one in
    journal.FOLDER.

    Raises AffinityError where nothing was written; whatever else ends it, a signal
    (KeyboardInterrupt) or a measurement that fails, first puts everything back.
    """
    _check(plan, access)
    if not caller.is_wanted():
        return None
    with files.locked(access.procfs):
        _check(plan, access)  # whoever was asked took their time
        now_ns = clock.wall_ns()
        path = path or journal.new_path(now_ns)
        with (
            journal.create(path, plan, access.default_affinity(), now_ns) as log,
            signals.interrupting(),
        ):
            return _run(plan, access, caller, log)


def undo(path: Path | None, access: Access) -> Undone:
    """Put back what a journal, the newest for None, tells of. Raises AffinityError."""
    path = path or journal.latest()
    with files.locked(access.procfs), journal.reopen(path) as log:
        record = journal.read(path)
        if record.undone:
            raise AffinityError(f"{path} has been undone already")
        for entry in record.entries:
            files.check_writable(access.procfs, entry.line.irq)
        return Undone(path, record.time, put_back(log, record, access))


def _check(plan: Plan, access: Access) -> None:
    """Raises AffinityError where the plan must not, or cannot, be applied to this host now."""
    now = access.observe()
    check.check_host(plan, now)
    for move in plan.moves:
        files.check_writable(access.procfs, move.line.irq)
    check.check_irqbalance(plan, access.irqbalances(now))


def _run(plan: Plan, access: Access, caller: Caller, log: journal.Journal) -> Outcome:
    """From the first write on."""
    try:
        try:
            applied = _write_and_measure(plan, access, caller, log)
            why = _why_not_kept(applied, caller)
        finally:
            signals.deafen()  # one that comes before this is done is one for below
    except KeyboardInterrupt:
        _put_back("interrupted", access, caller, log)
        raise
    except BaseException:
        _put_back("failed", access, caller, log)
        raise
    if why:
        return Outcome(applied, log.path, _put_back(why, access, caller, log))
    caller.tell(Kept(log.path, applied.is_without_gain))
    return Outcome(applied, log.path)


def _write_and_measure(plan: Plan, access: Access, caller: Caller, log: journal.Journal) -> Applied:
    before = access.observe()
    caller.tell(Begun(log.path))
    written = write.write_moves(plan, before.topology, access.write, log.about_to_write)
    caller.tell(Wrote(written))
    targets = [Target(one.move.line, one.cpus) for one in written if one.cpus is not None]
    if not targets:
        log.mark_undone()
        raise AffinityError("no mask could be written")
    verify.settle(targets, before, access.observe)
    # A snapshot reads the counters before it reads where lines run: that one's may be older than
    # the move.
    first = access.observe()
    caller.tell(Remeasuring(plan.windows * plan.window_s))
    after = caller.measure()
    applied = judged(plan, written, verify.verify(targets, first, access.observe()), after)
    caller.tell(applied)
    return applied


def _why_not_kept(applied: Applied, caller: Caller) -> str:
    """Empty where it is to be kept."""
    if any(one.verdict == "elsewhere" for one in applied.checked):
        return "not followed"
    if applied.is_worse:
        return "worse"
    return "" if caller.is_confirmed() else "not confirmed"


def _put_back(why: str, access: Access, caller: Caller, log: journal.Journal) -> PutBack:
    signals.deafen()
    record = journal.read(log.path)
    if record.undone:
        return PutBack(why, ())
    done = PutBack(why, put_back(log, record, access))
    with contextlib.suppress(AffinityError):  # a terminal that is gone keeps nothing back
        caller.tell(done)
    return done
