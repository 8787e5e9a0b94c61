"""A Plan as text for a person."""

import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from irqwatch.cells import cpu_list, in_ascii, left
from irqwatch.model.action import Action
from irqwatch.model.plan import CannotTell, CpuLoad, Finding, Immovable, Move, Plan, PlannedLine
from irqwatch.sink.advise import text as figure
from irqwatch.sink.advise import words
from irqwatch.sink.advise.commands import typed

NARROWEST = 60
WIDEST = 110  # longer lines of prose are hard to read
MOST_CPUS = 32
MOST_COMMANDS = 12

# SGR codes: bold, dim, and by severity.
BOLD, DIM = "1", "2"
COLOURS = {"critical": "31", "warning": "33", "info": "36"}

BLOCKS = " ▏▎▍▌▋▊▉█"  # eighths


@dataclass(frozen=True, slots=True)
class ReportLook:
    """What the terminal, or the file, can take."""

    width: int = 100
    colour: bool = False
    ascii_only: bool = False


def to_text(plan: Plan, look: ReportLook) -> str:
    """Verdict, CPUs before and after, moves, what stays, findings."""
    sections = [
        _header(plan, look),
        _cpus(plan, look),
        _moves(plan, look),
        _immovable(plan, look),
        _left_out(plan, look),
        _findings(plan, look),
    ]
    text = "\n\n".join("\n".join(lines) for lines in sections if lines) + "\n"
    return in_ascii(text) if look.ascii_only else text


def _styled(text: str, code: str, look: ReportLook) -> str:
    return f"\033[{code}m{text}\033[m" if look.colour and code else text


def _wrap(text: str, look: ReportLook, indent: str = "", first: str | None = None) -> list[str]:
    return textwrap.wrap(
        text,
        max(NARROWEST, min(look.width, WIDEST)),
        initial_indent=indent if first is None else first,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _load(value: float, plan: Plan) -> str:
    return figure.load(value, plan.weighed_by)


def _header(plan: Plan, look: ReportLook) -> list[str]:
    windows = "1 window" if plan.windows == 1 else f"{plan.windows} windows"
    host = " ".join(part for part in (plan.host.hostname, plan.host.kernel) if part)
    facts = f"{host}: {windows} of {plan.window_s:.3g} s, goal {plan.goal}"
    lines = [*_wrap(facts, look), ""]
    lines += [_styled(line, BOLD, look) for line in _wrap(words.verdict(plan), look)]
    if isinstance(plan.verdict, CannotTell):
        pass  # there is nothing of which it could be said how sure it is
    elif plan.weighed_by == "count":
        guess = (
            "A guess: nothing was timed, so each interrupt counts the same, whatever it costs. "
            "As root irqwatch times them."
        )
        lines += _wrap(guess, look)
    elif plan.windows == 1:
        lines += _wrap("One window: how much the load varies is not known.", look)
    for lack in plan.unavailable:
        lines += _wrap(str(lack), look, "  ", "")
    return lines


def _cpus(plan: Plan, look: ReportLook) -> list[str]:
    shown = _worth_showing(plan)
    if not shown:
        return []
    # A count is no share of anything: three a second would fill a bar as a thousand do.
    has_bars = plan.weighed_by == "time"
    width = max(8, min(30, (min(look.width, WIDEST) - 36) // 2)) if has_bars else 0
    head = f"{'CPU':>5} {'NOW':>8}  {'':{width}} {'PLANNED':>8}"
    lines = [_styled(head.rstrip(), BOLD, look)]
    for one in shown:
        note = "" if one.eligible else "left out"
        row = (
            f"{one.cpu:5} {_load(one.now, plan):>8}  {_bar(one.now, width, look)} "
            f"{_load(one.planned, plan):>8}  {_bar(one.planned, width, look)} {note}"
        )
        lines.append(row.rstrip())
    if left := len(plan.loads) - len(shown):
        lines.append(f"{'':5} and {left} CPUs that are less busy and stay as they are")
    return lines


def _worth_showing(plan: Plan) -> list[CpuLoad]:
    """All, or of a large machine those that change, and the busiest."""
    if len(plan.loads) <= MOST_CPUS:
        return list(plan.loads)
    order = sorted(
        plan.loads,
        key=lambda one: (-abs(one.now - one.planned), -max(one.now, one.planned), one.cpu),
    )
    return sorted(order[:MOST_CPUS], key=lambda one: one.cpu)


def _bar(share: float, width: int, look: ReportLook) -> str:
    """Of ``width`` cells; a little is never nothing."""
    share = min(max(share, 0.0), 1.0)
    if not width:
        return ""
    if look.ascii_only:
        return ("#" * round(share * width)).ljust(width)
    eighths = max(round(share * width * 8), 1 if share > 0 else 0)
    full, rest = divmod(eighths, 8)
    return ("█" * full + (BLOCKS[rest] if rest else "")).ljust(width)


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]], look: ReportLook) -> list[str]:
    """The last column is a reason, as long as it needs to be; the first is a number."""
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head) - 1)]
    widths = [min(width, 32) for width in widths]

    def line(cells: tuple[str, ...]) -> str:
        fixed = [left(cell, width) for cell, width in zip(cells, widths, strict=False)]
        fixed[0] = cells[0].rjust(widths[0])
        return "  " + "  ".join([*fixed, ""])

    lines = [_styled((line(head) + head[-1]).rstrip(), BOLD, look)]
    for row in rows:
        start = line(row)
        if len(start) + 20 > look.width:  # a narrow terminal: the reason goes below
            lines += [start.rstrip(), *_wrap(row[-1], look, " " * (widths[0] + 4))]
        else:
            lines += _wrap(row[-1], look, " " * len(start), start)
    return lines


def _moves(plan: Plan, look: ReportLook) -> list[str]:
    if not plan.moves:
        return []

    def row(move: Move) -> tuple[str, ...]:
        return (
            str(move.line.irq),
            _named(move.line, plan),
            cpu_list(move.effective),
            cpu_list(move.to),
            _load(move.load, plan),
            words.reason(move, plan.weighed_by),
        )

    head = ("IRQ", "INTERRUPT", "FROM", "TO", "TAKES", "WHY")
    return [
        _styled("Move", BOLD, look),
        *_table(head, [row(move) for move in plan.moves], look),
    ]


def _named(line: PlannedLine, plan: Plan) -> str:
    """With what hangs behind its device, of which the driver's name says nothing."""
    behind = plan.behind.get(line.device)
    return f"{line.name}: {behind}" if behind else line.name


def _immovable(plan: Plan, look: ReportLook) -> list[str]:
    if not plan.immovable:
        return []

    def row(one: Immovable) -> tuple[str, ...]:
        return (
            str(one.line.irq),
            _named(one.line, plan),
            cpu_list(one.effective),
            _load(one.load, plan),
            words.stays(one),
        )

    return [
        _styled("Stays, as no mask moves it", BOLD, look),
        *_table(
            ("IRQ", "INTERRUPT", "CPU", "TAKES", "WHY"), [row(one) for one in plan.immovable], look
        ),
    ]


def _left_out(plan: Plan, look: ReportLook) -> list[str]:
    if not plan.left_out:
        return []
    count = len(plan.left_out)
    many = "1 interrupt" if count == 1 else f"{count} interrupts"
    load = _load(sum(one.load for one in plan.left_out), plan)
    return _wrap(f"Left out by --device: {many} of other devices ({load}), which could move.", look)


def _findings(plan: Plan, look: ReportLook) -> list[str]:
    if not plan.findings:
        seen = " of what can be seen" if plan.unavailable else ""
        return [_styled(f"Nothing else to remark on{seen}.", DIM, look)]
    lines = [_styled("Findings", BOLD, look)]
    told: set[str] = set()
    for finding in plan.findings:
        lines += _finding(finding, plan.weighed_by, look, is_told=finding.id in told)
        told.add(finding.id)
    return lines


def _finding(
    finding: Finding, weighed_by: str, look: ReportLook, *, is_told: bool
) -> Iterator[str]:
    """``is_told``: one of the same rule is above, and said why and when not."""
    severity = _styled(f"{finding.severity:8}", COLOURS.get(finding.severity, ""), look)
    sure = "" if finding.confidence == "high" else f", {finding.confidence} confidence"
    yield f"  {severity} {_styled(finding.title, BOLD, look)} [{finding.id}{sure}]"
    indent = " " * 11
    yield from _wrap(f"{words.evidence(finding.evidence, weighed_by)}.", look, indent)
    if not is_told and (finding.severity != "info" or finding.advice):
        yield from _wrap(finding.why, look, indent)
    yield from _labelled("do", finding.advice)
    yield from _labelled("undo", finding.undo)
    if not is_told and finding.not_when and finding.advice:
        yield from _wrap(f"not when {finding.not_when}", look, indent)


def _labelled(label: str, actions: Iterable[Action]) -> Iterator[str]:
    """Commands are not broken: they are there to be copied."""
    listed = [typed(action) for action in actions]
    if len(listed) > MOST_COMMANDS:
        rest = len(listed) - MOST_COMMANDS + 1
        listed[MOST_COMMANDS - 1 :] = [f"# and {rest} more: irqwatch advise --json has them all"]
    for number, command in enumerate(listed):
        yield f"{' ' * 11}{label if number == 0 else '':5} {command}"
