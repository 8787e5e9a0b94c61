"""``irqwatch serve``."""

import contextlib
import gc
import os
import signal
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, get_args

import click

from irqwatch import __version__, clock
from irqwatch.base.series import Filter
from irqwatch.cli import options, recorded
from irqwatch.cli.log import LEVELS, Format, Level, Log
from irqwatch.cli.web import Wakes, guarded, web_config_file
from irqwatch.collectors import COLLECTORS, DEFAULT_COLLECTORS, without_blind
from irqwatch.derive.coverage import coverage_by, of_coverage
from irqwatch.derive.interval import between
from irqwatch.errors import ProbeError, UsageError
from irqwatch.model.snapshot import Snapshot
from irqwatch.sink.http.listening import Address, inherited, listen, parse_address, shown
from irqwatch.sink.http.pages import HEALTHY_PATH, READY_PATH, Pages
from irqwatch.sink.http.server import MOST_CLIENTS, Server
from irqwatch.sink.prometheus import Exporter
from irqwatch.sink.prometheus.table import chosen
from irqwatch.source import privileges, systemd
from irqwatch.source.live import LiveSource
from irqwatch.source.root import Root

if TYPE_CHECKING:
    from irqwatch.source.replay import Replay
    from irqwatch.source.web_config import WebConfigFile

EPILOG = """\b
Examples:
  sudo irqwatch serve                                 everything, at :9919/metrics
  irqwatch serve --web.listen-address=127.0.0.1:9919  without root: what /proc gives
  irqwatch serve --collector.disable-defaults --collector.softirq
  irqwatch serve --web.config.file=web.yml            TLS and passwords: docs/serve.md
  irqwatch serve --web.listen-address=unix:/run/irqwatch.sock --log.format=json
  irqwatch serve --from host.irqw                     a recording, as fast as it was made
  irqwatch serve --from host.irqw --once              what its last sample gives, printed

\b
It serves until SIGTERM or Ctrl-C. deploy/irqwatch.service runs it under systemd; docs/serve.md is
about running it, docs/metrics.md says what each metric means.
Exit codes: 0 done (also when part of the picture is missing), 1 failed, 2 wrong usage.
"""

# Coverage is of at least so long: the counts of the kernel and of the probe are read one after the
# other, and over a short interval what falls between the two reads is a large part.
COVERAGE_NS = 10 * 10**9

GC_THRESHOLDS = (100_000, 10, 10)


def _addresses(
    context: click.Context, option: click.Parameter, values: tuple[str, ...]
) -> tuple[Address, ...]:
    try:
        return tuple(map(parse_address, values))
    except UsageError as error:
        raise click.BadParameter(f"{error}.") from None


def _path(context: click.Context, option: click.Parameter, value: str) -> str:
    if (
        not value.startswith("/")
        or value in ("/", HEALTHY_PATH, READY_PATH)
        or not value.isprintable()
    ):
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
    "addresses",
    multiple=True,
    default=(":9919",),
    show_default=True,
    callback=_addresses,
    help=(
        "host:port, [::1]:port, :port for all addresses, or unix:/path; port 0 is any that is "
        "free. Can be given again."
    ),
)
@click.option(
    "--web.systemd-socket",
    "systemd_socket",
    is_flag=True,
    help="Listen on the sockets that systemd hands over, and on no other.",
)
@click.option(
    "--web.max-requests",
    "most_clients",
    type=click.IntRange(0),
    default=MOST_CLIENTS,
    show_default=True,
    help="Serve so many clients at once; one more is told so (503). 0 is any number.",
)
@click.option(
    "--web.config.file",
    "web_config",
    type=click.Path(path_type=Path),
    help="TLS, client certificates, users and headers, in the format of Prometheus' exporters.",
)
@click.option(
    "--log.level",
    "log_level",
    type=click.Choice(LEVELS),
    default="info",
    show_default=True,
    help="Say nothing that matters less.",
)
@click.option(
    "--log.format",
    "log_format",
    type=click.Choice(get_args(Format)),
    default="plain",
    show_default=True,
    help="How each line that is said looks.",
)
@click.option(
    "--min-interval",
    "min_interval_s",
    type=click.FloatRange(0),
    default=1.0,
    show_default=True,
    metavar="SECONDS",
    help="A scrape that comes sooner is given the last one again: two Prometheus cost as one.",
)
@click.option(
    "--require-probe",
    is_flag=True,
    help="End with an error where the probe cannot be loaded.",
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
@options.filter_options
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
    addresses: tuple[Address, ...],
    systemd_socket: bool,
    most_clients: int,
    web_config: Path | None,
    log_level: Level,
    log_format: Format,
    min_interval_s: float,
    require_probe: bool,
    telemetry_path: str,
    disable_defaults: bool,
    procfs: Path,
    sysfs: Path,
    user: privileges.Account | None,
    recording: Path | None,
    once: bool,
    **named: Any,
) -> None:
    """Export to Prometheus.

    As root it loads the probe and then becomes an unprivileged user; without, it exports what
    /proc and /sys give.
    """
    filters = options.filters(named)
    min_interval_ns = round(min_interval_s * 1e9)
    log = Log(log_level, log_format)
    face = Face(telemetry_path, most_clients, web_config_file(web_config, log), log)
    if recording is not None:
        recorded.refuse_live_options(*options.HOST_PARAMETERS)
        # Here, for a live host needs none of what reads recordings, and is to stay small.
        from irqwatch.source.replay import Replay  # noqa: PLC0415

        with _ends_quietly(), Replay(recording) as replay:
            if once:
                click.echo(last_scrape(replay, filters), nl=False)
                return
            with listening(addresses, systemd_socket=systemd_socket) as listeners:
                kept = "; ".join(filter(None, (runs_as(user), privileges.drop(user))))
                sample = recorded.in_real_time(replay, clock.monotonic_ns)
                served = Served(sample, recorded.collectors(sample()), filters, min_interval_ns)
                serve(served, listeners, face, kept=kept)
    if once:
        raise click.UsageError("--once is for --from.")
    wanted = options.chosen_collectors(named, disable_defaults=disable_defaults)
    with (
        _ends_quietly(),
        listening(addresses, systemd_socket=systemd_socket) as listeners,
        LiveSource(Root(procfs, sysfs), wanted) as source,
    ):
        if require_probe and (why := source.why_no_probe()):
            raise ProbeError(f"no probe, which --require-probe asks for: {why}")
        keep, why = privileges.to_keep(user, source.may_read) if source.may_read() else (0, "")
        kept = "; ".join(filter(None, (runs_as(user), privileges.drop(user, keep), why)))
        served = Served(source.sample, wanted, filters, min_interval_ns)
        serve(served, listeners, face, kept=kept)


@contextlib.contextmanager
def listening(
    addresses: Iterable[Address], *, systemd_socket: bool
) -> Iterator[list[socket.socket]]:
    """Raises IrqwatchError."""
    with contextlib.ExitStack() as opened:
        if systemd_socket:
            found = inherited(os.environ, os.getpid())
            yield [opened.enter_context(listener) for listener in found]
        else:
            yield [opened.enter_context(listen(address)) for address in addresses]


def runs_as(user: privileges.Account | None) -> str:
    return f"as user {user.name}" if user else ""


class Served(NamedTuple):
    """What is exported, and how."""

    sample: Callable[[], Snapshot]
    wanted: frozenset[str]
    filters: Mapping[str, Filter]
    min_interval_ns: int


class Face(NamedTuple):
    """How it is served."""

    telemetry_path: str
    most_clients: int
    web_config: "WebConfigFile | None"
    log: Log


def serve(served: Served, listeners: Sequence[socket.socket], face: Face, *, kept: str) -> NoReturn:
    """Answer scrapes until a signal ends it; ``kept`` is what privileges.drop() gave."""
    first = served.sample()
    # What a scrape makes holds no cycles. To look for some anyway, each 700 objects, took a third
    # of a scrape of a large host.
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    exporter = Exporter(first, served.wanted, __version__, served.filters)
    scraper = Scraper(served.sample, first, exporter, served.min_interval_ns)
    pages = Pages(scraper, face.telemetry_path, f"irqwatch {__version__}", face.log.warn)
    addresses = ", ".join(map(shown, listeners))
    status = f"listening on {addresses}"
    with contextlib.ExitStack() as held:
        wakes = held.enter_context(Wakes())
        answer, stream = guarded(face.web_config, pages.answer, wakes)
        server = held.enter_context(
            Server(listeners, answer, face.most_clients, stream=stream, woken=wakes.woken)
        )
        notifier = held.enter_context(systemd.Notifier())
        face.log.info(describe(first, served.wanted, addresses, kept))
        notifier.ready(status)
        while True:
            server.turn(notifier.seconds_to_next())
            notifier.alive()
            if wakes.hung_up():
                notifier.reloading()
                if face.web_config:
                    face.web_config.reread()
                notifier.ready(status)


def last_scrape(replay: "Replay", filters: Mapping[str, Filter]) -> bytes:
    """What a scrape at the end of a recording gives, less what the exporter says of itself."""
    since, last = recorded.last_interval(replay, COVERAGE_NS)
    wanted = recorded.collectors(last)
    exporter = Exporter(last, wanted, __version__, filters, own_process=False)
    scraper = Scraper(lambda: last, since, exporter)
    scraper.refresh()
    body, _ = scraper.render("", "")
    return body


@contextlib.contextmanager
def _ends_quietly() -> Iterator[None]:
    """SIGTERM and Ctrl-C are how it ends; whatever it is doing, all that it holds is let go. SIGHUP
    asks a daemon to read its files again: ``Wakes`` sees to it, and until then it ends nothing."""

    def on_signal(signum: int, at: FrameType | None) -> None:
        raise SystemExit(0)

    before = {s: signal.signal(s, on_signal) for s in (signal.SIGTERM, signal.SIGINT)}
    before[signal.SIGHUP] = signal.signal(signal.SIGHUP, lambda signum, at: None)
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
        f"listening on {address}",
        f"timing {', '.join(c for c in COLLECTORS if c in running) or 'nothing'}",
        *([f"off: {', '.join(off)}"] if off else []),
        *map(str, first.unavailable),
        *([kept] if kept else []),
    ]
    return "; ".join(parts)


class Scraper:
    """Samples when asked, unless the last sample is younger than ``min_interval_ns``; coverage is
    of the last interval that was long enough."""

    def __init__(
        self,
        sample: Callable[[], Snapshot],
        first: Snapshot,
        exporter: Exporter,
        min_interval_ns: int = 0,
        now_ns: Callable[[], int] = clock.monotonic_ns,
    ) -> None:
        self._sample = sample
        self._since = of_coverage(first)
        self._exporter = exporter
        self._min_interval_ns = min_interval_ns
        self._now_ns = now_ns
        self._sampled_ns: int | None = None
        self._coverage: dict[str, float] = {}

    def refresh(self) -> bool:
        """Whether a sample was taken."""
        now_ns = self._now_ns()
        if self._sampled_ns is not None and now_ns - self._sampled_ns < self._min_interval_ns:
            return False
        current = self._sample()
        if current.monotonic_ns - self._since.monotonic_ns >= COVERAGE_NS:
            self._coverage = coverage_by(between(of_coverage(without_blind(current)), self._since))
            self._since = of_coverage(current)
        self._exporter.update(current, self._coverage)
        self._sampled_ns = now_ns
        return True

    def render(self, accept: str, query: str) -> tuple[bytes, str]:
        """The last sample: the body of a scrape and its content type; ``query`` is that of the
        URL. Raises UsageError."""
        return self._exporter.render(accept, chosen(query))
