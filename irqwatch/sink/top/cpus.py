"""The lines that say where each CPU's time goes, as much of it as there is room for."""

from collections.abc import Sequence

from irqwatch.cells import Span, TextLine, fit, left, percent, right
from irqwatch.model.view import CpuView, View

# One letter each, so that a bar reads without colour.
BAR = (("H", "hardirq"), ("s", "softirq"), ("-", "other"))
LEGEND = "H hard  s soft  - other"
LEGEND_WITH_VECTOR = "H hard+vector  s soft  - other"

SHARES = ("hardirq", "softirq", "user", "system", "idle", "steal")
WITH_VECTOR = ("hardirq", "vector", *SHARES[1:])
SHARE_WIDTH = 8
NUMBER_WIDTH = 4
WIDEST_BAR = 60
USUAL_BAR = 30  # under the legend
NARROWEST_BAR = 4
PERCENT_WIDTH = 6
FRAME = 3  # the brackets of a bar, and the space after it


def block(view: View, width: int, height: int) -> list[TextLine]:
    """At most ``height`` lines (a title is one) for all CPUs: a line each if they fit, else as
    many to a line as it takes, else a digit each."""
    rows = height - 1
    if len(view.cpus) <= rows:
        return table(view.cpus, width)
    to_a_line = -(-len(view.cpus) // rows)
    cell = width // to_a_line
    label = len(str(view.cpus[-1].cpu))
    if cell - label - FRAME >= NARROWEST_BAR:
        return _grid(view.cpus, width, to_a_line, label)
    return _digits(view.cpus, width, height)


def table(cpus: Sequence[CpuView], width: int | None) -> list[TextLine]:
    """A title and a line a CPU, with each share and a bar. ``width`` None: as wide as it takes.
    Where vectors have no column they are in HARDIRQ."""
    timed = any(cpu.vector is not None for cpu in cpus)
    names = WITH_VECTOR if timed and (width is None or width >= _full(WITH_VECTOR)) else SHARES
    width = _full(names) if width is None else width
    bar = min(width - _full(names) + USUAL_BAR, WIDEST_BAR)
    titles = "".join(right(name.upper(), SHARE_WIDTH) for name in names)
    title = (Span(right("CPU", NUMBER_WIDTH) + titles, "heading"),)
    legend = LEGEND if names is SHARES else LEGEND_WITH_VECTOR
    lines: list[TextLine] = [(*title, Span(f"  {legend}", "dim"))]
    for cpu in cpus:
        values = [hard(cpu) if names is SHARES else cpu.hardirq]
        values += [getattr(cpu, name) for name in names[1:]]
        shares = "".join(right(percent(value), SHARE_WIDTH) for value in values)
        lines.append((Span(right(str(cpu.cpu), NUMBER_WIDTH) + shares + "  "), *_bar(cpu, bar)))
    return [fit(line, width) for line in lines]


def _full(names: tuple[str, ...]) -> int:
    """The width of a line with these shares and the usual bar."""
    return NUMBER_WIDTH + SHARE_WIDTH * len(names) + 2 + USUAL_BAR


def _bar(cpu: CpuView, width: int) -> TextLine:
    """``width`` cells, filled as the CPU's time is."""
    hardirq, softirq = hard(cpu) or 0.0, cpu.softirq or 0.0
    busy = 0.0 if cpu.idle is None else 1 - cpu.idle - (cpu.steal or 0.0)
    spans, filled, end = [], 0, 0.0
    for (letter, style), share in zip(
        BAR, (hardirq, softirq, max(0.0, busy - hardirq - softirq)), strict=True
    ):
        end = min(1.0, end + share)
        cells = max(0, round(end * width) - filled)
        filled += cells
        spans.append(Span(letter * cells, style))
    return (*spans, Span(" " * max(0, width - filled)))


def _grid(cpus: Sequence[CpuView], width: int, to_a_line: int, label: int) -> list[TextLine]:
    """Several CPUs a line: number, hardirq and softirq together, bar."""
    cell = width // to_a_line
    with_percent = cell >= label + PERCENT_WIDTH + FRAME + 2 * NARROWEST_BAR
    bar = cell - label - FRAME - (PERCENT_WIDTH if with_percent else 0)
    what = "hardirq + softirq  " if with_percent else ""
    lines: list[TextLine] = [(Span("CPU", "heading"), Span(f"  {what}{LEGEND}", "dim"))]
    for start in range(0, len(cpus), to_a_line):
        spans: list[Span] = []
        for cpu in cpus[start : start + to_a_line]:
            share = right(percent(interrupts(cpu)), PERCENT_WIDTH) if with_percent else ""
            spans += [Span(f"{cpu.cpu:>{label}}{share}"), Span("[", "dim")]
            spans += [*_bar(cpu, bar), Span("] ", "dim")]
        lines.append(tuple(spans))
    return [fit(line, width) for line in lines]


def _digits(cpus: Sequence[CpuView], width: int, height: int) -> list[TextLine]:
    """A character a CPU: the tenths of its time that hard interrupts and softirqs take."""
    label = 2 * len(str(cpus[-1].cpu)) + 3
    to_a_line = max(8, (width - label) // 8 * 8)
    legend = "  hardirq + softirq, in tenths of a CPU: . under 5%  # 95% or more"
    lines: list[TextLine] = [(Span("CPU", "heading"), Span(legend, "dim"))]
    for start in range(0, len(cpus), to_a_line):
        part = cpus[start : start + to_a_line]
        name = f"{part[0].cpu}-{part[-1].cpu}"
        lines.append((Span(left(name, label)), Span("".join(_digit(cpu) for cpu in part))))
    if len(lines) > height:
        hidden = len(cpus) - (height - 2) * to_a_line
        lines = [*lines[: height - 1], (Span(f"and {hidden} more: 5 shows all CPUs", "dim"),)]
    return [fit(line, width) for line in lines]


def _digit(cpu: CpuView) -> str:
    share = interrupts(cpu)
    if share is None:
        return "?"
    tenths = int(10 * share + 0.5)
    return "." if tenths < 1 else str(tenths) if tenths < 10 else "#"


def hard(cpu: CpuView) -> float | None:
    """Hard interrupts of lines and vectors together."""
    return _together(cpu.hardirq, cpu.vector)


def interrupts(cpu: CpuView) -> float | None:
    """Hard interrupts, vectors and softirqs together."""
    return _together(cpu.hardirq, cpu.vector, cpu.softirq)


def _together(*shares: float | None) -> float | None:
    """Unknown only where all are."""
    known = [share for share in shares if share is not None]
    return sum(known) if known else None
