"""``irqwatch trace``."""

import itertools
import shutil
import sys
from collections.abc import Iterator

import click

from irqwatch import clock
from irqwatch.cells import in_ascii
from irqwatch.cli import options
from irqwatch.cli.terminal import ascii_only, ends_quietly, write
from irqwatch.collectors import SLOW_KINDS
from irqwatch.errors import ParseError, UsageError
from irqwatch.model.slow_event import SlowEvent
from irqwatch.model.snapshot import SOFTIRQ_VECTORS
from irqwatch.parse.duration import duration_ns
from irqwatch.sink.slow_event import header, to_json, to_line, what_width
from irqwatch.source.slow_events import SlowEvents, WantedEvents

EPILOG = """\b
Examples:
  irqwatch trace --slower 200us             what takes, or waits, longer than that
  irqwatch trace --slower 50us --device eth0 -d 10
  irqwatch trace --slower 1ms --softirq NET_RX --cpu 3
  irqwatch trace --slower 50us --kind hardirq --kind softirq-wait   no timers
  irqwatch trace --slower 100us --json -n 100 | jq -r '[.kind, .name, .seconds] | @tsv'

\b
A softirq or work item belongs to the line that caused it: --irq and --device show it too.
OVER is the task that ran or was interrupted; WAITING the softirqs that had to wait
meanwhile, and for how long the first of them. "<-" names the interrupt that caused it.
Exit codes: 0 done, 1 failed (it needs what "irqwatch doctor" says), 2 wrong usage.
"""

# How long to wait for an event before looking at the clock and at what was dropped.
LOOK_SECONDS = 0.25

# As --kind has it, without a space to quote.
KIND_OF = {kind.replace(" ", "-"): kind for kind in SLOW_KINDS}

PIPE_COLUMNS = 160


def _duration(context: click.Context, option: click.Parameter, value: str) -> int:
    try:
        return duration_ns(value)
    except ParseError as error:
        raise click.BadParameter(f"{error}.") from None


def _seconds(context: click.Context, option: click.Parameter, value: float | None) -> float | None:
    return None if value is None else options.seconds(context, option, value)


@click.command("trace", epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--slower",
    "slower_ns",
    default="200us",
    show_default=True,
    callback=_duration,
    metavar="TIME",
    help="Only what took or waited longer: 50us, 1.5ms, 2s.",
)
@click.option("--irq", "irqs", multiple=True, type=click.IntRange(min=0), help="Of this line.")
@click.option(
    "--softirq",
    "softirqs",
    multiple=True,
    type=click.Choice(SOFTIRQ_VECTORS, case_sensitive=False),
    help="Only softirqs of this vector.",
)
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    type=click.Choice(tuple(KIND_OF)),
    help="Only of this kind; a timer is one that fired late.",
)
@click.option("--cpu", "cpus", multiple=True, type=click.IntRange(min=0), help="On this CPU.")
@click.option("--device", "devices", multiple=True, help="Of the lines of this device.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for scripts.")
@click.option("-n", "--events", "most", type=click.IntRange(min=1), help="End after so many.")
@click.option("-d", "--duration", "seconds", type=float, callback=_seconds, help="Seconds.")
def command(
    *,
    slower_ns: int,
    irqs: tuple[int, ...],
    softirqs: tuple[str, ...],
    kinds: tuple[str, ...],
    cpus: tuple[int, ...],
    devices: tuple[str, ...],
    as_json: bool,
    most: int | None,
    seconds: float | None,
) -> None:
    """List single interrupts, softirqs and work items that are slow, as they happen.

    Each of --irq, --softirq, --kind, --cpu and --device can be given more than once: an event
    passes if it is any of these. Of different ones it has to pass all.
    """
    wanted = WantedEvents(
        slower_ns,
        frozenset(irqs),
        frozenset(softirqs),
        frozenset(cpus),
        frozenset(devices),
        frozenset(KIND_OF[kind] for kind in kinds),
    )
    width = what_width(_columns())
    with ends_quietly():
        try:
            source = SlowEvents(wanted)
        except UsageError as error:
            raise click.UsageError(f"{error}.") from None
        with source:
            for lack in source.unavailable:
                click.echo(f"irqwatch: {lack}", err=True)
            if not as_json:
                write(header(width) + "\n")
            for event in itertools.islice(_events(source, seconds), most):
                write((to_json(event) if as_json else _text(event, width)) + "\n")


def _events(source: SlowEvents, seconds: float | None) -> Iterator[SlowEvent]:
    """As they come, for so long; what was dropped is told of as soon as it is seen."""
    end_ns = None if seconds is None else clock.monotonic_ns() + int(seconds * 1e9)
    dropped = 0
    while end_ns is None or clock.monotonic_ns() < end_ns:
        yield from source.read(LOOK_SECONDS)
        if (so_far := source.dropped()) > dropped:
            lost, dropped = so_far - dropped, so_far
            events = "1 event" if lost == 1 else f"{lost} events"
            click.echo(f"irqwatch: {events} dropped: they came too fast", err=True)


def _columns() -> int:
    """Of the terminal; into a pipe or a file there is room."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else PIPE_COLUMNS


def _text(event: SlowEvent, width: int) -> str:
    line = to_line(event, None, width)
    return in_ascii(line) if ascii_only() else line
