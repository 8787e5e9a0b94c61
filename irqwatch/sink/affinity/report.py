"""What came of applying a plan and of an undo, as text for a person and as JSON for a script."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from irqwatch.cells import cpu_list
from irqwatch.model.plan import CpuLoad, Line, Plan
from irqwatch.sink.affinity.undo import Restored
from irqwatch.sink.affinity.verify import Checked
from irqwatch.sink.affinity.write import Written, predicted

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Applied:
    """A plan, what was written of it, and what was found then."""

    plan: Plan
    written: tuple[Written, ...]
    checked: tuple[Checked, ...]
    after: Plan  # made of the second measurement; its ``loads`` are what was measured

    @property
    def before_busiest(self) -> float:
        return busiest(self.plan.loads, {load.cpu: load.now for load in self.plan.loads})

    @property
    def predicted_busiest(self) -> float:
        return busiest(self.plan.loads, predicted(self.plan, self.written))

    @property
    def measured_busiest(self) -> float:
        return busiest(self.plan.loads, {load.cpu: load.now for load in self.after.loads})

    @property
    def noise(self) -> float:
        """The larger of the spreads of the two measurements."""
        return max(self.plan.spread, self.after.spread)

    @property
    def is_worse(self) -> bool:
        """By more than the noise, and than a gain would have to be to count. A plan may want its
        busiest CPU busier than it was, to leave others free: then what was planned counts."""
        limits, expected = self.plan.thresholds, max(self.before_busiest, self.predicted_busiest)
        if self.plan.weighed_by == "time":
            least = limits.get("min_gain", 0.0)
        else:
            least = limits.get("min_gain_ratio", 0.0) * expected
        return self.measured_busiest > expected + max(self.noise, least)

    @property
    def is_without_gain(self) -> bool:
        """One was predicted and did not come."""
        return self.predicted_busiest < self.before_busiest <= self.measured_busiest


def busiest(loads: Iterable[CpuLoad], values: Mapping[int, float]) -> float:
    """The highest of the CPUs that may be given interrupts."""
    return max((values.get(load.cpu, 0.0) for load in loads if load.eligible), default=0.0)


def written_text(written: Iterable[Written]) -> str:
    """A row a line, in the order in which they were written."""
    rows = [_written_row(one) for one in written]
    return "".join(f"  {row}\n" for row in rows)


def _written_row(written: Written) -> str:
    move = written.move
    before = cpu_list(move.requested)
    if written.cpus is None:
        return f"{_name(move.line)}  stays {before}: {written.why}"
    why = f" ({written.why})" if written.why else ""
    return f"{_name(move.line)}  CPU {before} -> {cpu_list(written.cpus)}{why}"


def checked_text(applied: Applied) -> str:
    """What was verified, and what was predicted beside what was measured."""
    rows = "".join(f"  {_checked_row(one)}\n" for one in applied.checked)
    return f"{rows}\n{_loads_table(applied)}\n{_busiest_row(applied)}\n"


def _checked_row(checked: Checked) -> str:
    said = {
        "ok": f"ok: {checked.there} interrupts on CPU {cpu_list(checked.target.cpus)}",
        "unverified": "unverified: no interrupt came",
        "elsewhere": f"NOT FOLLOWED: {checked.elsewhere} interrupts elsewhere, "
        f"runs on CPU {cpu_list(checked.effective or ())}",
        "gone": "the line is gone",
    }
    return f"{_name(checked.target.line)}  {said[checked.verdict]}"


def _loads_table(applied: Applied) -> str:
    planned = predicted(applied.plan, applied.written)
    measured = {load.cpu: load.now for load in applied.after.loads}
    rows = ["  CPU     before  predicted   measured"]
    for load in applied.plan.loads:
        cells = (load.now, planned[load.cpu], measured.get(load.cpu))
        texts = [_load(applied.plan, value) for value in cells]
        rows.append(f"  {load.cpu:3}  {texts[0]:>9}  {texts[1]:>9}  {texts[2]:>9}")
    return "".join(f"{row}\n" for row in rows)


def _busiest_row(applied: Applied) -> str:
    plan, expected, found = applied.plan, applied.predicted_busiest, applied.measured_busiest
    off = f", {abs(found / expected - 1):.1%} off" if expected else ""
    return (
        f"  busiest CPU: {_load(plan, applied.before_busiest)} before, "
        f"{_load(plan, expected)} predicted, {_load(plan, found)} measured{off} "
        f"(windows spread by {_load(plan, applied.noise)})"
    )


def restored_text(restored: Iterable[Restored]) -> str:
    """A row a line, in the order in which they were put back."""
    return "".join(
        f"  {_name(one.line)}  {one.verdict}{': ' if one.detail else ''}{one.detail}\n"
        for one in restored
    )


def to_json(applied: Applied, restored: tuple[Restored, ...], kept: bool, journal: str) -> str:
    """One line: ``{"schema", "kept", "journal", "weighed_by", "busiest": {"before", "predicted",
    "measured", "spread"}, "cpus": [{"cpu", "before", "predicted", "measured"}], "written":
    [{"irq", "device", "from", "to", "why"}], "checked": [{"irq", "verdict", "effective", "there",
    "elsewhere"}], "restored": [{"irq", "verdict", "detail"}]}``. "to" is null where nothing was
    written."""
    planned = predicted(applied.plan, applied.written)
    measured = {load.cpu: load.now for load in applied.after.loads}
    document = {
        "schema": SCHEMA,
        "kept": kept,
        "journal": journal,
        "weighed_by": applied.plan.weighed_by,
        "busiest": {
            "before": applied.before_busiest,
            "predicted": applied.predicted_busiest,
            "measured": applied.measured_busiest,
            "spread": applied.noise,
        },
        "cpus": [
            {
                "cpu": load.cpu,
                "before": load.now,
                "predicted": planned[load.cpu],
                "measured": measured.get(load.cpu),
            }
            for load in applied.plan.loads
        ],
        "written": [
            {
                "irq": one.move.line.irq,
                "device": one.move.line.device,
                "from": sorted(one.move.requested),
                "to": None if one.cpus is None else sorted(one.cpus),
                "why": one.why,
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
            {"irq": one.line.irq, "verdict": one.verdict, "detail": one.detail} for one in restored
        ],
    }
    return json.dumps(document, allow_nan=False, separators=(",", ":")) + "\n"


def _name(line: Line) -> str:
    return f"{line.irq} {', '.join(line.actions) or line.device}"


def _load(plan: Plan, value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.2%}" if plan.weighed_by == "time" else f"{value:.0f}/s"
