"""What came of applying a plan and of an undo, as text for a person and as JSON for a script."""

import errno
import json
from collections.abc import Iterable

from irqwatch.cells import cpu_list
from irqwatch.model.applied import (
    Applied,
    Begun,
    Checked,
    Kept,
    Outcome,
    PutBack,
    Refusal,
    Remeasuring,
    Restored,
    Step,
    Undone,
    Written,
    Wrote,
)
from irqwatch.model.plan import PlannedLine

SCHEMA = 1

# What the kernel means (kernel/irq/proc.c, write_irq_affinity; of one write or of its close).
REFUSALS = {
    errno.EPERM: "immovable: the kernel manages it",
    errno.EIO: "immovable: the kernel manages it",  # before Linux 6.12
    errno.EINVAL: "those CPUs are offline",
    errno.ERANGE: "this kernel has no such CPUs",
    errno.ENOENT: "the line is gone",
}


# By PutBack.why.
WHY_PUT_BACK = {
    "not followed": "Not followed",
    "worse": "Worse than before",
    "not confirmed": "Not confirmed",
    "interrupted": "Interrupted",
    "failed": "Failed",
}


def step_text(step: Step) -> str:
    """One or more lines."""
    match step:
        case Begun():
            return f"Writing, coldest first; journal {step.journal}\n"
        case Wrote():
            return _written_text(step.written)
        case Remeasuring():
            return f"Measuring again for {step.seconds:.0f} s\n"
        case Applied():
            return _checked_text(step)
        case Kept():
            though = ", though no gain was measured" if step.is_without_gain else ""
            return f"Kept{though}. Undo: irqwatch advise --undo {step.journal}\n"
        case PutBack():
            why = WHY_PUT_BACK[step.why]
            return f"{why}: putting everything back.\n{_restored_text(step.restored)}"


def undone_text(undone: Undone) -> str:
    rows = _restored_text(undone.restored) or "  nothing had been written\n"
    return f"{undone.journal}, written {undone.time}:\n{rows}"


def _written_text(written: Iterable[Written]) -> str:
    rows = [_written_row(one) for one in written]
    return "".join(f"  {row}\n" for row in rows)


def _written_row(written: Written) -> str:
    move = written.move
    before = cpu_list(move.requested)
    if written.cpus is None:
        return f"{_name(move.line)}  stays {before}: {_why(written)}"
    why = f" ({_why(written)})" if written.refused else ""
    return f"{_name(move.line)}  CPU {before} -> {cpu_list(written.cpus)}{why}"


def _why(written: Written) -> str:
    """Why it is not what was planned; empty where it is."""
    if written.refused is None:
        return ""
    if written.cpus is not None:
        return f"CPU {cpu_list(written.move.to)} has no vector left"
    if written.refused.number == errno.ENOSPC:
        return "no CPU that would do has an interrupt vector left"
    return _refused(written.refused)


def _refused(refusal: Refusal) -> str:
    return REFUSALS.get(refusal.number) or f"refused: {refusal.text}"


def _checked_text(applied: Applied) -> str:
    """What was verified, and what was predicted beside what was measured."""
    rows = "".join(f"  {_checked_row(one)}\n" for one in applied.checked)
    return f"{rows}\n{_loads_table(applied)}\n{_busiest_row(applied)}\n"


def _checked_row(checked: Checked) -> str:
    said = {
        "ok": f"ok: {checked.there} interrupts on CPU {cpu_list(checked.target.cpus)}",
        "unverified": "unverified: "
        + ("no interrupt came" if checked.there is not None else "how many came is not known"),
        "elsewhere": f"NOT FOLLOWED: {checked.elsewhere} interrupts elsewhere, "
        f"runs on CPU {cpu_list(checked.effective or ())}",
        "gone": "the line is gone",
    }
    return f"{_name(checked.target.line)}  {said[checked.verdict]}"


def _loads_table(applied: Applied) -> str:
    rows = ["  CPU     before  predicted   measured"]
    for one in applied.cpus:
        cells = (one.before, one.predicted, one.measured)
        texts = [_load(applied, value) for value in cells]
        rows.append(f"  {one.cpu:3}  {texts[0]:>9}  {texts[1]:>9}  {texts[2]:>9}")
    return "".join(f"{row}\n" for row in rows)


def _busiest_row(applied: Applied) -> str:
    busiest = applied.busiest
    off = f", {abs(busiest.measured / busiest.predicted - 1):.1%} off" if busiest.predicted else ""
    return (
        f"  busiest CPU: {_load(applied, busiest.before)} before, "
        f"{_load(applied, busiest.predicted)} predicted, "
        f"{_load(applied, busiest.measured)} measured{off} "
        f"(windows spread by {_load(applied, busiest.noise)})"
    )


def _restored_text(restored: Iterable[Restored]) -> str:
    rows = [_restored_row(one) for one in restored]
    return "".join(f"  {row}\n" for row in rows)


def _restored_row(restored: Restored) -> str:
    detail = _detail(restored)
    return f"{_name(restored.line)}  {restored.verdict}{': ' if detail else ''}{detail}"


def _detail(restored: Restored) -> str:
    """What the verdict alone does not say."""
    if restored.verdict == "changed":
        return f"somebody else has set CPU {cpu_list(restored.found or ())}: left so"
    if restored.verdict == "gone":
        return "its number is free or another device's"
    return _refused(restored.refused) if restored.refused else ""


def to_json(outcome: Outcome) -> str:
    """One line: ``{"schema", "kept", "journal", "weighed_by", "busiest": {"before", "predicted",
    "measured", "spread"}, "cpus": [{"cpu", "before", "predicted", "measured"}], "written":
    [{"irq", "device", "from", "to", "why"}], "checked": [{"irq", "verdict", "effective", "there",
    "elsewhere"}], "restored": [{"irq", "verdict", "detail"}]}``. "to" is null where nothing was
    written."""
    applied, put_back = outcome.applied, outcome.put_back
    document = {
        "schema": SCHEMA,
        "kept": put_back is None,
        "journal": str(outcome.journal),
        "weighed_by": applied.weighed_by,
        "busiest": {
            "before": applied.busiest.before,
            "predicted": applied.busiest.predicted,
            "measured": applied.busiest.measured,
            "spread": applied.busiest.noise,
        },
        "cpus": [
            {
                "cpu": one.cpu,
                "before": one.before,
                "predicted": one.predicted,
                "measured": one.measured,
            }
            for one in applied.cpus
        ],
        "written": [
            {
                "irq": one.move.line.irq,
                "device": one.move.line.device,
                "from": sorted(one.move.requested),
                "to": None if one.cpus is None else sorted(one.cpus),
                "why": _why(one),
            }
            for one in applied.written
        ],
        "checked": [
            {
                "irq": one.target.line.irq,
                "verdict": one.verdict,
                "effective": None if one.effective is None else sorted(one.effective),
                "there": one.there,
                "elsewhere": one.elsewhere,
            }
            for one in applied.checked
        ],
        "restored": [
            {"irq": one.line.irq, "verdict": one.verdict, "detail": _detail(one)}
            for one in (put_back.restored if put_back else ())
        ],
    }
    return json.dumps(document, allow_nan=False, separators=(",", ":")) + "\n"


def _name(line: PlannedLine) -> str:
    return f"{line.irq} {', '.join(line.actions) or line.device}"


def _load(applied: Applied, value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.2%}" if applied.weighed_by == "time" else f"{value:.0f}/s"
