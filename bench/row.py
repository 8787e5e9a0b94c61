"""What every benchmark gives: lines of one table."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """A line of the table; ``budget`` is None for a figure that only informs."""

    what: str
    measured: float
    unit: str
    budget: float | None = None
    note: str = ""

    @property
    def verdict(self) -> str:
        if self.budget is None:
            return ""
        return "ok" if self.measured <= self.budget else "OVER"


def table(rows: list[Row]) -> str:
    lines = [f"{'':48} {'measured':>12} {'budget':>8}"]
    for row in rows:
        budget = "" if row.budget is None else f"{row.budget:g}"
        lines.append(
            f"{row.what:48} {row.measured:>12.4g} {budget:>8} {row.unit:11}"
            f" {row.verdict:5} {row.note}".rstrip()
        )
    return "\n".join(lines)
