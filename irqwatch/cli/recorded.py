"""What verbs do with ``--from RECORDING``."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from irqwatch.collectors import COLLECTORS, DEFAULT_COLLECTORS
from irqwatch.errors import RecordingError
from irqwatch.model.snapshot import Snapshot

if TYPE_CHECKING:  # a live host needs none of it, and ``serve`` is to stay small
    from irqwatch.record.player import Index
    from irqwatch.source.replay import Replay


def _path(context: click.Context, option: click.Parameter, value: Path | None) -> Path | None:
    """Says of a FIFO that it is waited for: to the end of ``ssh host irqwatch record -``, so there
    is no limit. The pipe of ``<(…)`` has its writer, and no place of its own that it resolves to.
    """
    with contextlib.suppress(OSError, RuntimeError):  # told when it is opened
        if value is not None and value.resolve().is_fifo():
            click.echo(f"irqwatch: waiting for what is written to {value}, a FIFO", err=True)
    return value


from_option = click.option(
    "--from",
    "recording",
    callback=_path,
    type=click.Path(path_type=Path, allow_dash=True),
    help="A recording in place of this host.",
)


def refuse_live_options(*names: str) -> None:
    """Raises click.UsageError if one of these parameters was given: beside a recording it means
    nothing."""
    context = click.get_current_context()
    for parameter in context.command.params:
        given = context.get_parameter_source(parameter.name or "")
        if parameter.name in names and given is click.core.ParameterSource.COMMANDLINE:
            raise click.UsageError(
                f"{parameter.opts[-1]} is of a live host, --from of a recording."
            )


def too_short(replay: Replay) -> RecordingError:
    return RecordingError(replay.cut_off or f"{replay.name}: an interval needs two samples")


def in_real_time(replay: Replay, now_ns: Callable[[], int]) -> Callable[[], Snapshot]:
    """Gives the sample that was the latest as long after the first one as it is now after this
    call; in the end, the last. Raises RecordingError where there is none."""
    index = _filled(replay)
    start_ns = now_ns()
    return lambda: replay.at(index.at(index.times_ns[0] + now_ns() - start_ns))


def last_interval(replay: Replay, least_ns: int) -> tuple[Snapshot, Snapshot]:
    """The last sample, and before it the latest one so much older, or the first."""
    index = _filled(replay)
    since = replay.at(index.at(max(0, index.times_ns[-1] - least_ns)))
    return since, replay.at(len(index) - 1)


def _filled(replay: Replay) -> Index:
    if not replay.index:
        raise RecordingError(replay.cut_off or f"{replay.name}: has no samples")
    return replay.index


def collectors(snapshot: Snapshot) -> frozenset[str]:
    """Those of the probe that were asked for when ``snapshot`` was recorded."""
    lacking = {lack.part for lack in snapshot.unavailable}
    if "probe" in lacking:
        return DEFAULT_COLLECTORS
    running = snapshot.probe.collectors if snapshot.probe else frozenset()
    return running | lacking.intersection(COLLECTORS)
