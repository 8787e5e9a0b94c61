"""``irqwatch record``."""

import contextlib
import itertools
import secrets
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import BinaryIO

import click

from irqwatch import clock
from irqwatch.cli.options import chosen_collectors, host_options, seconds
from irqwatch.errors import RecordingError
from irqwatch.model.snapshot import Snapshot
from irqwatch.record.anonymize import Anonymizer
from irqwatch.record.recorder import Recorder
from irqwatch.source.live import LiveSource
from irqwatch.source.root import Root

EPILOG = """\b
Examples:
  sudo irqwatch record host.irqw                  each second, until Ctrl-C
  sudo irqwatch record -d 10 -n 361 hour.irqw     an hour: 361 samples are 360 intervals
  sudo irqwatch record --anonymize for-you.irqw   with host, device and process names replaced
  sudo irqwatch record - | ssh desk 'cat > host.irqw'
  irqwatch top --from host.irqw                   looks at it, on any machine

\b
A sample is written as soon as it is taken: however a recording ends, it can be read up to there.
docs/recording.md says what is in one.
Exit codes: 0 done (also when part of the picture is missing), 1 failed, 2 wrong usage.
"""

# /proc/irq changes when a person or irqbalance changes it, and is several files for each line.
SETTINGS_MAX_AGE_NS = 10 * 10**9
# A file for each queue, idle state and process; changes as rarely.
TUNING_MAX_AGE_NS = 60 * 10**9


@click.command("record", epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@click.option(
    "-d", "--delay", default=1.0, show_default=True, callback=seconds, help="Seconds a sample."
)
@click.option("-n", "--samples", type=click.IntRange(min=1), help="End after so many samples.")
@click.option("--force", is_flag=True, help="Replace FILE where there is one.")
@click.option("--anonymize", is_flag=True, help="Replace the names of host, devices and processes.")
@host_options
def command(
    *,
    file: Path,
    delay: float,
    samples: int | None,
    force: bool,
    anonymize: bool,
    disable_defaults: bool,
    procfs: Path,
    sysfs: Path,
    **named: bool | None,
) -> None:
    """Write what interrupts this host into FILE ("-": standard output), to be looked at later and
    elsewhere with --from FILE."""
    wanted = chosen_collectors(named, disable_defaults=disable_defaults)
    change = Anonymizer(secrets.token_bytes(64)).snapshot if anonymize else None
    with (
        _output(file, force=force) as stream,
        _ends_well(),
        LiveSource(Root(procfs, sysfs), wanted, SETTINGS_MAX_AGE_NS, TUNING_MAX_AGE_NS) as source,
    ):
        snapshots = take(source.sample, int(delay * 1e9), samples)
        write(snapshots if change is None else map(change, snapshots), stream, file)


@contextlib.contextmanager
def _output(file: Path, *, force: bool) -> Iterator[BinaryIO]:
    """Unbuffered: what has been written is what can be read."""
    if file == Path("-"):
        if sys.stdout.isatty():
            raise click.UsageError("A recording is not for a terminal to show: give a file.")
        with open(sys.stdout.fileno(), "wb", buffering=0, closefd=False) as stream:
            yield stream
        return
    try:
        stream = file.open("wb" if force else "xb", buffering=0)
    except FileExistsError:
        raise RecordingError(f"{file} exists already; --force replaces it") from None
    except OSError as error:
        raise RecordingError(f"{file}: {error.strerror}") from error
    with stream:
        yield stream


@contextlib.contextmanager
def _ends_well() -> Iterator[None]:
    """Ctrl-C, SIGTERM and a reader that went away are ways to end a recording. A block is one
    write, so none comes in the middle of a block."""

    def on_term(signum: int, at: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, on_term)
    with contextlib.suppress(KeyboardInterrupt, BrokenPipeError):
        try:
            yield
        finally:
            signal.signal(signal.SIGTERM, before)


def take(
    sample: Callable[[], Snapshot], interval_ns: int, samples: int | None
) -> Iterator[Snapshot]:
    """A snapshot now and one each ``interval_ns``, on a fixed grid; what was missed is left out."""
    deadline_ns = clock.monotonic_ns()
    for _ in itertools.repeat(None, *([samples] if samples else [])):
        clock.sleep_until(deadline_ns)
        yield sample()
        deadline_ns = max(deadline_ns + interval_ns, clock.monotonic_ns())


def write(snapshots: Iterator[Snapshot], stream: BinaryIO, file: Path) -> None:
    """Record all there are. Standard error is told what could not be had and, where it is a
    terminal, how it goes. Raises RecordingError where ``file`` takes no more."""
    recorder = Recorder(stream)
    started_ns = clock.monotonic_ns()
    on_terminal = sys.stderr.isatty()
    try:
        for snapshot in snapshots:
            _add(recorder, snapshot, file)
            if recorder.samples == 1:
                for lack in snapshot.unavailable:
                    click.echo(f"irqwatch: {lack}", err=True)
            if on_terminal:
                elapsed_ns = clock.monotonic_ns() - started_ns
                click.echo(f"\r{progress(recorder, elapsed_ns)}  ", nl=False, err=True)
    finally:
        if on_terminal:
            click.echo(err=True)


def _add(recorder: Recorder, snapshot: Snapshot, file: Path) -> None:
    try:
        recorder.add(snapshot)
    except BrokenPipeError:
        raise
    except OSError as error:
        readable = f"{recorder.samples} samples before that can be read"
        raise RecordingError(f"{file}: {error.strerror}; {readable}") from error


def progress(recorder: Recorder, elapsed_ns: int) -> str:
    minutes, seconds_ = divmod(elapsed_ns // 10**9, 60)
    hours, minutes = divmod(minutes, 60)
    samples = "sample" if recorder.samples == 1 else "samples"
    kb = recorder.bytes / 1000
    return f"{recorder.samples} {samples}, {kb:.0f} kB, {hours}:{minutes:02}:{seconds_:02}"
