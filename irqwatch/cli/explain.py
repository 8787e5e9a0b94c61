"""``irqwatch explain``."""

from pathlib import Path

import click

from irqwatch import clock
from irqwatch.base.columns import refuse_unlisted
from irqwatch.cells import in_ascii
from irqwatch.cli import options, recorded
from irqwatch.cli.terminal import ascii_only, ends_quietly, write
from irqwatch.derive.line_story import lines_called, story
from irqwatch.derive.view import derive
from irqwatch.errors import IrqwatchError
from irqwatch.model.snapshot import Snapshot
from irqwatch.sink.explain import to_json, to_text
from irqwatch.source.live import LiveSource
from irqwatch.source.replay import Replay
from irqwatch.source.root import Root, shown

EPILOG = """\b
Examples:
  irqwatch explain 36                    by its number in /proc/interrupts
  irqwatch explain eth0                  all lines of a device
  irqwatch explain sda                   of the adapter that a disk hangs on
  irqwatch explain nvme0q3 -d 10         by the name of its action, over ten seconds
  irqwatch explain 36 --json | jq .sources
  irqwatch explain eth0 --from host.irqw   what its last ten seconds say

\b
Exit codes: 0 done, 1 there is no such interrupt or something failed, 2 wrong usage,
130 interrupted by Ctrl-C.
"""

# Of a recording, the end of it.
RECORDED_NS = 10 * 10**9


@click.command("explain", epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("interrupt", metavar="IRQ")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for scripts.")
@click.option(
    "-d",
    "--duration",
    "seconds",
    default=2.0,
    show_default=True,
    callback=options.seconds,
    help="Seconds to watch.",
)
@recorded.from_option
@options.host_options
def command(
    *,
    interrupt: str,
    as_json: bool,
    seconds: float,
    recording: Path | None,
    procfs: Path,
    sysfs: Path,
    disable_defaults: bool,
    **named: bool | None,
) -> None:
    """Say all that is known of an interrupt line: what it is, where it runs, what it costs, what
    it causes.

    IRQ is its number, the name of its action or part of it, a device or its bus address, or a disk
    or USB device (as 1-2.1 or by its product name) behind an adapter.
    """
    collectors = options.chosen_collectors(named, disable_defaults=disable_defaults)
    if recording is not None:
        recorded.refuse_live_options("seconds", *options.HOST_PARAMETERS)
        with Replay(recording) as replay:
            before, after = recorded.last_interval(replay, RECORDED_NS)
            if before is after or before.monotonic_ns == after.monotonic_ns:
                raise recorded.too_short(replay)
            listed = f"irqwatch top --from {replay.name}"
    else:
        listed = shown(procfs / "interrupts")
        root = Root(procfs, sysfs)
        before, after = _watch(root, collectors, interrupt, seconds, listed)
    with ends_quietly():
        show(interrupt, before, after, listed, as_json=as_json)


def _watch(
    root: Root, collectors: frozenset[str], interrupt: str, seconds: float, listed: str
) -> tuple[Snapshot, Snapshot]:
    with LiveSource(root, collectors, settings_max_age_ns=0) as source:
        before = source.sample()
        _found(interrupt, before, listed)
        clock.sleep_until(before.monotonic_ns + int(seconds * 1e9))
        return before, source.sample()


def _found(interrupt: str, snapshot: Snapshot, listed: str) -> None:
    """Raises IrqwatchError where there is none, at once and not after having watched for it."""
    if lines_called(interrupt, snapshot):
        return
    refuse_unlisted(snapshot.unavailable, has_some=bool(snapshot.lines))
    if any(line.irq is None and line.label == interrupt for line in snapshot.lines):
        raise IrqwatchError(
            f"{interrupt!r} is no interrupt line but one of the architecture's own: "
            "see irqwatch top --view hardirq"
        )
    raise IrqwatchError(f"there is no interrupt {interrupt!r}: {listed} lists them")


def show(interrupt: str, before: Snapshot, after: Snapshot, listed: str, *, as_json: bool) -> None:
    """Each line that is called so, of the interval between two samples. ``listed``: what lists
    all there are."""
    _found(interrupt, after, listed)
    view = derive(after, before)
    stories = [story(line, after, view) for line in lines_called(interrupt, after)]
    if as_json:
        write("".join(to_json(one) + "\n" for one in stories))
        return
    text = "\n".join(to_text(one) for one in stories)
    write(in_ascii(text) if ascii_only() else text)
    for lack in view.unavailable:
        click.echo(f"irqwatch: {lack}", err=True)
