"""``irqwatch advise``."""

import contextlib
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from pathlib import Path

import click

from irqwatch import clock
from irqwatch.advise.facts import Window
from irqwatch.advise.findings import RULES
from irqwatch.advise.plan import GOALS, Wanted, check, make_plan
from irqwatch.advise.thresholds import THRESHOLDS, chosen
from irqwatch.cli import apply as applying
from irqwatch.cli import options, recorded
from irqwatch.cli.terminal import ascii_only, ends_quietly, write
from irqwatch.derive.view import derive
from irqwatch.errors import IrqwatchError, ParseError, UsageError
from irqwatch.model.plan import CannotTell, Plan
from irqwatch.model.snapshot import Snapshot
from irqwatch.parse import cpulist
from irqwatch.sink.advise import words
from irqwatch.sink.advise.document import to_json
from irqwatch.sink.advise.report import WIDEST, ReportLook, to_text
from irqwatch.sink.affinity.script import to_script
from irqwatch.source.live import LiveSource
from irqwatch.source.replay import Replay
from irqwatch.source.root import Root

EPILOG = """\b
Examples:
  sudo irqwatch advise                      measures ten seconds, and says what to change
  sudo irqwatch advise --duration 60 --windows 12
  sudo irqwatch advise --device eth0 --cpus 0-7
  irqwatch advise --from host.irqw --json | jq '.moves[] | [.irq, .to]'
  sudo irqwatch advise --apply --confirm 60 asks, writes, measures again; Enter keeps it
  sudo irqwatch advise --undo               puts back what was there
  sudo irqwatch advise --script >plan.sh    the same by hand: sh plan.sh, sh plan.sh undo
  irqwatch advise --list                    the thresholds and the findings
  sudo irqwatch advise --set min_gain=0.05  another threshold
  irqwatch advise --exit-code >report || mail -s advise root <report

\b
It measures the time that each interrupt takes, with what it causes. Nothing is changed but by
--apply and --undo, and with --apply all is put back if the busiest CPU is worse by more than
the noise, or if an interrupt does not go where it is sent; it then ends with 1.
docs/advisor.md says how it decides, docs/json.md what each key of the JSON is.
Exit codes: 0 done, 1 failed or the interrupts are hidden, 2 wrong usage; with --exit-code 3
where there is something to do: a move, or a finding above info whose confidence is high.
"""

SOMETHING_TO_DO = 3

LIVE_OPTIONS = ("duration", *applying.APPLY_PARAMETERS, *options.HOST_PARAMETERS)

# Of settings: read at the end of each window, for it is what the plan is made for.
FRESH_NS = 0


def _cpus(
    context: click.Context, option: click.Parameter, value: str | None
) -> frozenset[int] | None:
    if value is None:
        return None
    try:
        cpus = cpulist.parse(value.encode())
    except ParseError:
        cpus = frozenset()
    if not cpus:
        raise click.BadParameter(f"{value!r} is not a list of CPUs such as 0-3,8.")
    return cpus


@contextlib.contextmanager
def _usage_errors() -> Iterator[None]:
    """Those of irqwatch become those of click, which end with 2."""
    try:
        yield
    except UsageError as error:
        raise click.UsageError(f"{error}.") from None


@click.command("advise", epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--duration",
    default=10.0,
    show_default=True,
    callback=options.seconds,
    help="Seconds to measure, all windows together.",
)
@click.option(
    "--windows",
    type=click.IntRange(1, 1000),
    default=5,
    show_default=True,
    help="Parts of it, whose differences tell a gain from noise.",
)
@click.option("--device", "devices", multiple=True, help="Move only its interrupts; repeatable.")
@click.option("--cpus", callback=_cpus, help="Only CPUs that may be given interrupts: 0-3,8.")
@click.option("--goal", type=click.Choice(GOALS), default=GOALS[0], show_default=True)
@click.option("--set", "assignments", multiple=True, metavar="NAME=VALUE", help="A threshold.")
@click.option("--list", "listing", is_flag=True, help="The thresholds and findings, and end.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document, for scripts.")
@click.option(
    "--exit-code",
    is_flag=True,
    help="End with 3 where something moves, or a finding above info has high confidence.",
)
@applying.apply_options
@recorded.from_option
@options.host_options
@_usage_errors()
def command(
    *,
    duration: float,
    windows: int,
    devices: tuple[str, ...],
    cpus: frozenset[int] | None,
    goal: str,
    assignments: tuple[str, ...],
    listing: bool,
    as_json: bool,
    exit_code: bool,
    script: bool,
    apply: bool,
    yes: bool,
    confirm: float | None,
    journal: Path | None,
    undo: str | None,
    recording: Path | None,
    procfs: Path,
    sysfs: Path,
    disable_defaults: bool,
    **named: bool | None,
) -> int:
    """Say which CPU each interrupt should run on, and why; and what else is wrong.

    As root it weighs interrupts by the time they take; without, it counts them and guesses.
    """
    wanted = Wanted(goal, cpus, frozenset(devices), chosen(assignments))
    if listing:
        write(listed(wanted))
        return 0
    if script and (apply or as_json):
        raise click.UsageError("--script prints a script and nothing else.")
    applying.refuse_without_apply(apply=apply)
    root, wishes = Root(procfs, sysfs), applying.Wishes(yes, confirm, journal, as_json)
    if undo is not None and recording is None:
        return applying.undo_journal(undo, root)
    if recording is not None:
        recorded.refuse_live_options(*LIVE_OPTIONS)
        with Replay(recording) as replay:
            plan = make_plan(comparable(recorded_windows(replay, windows)), wanted)
    else:
        now = applying.host_access(root).observe()
        check(now, wanted)
        if apply:
            applying.refuse_early(now, root, wishes)
        collectors = options.chosen_collectors(named, disable_defaults=disable_defaults)
        with LiveSource(root, collectors, FRESH_NS, FRESH_NS) as source:
            measure = partial(_measured, source, int(duration * 1e9), windows, wanted)
            plan = measure()
            if apply:
                if not as_json:
                    write(to_text(plan, _look()))
                return applying.apply(plan, measure, root, wishes)
    with ends_quietly():
        if script:
            write(to_script(plan, words.verdict(plan), words.reasons(plan)))
        else:
            write(to_json(plan) if as_json else to_text(plan, _look()))
    if isinstance(plan.verdict, CannotTell):
        return 1
    return SOMETHING_TO_DO if exit_code and something_to_do(plan) else 0


def _measured(source: LiveSource, duration_ns: int, windows: int, wanted: Wanted) -> Plan:
    return make_plan(comparable(live_windows(source.sample, duration_ns, windows)), wanted)


def something_to_do(plan: Plan) -> bool:
    """What is less sure comes and goes from one measurement to the next, and so would the alarm."""
    return plan.change or any(
        finding.severity != "info" and finding.confidence == "high" for finding in plan.findings
    )


def _look() -> ReportLook:
    on_terminal = sys.stdout.isatty()
    return ReportLook(
        width=shutil.get_terminal_size().columns if on_terminal else WIDEST,
        # https://no-color.org: set to anything but the empty string.
        colour=on_terminal and not os.environ.get("NO_COLOR"),
        ascii_only=ascii_only(),
    )


def live_windows(
    sample: Callable[[], Snapshot], duration_ns: int, windows: int
) -> Iterator[Window]:
    """One after the other, of the same length. A terminal is told how far it is."""
    before = sample()
    start_ns = clock.monotonic_ns()
    for number in range(1, windows + 1):
        _wait(start_ns, start_ns + duration_ns * number // windows, start_ns + duration_ns)
        after = sample()
        yield Window(before, after, derive(after, before))
        before = after
    if sys.stderr.isatty():
        click.echo("\r\033[K", nl=False, err=True)


def _wait(start_ns: int, until_ns: int, end_ns: int) -> None:
    on_terminal = sys.stderr.isatty()
    while (now_ns := clock.monotonic_ns()) < until_ns:
        if on_terminal:
            left_s = -(-(end_ns - now_ns) // 10**9)
            click.echo(f"\r\033[Kmeasuring: {left_s} s more", nl=False, err=True)
        clock.sleep_until(min(until_ns, now_ns + 10**9) if on_terminal else until_ns)


def recorded_windows(replay: Replay, windows: int) -> Iterator[Window]:
    """The recording in ``windows`` parts, or as many as it has intervals. Raises RecordingError."""
    last = len(replay.index) - 1
    if last < 1:
        raise recorded.too_short(replay)
    parts = min(windows, last)
    ends = [replay.at(last * number // parts) for number in range(parts + 1)]
    for before, after in pairwise(ends):
        yield Window(before, after, derive(after, before))


def comparable(windows: Iterator[Window]) -> list[Window]:
    """Those whose two ends are of one boot and, where any has times, timed as a whole. Raises
    IrqwatchError where there is none."""
    found = [window for window in windows if window.view.interval_s > 0]
    if not found:
        raise IrqwatchError("there is no interval whose two ends can be compared")
    timed = [window for window in found if "hardirq" in window.view.collectors]
    return timed or found


def listed(wanted: Wanted) -> str:
    """Thresholds with their values, and the findings."""
    lines = ["Thresholds (--set NAME=VALUE)", ""]
    for one in THRESHOLDS:
        lines.append(f"  {one.name:16} {wanted.thresholds[one.name]:<8g} {one.unit}")
        lines.append(f"{'':27} {one.why}")
    lines += ["", "Findings (docs/advisor.md)", ""]
    lines += [f"  {rule.number:3} {rule.id:20} {rule.severity:9} {rule.title}" for rule in RULES]
    return "\n".join(lines) + "\n"
