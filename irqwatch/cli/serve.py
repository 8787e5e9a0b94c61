"""``irqwatch serve``."""

import contextlib
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn, get_args

import click

from irqwatch import __version__, clock
from irqwatch.base.fold import HistogramDetail
from irqwatch.cli import options, recorded
from irqwatch.collectors import COLLECTORS, DEFAULT_COLLECTORS, without_blind
from irqwatch.derive.coverage import coverage_by
from irqwatch.derive.interval import between
from irqwatch.errors import UsageError
from irqwatch.model.snapshot import Snapshot
from irqwatch.sink.http.pages import Pages
from irqwatch.sink.http.server import Server, listen, parse_address, show_address
from irqwatch.sink.prometheus import Exporter
from irqwatch.source import privileges
from irqwatch.source.live import LiveSource
from irqwatch.source.root import Root

if TYPE_CHECKING:
    from irqwatch.source.replay import Replay

EPILOG = """\b
Examples:
  sudo irqwatch serve                                 everything, at :9919/metrics
  irqwatch serve --web.listen-address=127.0.0.1:9919  without root: what /proc gives
  irqwatch serve --collector.disable-defaults --collector.softirq
  irqwatch serve --from host.irqw                     a recording, as fast as it was made
  irqwatch serve --from host.irqw --once              what its last sample gives, printed

\b
It serves until SIGTERM or Ctrl-C. deploy/irqwatch.service runs it under systemd; docs/metrics.md
says what each metric means.
Exit codes: 0 done (also when part of the picture is missing), 1 failed, 2 wrong usage.
"""

# Coverage is of at least so long: the counts of the kernel and of the probe are read one after the
# other, and over a short interval what falls between the two reads is a large part.
COVERAGE_NS = 10 * 10**9


def _address(context: click.Context, option: click.Parameter, value: str) -> tuple[str, int]:
    try:
        return parse_address(value)
    except UsageError as error:
        raise click.BadParameter(f"{error}.") from None


def _path(context: click.Context, option: click.Parameter, value: str) -> str:
    if not value.startswith("/") or value in ("/", "/-/healthy") or not value.isprintable():
        raise click.BadParameter(f"{value!r} is not a path such as /metrics.")
    return value


def _user(
    context: click.Context, option: click.Parameter, value: str | None
) -> privileges.Account | None:
    try:
        return privileges.account(value)
    except UsageError as error:
        raise click.BadParameter(f"{error}.") from None


@click.command("serve", epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--web.listen-address",
    "address",
    default=":9919",
    show_default=True,
    callback=_address,
    help="host:port, [::1]:port, or :port for all addresses; port 0 is any that is free.",
)
@click.option(
    "--web.telemetry-path",
    "telemetry_path",
    default="/metrics",
    show_default=True,
    callback=_path,
    help="Where the metrics are.",
)
@options.host_options
@click.option(
    "--collector.hardirq.histograms",
    "histograms",
    type=click.Choice(get_args(HistogramDetail)),
    default="auto",
    show_default=True,
    help="Time by line or by device; auto is by line up to 256 of them.",
)
@click.option(
    "--user",
    callback=_user,
    help=(
        "As root: the user to become once the probe is loaded; without this irqwatch, or a number "
        "that no account has."
    ),
)
@recorded.from_option
@click.option(
    "--once", is_flag=True, help="With --from: print what its last sample gives, and end."
)
def command(
    *,
    address: tuple[str, int],
    telemetry_path: str,
    disable_defaults: bool,
    histograms: HistogramDetail,
    procfs: Path,
    sysfs: Path,
    user: privileges.Account | None,
    recording: Path | None,
    once: bool,
    **named: bool | None,
) -> None:
    """Export to Prometheus.

    As root it loads the probe and then becomes an unprivileged user; without, it exports what
    /proc and /sys give.
    """
    if recording is not None:
        recorded.refuse_live_options(*options.HOST_PARAMETERS)
        # Here, for a live host needs none of what reads recordings, and is to stay small.
        from irqwatch.source.replay import Replay  # noqa: PLC0415

        with _ends_quietly(), Replay(recording) as replay:
            if once:
                click.echo(last_scrape(replay, histograms), nl=False)
                return
            with listen(*address) as listener:
                kept = "; ".join(filter(None, (runs_as(user), privileges.drop(user))))
                sample = recorded.in_real_time(replay, clock.monotonic_ns)
                wanted = recorded.collectors(sample())
                serve(sample, wanted, listener, telemetry_path, histograms, kept=kept)
    if once:
        raise click.UsageError("--once is for --from.")
    wanted = options.chosen_collectors(named, disable_defaults=disable_defaults)
    with (
        _ends_quietly(),
        listen(*address) as listener,
        LiveSource(Root(procfs, sysfs), wanted) as source,
    ):
        keep, why = privileges.to_keep(user, source.may_read) if source.may_read() else (0, "")
        kept = "; ".join(filter(None, (runs_as(user), privileges.drop(user, keep), why)))
        serve(source.sample, wanted, listener, telemetry_path, histograms, kept=kept)


def runs_as(user: privileges.Account | None) -> str:
    return f"as user {user.name}" if user else ""


def serve(
    sample: Callable[[], Snapshot],
    wanted: frozenset[str],
    listener: socket.socket,
    telemetry_path: str,
    histograms: HistogramDetail,
    *,
    kept: str,
) -> NoReturn:
    """Answer scrapes until a signal ends it; ``kept`` is what privileges.drop() gave."""
    first = sample()
    scrape = Scraper(sample, first, Exporter(first, wanted, __version__, histograms))
    pages = Pages(scrape, telemetry_path, f"irqwatch {__version__}")
    with Server(listener, pages.answer) as server:
        address = listener.getsockname()[:2]
        with contextlib.suppress(OSError):  # a full disk is no reason not to export
            click.echo(describe(first, wanted, show_address(*address), kept), err=True)
        while True:
            server.turn()


def last_scrape(replay: "Replay", histograms: HistogramDetail) -> bytes:
    """What a scrape at the end of a recording gives, less what the exporter says of itself."""
    since, last = recorded.last_interval(replay, COVERAGE_NS)
    exporter = Exporter(last, recorded.collectors(last), __version__, histograms, own_process=False)
    body, _ = Scraper(lambda: last, since, exporter)("")
    return body


@contextlib.contextmanager
def _ends_quietly() -> Iterator[None]:
    """SIGTERM and Ctrl-C are how it ends; whatever it is doing, all that it holds is let go."""

    def on_signal(signum: int, at: FrameType | None) -> None:
        raise SystemExit(0)

    before = {s: signal.signal(s, on_signal) for s in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def describe(first: Snapshot, wanted: frozenset[str], address: str, kept: str) -> str:
    """What is served, what is not and why: one line."""
    running = first.probe.collectors if first.probe else frozenset()
    off = [name for name in COLLECTORS if name in DEFAULT_COLLECTORS - wanted]
    parts = [
        f"irqwatch: listening on {address}",
        f"timing {', '.join(c for c in COLLECTORS if c in running) or 'nothing'}",
        *([f"off: {', '.join(off)}"] if off else []),
        *map(str, first.unavailable),
        *([kept] if kept else []),
    ]
    return "; ".join(parts)


class Scraper:
    """Samples when asked; coverage is of the last interval that was long enough."""

    def __init__(self, sample: Callable[[], Snapshot], first: Snapshot, exporter: Exporter) -> None:
        self._sample = sample
        self._since = first
        self._exporter = exporter
        self._coverage: dict[str, float] = {}

    def __call__(self, accept: str) -> tuple[bytes, str]:
        """The body of a scrape and its content type."""
        current = self._sample()
        if current.monotonic_ns - self._since.monotonic_ns >= COVERAGE_NS:
            self._coverage = coverage_by(between(without_blind(current), self._since))
            self._since = current
        return self._exporter.render(current, self._coverage, accept)
