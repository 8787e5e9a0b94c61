"""What ``serve`` says of itself: a line each, to stderr."""

import contextlib
import json
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Literal

import click

from irqwatch import clock

Level = Literal["info", "warn", "error"]
Format = Literal["plain", "logfmt", "json"]

LEVELS: tuple[Level, ...] = ("info", "warn", "error")


def formatted(form: Format, level: Level, message: str, wall_ns: int) -> str:
    """The line, without its end."""
    if form == "plain":
        return f"irqwatch: {message}"
    at = datetime.fromtimestamp(wall_ns / 1e9, timezone.utc)
    fields = {
        "ts": f"{at:%Y-%m-%dT%H:%M:%S}.{wall_ns // 10**6 % 1000:03}Z",
        "level": level,
        "msg": message,
    }
    if form == "json":
        return json.dumps(fields)
    # What JSON escapes in a string, logfmt does too.
    return " ".join(
        f"{name}={json.dumps(value) if name == 'msg' else value}" for name, value in fields.items()
    )


class Log:
    """Says what is of ``level`` and above."""

    def __init__(
        self, level: Level, form: Format, wall_ns: Callable[[], int] = clock.wall_ns
    ) -> None:
        self._level = level
        self._form = form
        self._wall_ns = wall_ns

    def info(self, message: str) -> None:
        self._say("info", message)

    def warn(self, message: str) -> None:
        self._say("warn", message)

    def _say(self, level: Level, message: str) -> None:
        if LEVELS.index(level) < LEVELS.index(self._level):
            return
        with contextlib.suppress(OSError):  # a full disk is no reason not to export
            click.echo(formatted(self._form, level, message, self._wall_ns()), err=True)
