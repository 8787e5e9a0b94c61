"""Putting back what a journal tells of; what somebody else has changed since is left alone."""

import contextlib
from collections.abc import Mapping

from irqwatch.affinity.access import Access, WriteMask
from irqwatch.affinity.journal import Journal, JournalEntry, Record
from irqwatch.affinity.lines import Lines
from irqwatch.affinity.verify import settle
from irqwatch.affinity.write import refusal
from irqwatch.errors import AffinityError
from irqwatch.model.applied import Restored, Target
from irqwatch.model.snapshot import LineSetting, Snapshot

# By line, those that it may have from irqwatch.
Masks = Mapping[int, frozenset[frozenset[int]]]


def put_back(journal: Journal, record: Record, access: Access) -> tuple[Restored, ...]:
    """Put all of it back, the last written first, and mark the journal where none failed.

    A line whose mask was wider than the CPU it ran on is first sent back to that CPU: the kernel
    leaves a line where it is while its mask allows that (arch/x86/kernel/apic/vector.c,
    assign_vector_locked). Raises AffinityError where the journal is of another boot.
    """
    now = access.observe()
    if now.host.boot_id != record.boot_id:
        raise AffinityError(
            "the journal is of another boot: the kernel has forgotten those masks since, "
            "nothing is left to undo"
        )
    entries = [entry for entry in reversed(record.entries) if entry.line.irq in record.written]
    ours = _send_back(journal, entries, record.written, now, access)
    lines = Lines(access.observe())
    done = tuple(_restore(entry, lines, ours[entry.line.irq], access.write) for entry in entries)
    if not any(one.verdict == "failed" for one in done):
        with contextlib.suppress(AffinityError):  # undone twice, it finds all as before
            journal.mark_undone()
    return done


def _send_back(
    journal: Journal, entries: list[JournalEntry], written: Masks, now: Snapshot, access: Access
) -> Masks:
    """To the CPUs they ran on; ``written`` with the masks that this has added."""
    lines = Lines(now)
    ours = dict(written)
    targets = []
    for entry in entries:
        irq = entry.line.irq
        setting = lines.setting(entry.line)
        if setting is None or setting.affinity not in ours[irq] or _is_back(entry, setting):
            continue
        # Where the journal is full or the kernel refuses, the mask is put back all the same.
        with contextlib.suppress(AffinityError, OSError):
            journal.about_to_write(entry.line, entry.effective)
            ours[irq] |= {entry.effective}
            access.write(irq, entry.effective)
            targets.append(Target(entry.line, entry.effective))
    if targets:
        settle(targets, now, access.observe)
    return ours


def _is_back(entry: JournalEntry, setting: LineSetting) -> bool:
    """Whether the mask alone will do."""
    pinned = not entry.effective < entry.requested
    return pinned or not entry.effective or setting.effective == entry.effective


def _restore(
    entry: JournalEntry, lines: Lines, ours: frozenset[frozenset[int]], write: WriteMask
) -> Restored:
    setting = lines.setting(entry.line)
    if setting is None:
        return Restored(entry.line, "gone")
    if setting.affinity == entry.requested:
        return Restored(entry.line, "as before")
    if setting.affinity not in ours:
        return Restored(entry.line, "changed", found=setting.affinity)
    try:
        write(entry.line.irq, entry.requested)
    except OSError as error:
        return Restored(entry.line, "failed", refused=refusal(error))
    return Restored(entry.line, "restored")
