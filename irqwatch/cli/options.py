"""Options that verbs share."""

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from irqwatch.base.series import Filter
from irqwatch.collectors import (
    BY_NAME,
    COLLECTORS,
    DEFAULT_COLLECTORS,
    ON_WHERE_THREADS_ARE_FORCED,
)
from irqwatch.source.forced_threads import are_threads_forced
from irqwatch.source.root import Root

SHORTEST_DELAY_S = 0.01
LONGEST_DELAY_S = 86_400.0

# The names under which a command gets what ``host_options`` adds.
HOST_PARAMETERS = (*COLLECTORS, "disable_defaults", "procfs", "sysfs")


def seconds(context: click.Context, option: click.Parameter, value: float) -> float:
    """Checks a delay. Not a FloatRange: that one takes "nan"."""
    if math.isfinite(value) and SHORTEST_DELAY_S <= value <= LONGEST_DELAY_S:
        return value
    raise click.BadParameter(f"{value} is not from {SHORTEST_DELAY_S} to {LONGEST_DELAY_S:.0f}.")


def host_options(command: click.decorators.FC) -> click.decorators.FC:
    """Which host and which collectors: ``procfs``, ``sysfs``, ``disable_defaults``, and a flag or
    None by the name of each collector."""
    options = [
        *(
            click.option(
                f"--collector.{name}/--no-collector.{name}",
                name,
                default=None,
                help=f"Time {BY_NAME[name].what}.  [default: {BY_NAME[name].default.value}]",
            )
            for name in COLLECTORS
        ),
        click.option(
            "--collector.disable-defaults",
            "disable_defaults",
            is_flag=True,
            help="Only the collectors that are named.",
        ),
        *(
            click.option(
                f"--path.{name}",
                name,
                type=click.Path(path_type=Path),
                default=path,
                show_default=True,
                help=f"The host's {path}.",
            )
            for name, path in (("procfs", "/proc"), ("sysfs", "/sys"))
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def filter_options(command: click.decorators.FC) -> click.decorators.FC:
    """Which names are shown apart: what ``filters`` takes."""
    for collector in reversed(COLLECTORS):
        label = BY_NAME[collector].chosen_by
        for option in ("exclude", "include") if label else ():
            command = click.option(
                f"--collector.{collector}.{option}",
                f"{collector}_{option}",
                metavar="REGEX",
                callback=_pattern,
                help=f"{_FILTERS[option]} {label}.",
            )(command)
    return command


_FILTERS = {
    "include": "Show apart what it finds in the label, from the start, and nothing else:",
    "exclude": 'Leave in "other" what it finds in the label:',
}


def _pattern(
    context: click.Context, option: click.Parameter, value: str | None
) -> re.Pattern[str] | None:
    try:
        return None if value is None else re.compile(value)
    except re.error as error:
        raise click.BadParameter(f"{value!r} is not a regular expression: {error}.") from None


def filters(named: dict[str, Any]) -> dict[str, Filter]:
    """By collector, of what ``filter_options`` adds; takes it out of ``named``."""
    found = {}
    for collector in COLLECTORS:
        patterns = [named.pop(f"{collector}_{option}", None) for option in Filter._fields]
        if any(patterns):
            found[collector] = Filter(*patterns)
    return found


def chosen_collectors(
    named: Mapping[str, bool | None], *, disable_defaults: bool
) -> frozenset[str]:
    """Those named on the command line (True or False), and by default the rest."""
    defaults = frozenset() if disable_defaults else DEFAULT_COLLECTORS
    if defaults and are_threads_forced(Root()):  # the probe is of the running kernel, always
        defaults |= ON_WHERE_THREADS_ARE_FORCED
    return frozenset(
        name for name in COLLECTORS if (name in defaults if named[name] is None else named[name])
    )
