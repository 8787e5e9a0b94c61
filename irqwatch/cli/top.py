"""``irqwatch top``."""

import contextlib
import itertools
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import click

from irqwatch import clock
from irqwatch.cells import in_ascii
from irqwatch.cli import options, recorded
from irqwatch.cli.intervals import Intervals, recorded_views
from irqwatch.cli.terminal import ascii_only, ends_quietly, write
from irqwatch.collectors import ALL
from irqwatch.derive.view import derive
from irqwatch.model.snapshot import Snapshot
from irqwatch.model.view import View
from irqwatch.sink.top import frame, screen
from irqwatch.sink.top.state import SORTS, VIEWS, State, rows
from irqwatch.sink.view_json import to_json
from irqwatch.source.live import LiveSource
from irqwatch.source.replay import Replay
from irqwatch.source.root import Root

EPILOG = """\b
Examples:
  irqwatch top                          the live screen; ? there lists its keys
  irqwatch top -b -n 1 -d 10            one plain frame over ten seconds
  irqwatch top -b --view softirq --sort latency
  irqwatch top --json -n 2 -d 2 | jq '.sources[] | select(.name == "NET_RX")'
  irqwatch top --from host.irqw         what "irqwatch record" saw: pause, step, jump, faster

\b
Without a terminal it prints plain frames. Into a pipe or a file their lines are not cut.
docs/json.md says what each key of the JSON is.
Exit codes: 0 done (also when part of the picture is missing), 1 failed, 2 wrong usage.
"""

Sample = Callable[[], Snapshot]


@dataclass(frozen=True, slots=True)
class Choices:
    """The command line. ``iterations`` None is for ever; ``sort`` None is not asked for."""

    plain: bool
    as_json: bool
    iterations: int | None
    interval_ns: int
    view: str
    sort: str | None
    filter: str

    @property
    def state(self) -> State:
        return State(view=self.view, sort=self.sort or "cpu", filter=self.filter)


LIVE_OPTIONS = ("delay", *options.HOST_PARAMETERS)


@click.command("top", epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("-b", "--batch", "plain", is_flag=True, help="Plain frames, one after the other.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for scripts.")
@click.option("-n", "--iterations", type=click.IntRange(min=1), help="End after so many frames.")
@click.option(
    "-d",
    "--delay",
    default=1.0,
    show_default=True,
    callback=options.seconds,
    help="Seconds a frame.",
)
@click.option("--view", type=click.Choice(VIEWS), default="all", show_default=True)
@click.option("--sort", type=click.Choice(tuple(SORTS)), help="Most first.  [default: cpu]")
@click.option("--filter", "filter_", default="", help="Only sources with this in a name.")
@recorded.from_option
@options.host_options
def command(
    *,
    plain: bool,
    as_json: bool,
    iterations: int | None,
    delay: float,
    view: str,
    sort: str | None,
    filter_: str,
    recording: Path | None,
    procfs: Path,
    sysfs: Path,
    disable_defaults: bool,
    **named: bool | None,
) -> None:
    """Show what interrupts this host: how often, for how long, how late, and where.

    As root it times every interrupt; without, it shows what the kernel counts.
    """
    if plain and as_json:
        raise click.UsageError("--batch and --json exclude each other.")
    collectors = options.chosen_collectors(named, disable_defaults=disable_defaults)
    choices = Choices(plain, as_json, iterations, int(delay * 1e9), view, sort, filter_)
    if recording is not None:
        recorded.refuse_live_options(*LIVE_OPTIONS)
        with ends_quietly(), Replay(recording) as replay:
            show_recording(replay, choices)
        return
    with ends_quietly(), live_source(procfs, sysfs, collectors) as sample:
        show(sample, choices)


@contextlib.contextmanager
def live_source(procfs: Path, sysfs: Path, collectors: frozenset[str]) -> Iterator[Sample]:
    """The running host, sampled when called."""
    with LiveSource(Root(procfs, sysfs), collectors) as source:
        yield source.sample


def show(sample: Sample, choices: Choices) -> None:
    """Frames of what ``sample`` gives, on the screen where there is one."""
    views = views_of(sample)
    if look := _look(choices):
        screen.run(views, choices.interval_ns, choices.iterations, choices.state, look)
    else:
        _print(_on_a_grid(views, choices.interval_ns), choices)


def show_recording(replay: Replay, choices: Choices) -> None:
    """Frames of each interval of a recording, on the screen where there is one."""
    if look := _look(choices):
        screen.play(Intervals(replay), choices.iterations, choices.state, look)
    else:
        _print(recorded_views(replay), choices)
    if replay.cut_off:
        click.echo(f"irqwatch: {replay.cut_off}", err=True)


def _look(choices: Choices) -> screen.Look | None:
    """How the screen may look; None where there is none, or none is wanted."""
    if choices.plain or choices.as_json or not (sys.stdin.isatty() and sys.stdout.isatty()):
        return None
    if reason := screen.why_not(*shutil.get_terminal_size()):
        click.echo(f"irqwatch: {reason}: plain frames", err=True)
        return None
    # https://no-color.org: set to anything but the empty string.
    return screen.Look(not os.environ.get("NO_COLOR"), ascii_only())


def views_of(sample: Sample) -> Callable[[], View]:
    """What happened since the last call, the first time since now."""
    previous = sample()

    def view() -> View:
        nonlocal previous
        current = sample()
        made, previous = derive(current, previous), current
        return made

    return view


def _on_a_grid(views: Callable[[], View], interval_ns: int) -> Iterator[View]:
    deadline_ns = clock.monotonic_ns()
    while True:
        deadline_ns = max(deadline_ns + interval_ns, clock.monotonic_ns())
        clock.sleep_until(deadline_ns)
        yield views()


def _print(views: Iterator[View], choices: Choices) -> None:
    render = _json if choices.as_json else _plain
    for view in itertools.islice(views, choices.iterations):
        write(render(view, choices))


def _json(view: View, choices: Choices) -> str:
    chosen = rows(view, choices.state)
    if choices.view == "all":  # a screen has views for the rest, a script selects by kind
        apart = [one for one in ALL if one.shown and not one.shown.in_all]
        for collector in apart:
            chosen += rows(view, replace(choices.state, view=collector.name))
    sources = [row.source for row in chosen if row.source]
    if choices.sort is None:  # then the order is the view's own, which is the same each time
        places = {id(source): place for place, source in enumerate(view.sources)}
        sources.sort(key=lambda source: places[id(source)])
    shown = () if choices.view == "cpus" else tuple(sources)
    return to_json(replace(view, sources=shown)) + "\n"


def _plain(view: View, choices: Choices) -> str:
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    text = frame.plain(view, choices.state, width)
    return in_ascii(text) if ascii_only() else text
