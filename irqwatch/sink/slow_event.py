"""Single events as lines, for people and for scripts. docs/json.md says what each key is."""

import json
from datetime import datetime, timedelta, timezone, tzinfo

from irqwatch.cells import cut, left, seconds, width_of
from irqwatch.model.slow_event import SlowEvent

SCHEMA = 1

NARROWEST_WHAT = 38
WIDEST_WHAT = 100
NARROWEST_NAME = 12
OVER_WIDTH = 24
WAITING_WIDTH = 20
FIXED_WIDTH = 15 + 1 + 3 + 1 + 7 + 2 + 1 + OVER_WIDTH + 1 + WAITING_WIDTH  # all but WHAT


def what_width(columns: int) -> int:
    """How wide WHAT is on a terminal of so many columns."""
    return max(NARROWEST_WHAT, min(columns - FIXED_WIDTH, WIDEST_WHAT))


def header(width: int) -> str:
    """``width`` is that of WHAT."""
    return f"{'TIME':15} {'CPU':>3} {'TOOK':>7}  {'WHAT':{width}} {'OVER':{OVER_WIDTH}} WAITING"


def to_json(event: SlowEvent) -> str:
    """One line, without its newline."""
    moment = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(
        microseconds=event.wall_ns // 1000
    )
    return json.dumps(
        {
            "schema": SCHEMA,
            "time": moment.isoformat(timespec="microseconds").replace("+00:00", "Z"),
            "cpu": event.cpu,
            "kind": event.kind,
            "name": event.name,
            "seconds": event.ns / 1e9,
            "irq": event.irq,
            "cause": event.cause or None,
            "device": event.device or None,
            "workqueue": event.workqueue or None,
            "pid": event.pid,
            "comm": event.comm,
            "interrupted": event.interrupted or None,
            "waiting": list(event.waiting),
            "waited_seconds": event.waited_ns / 1e9 if event.waiting else None,
        },
        separators=(",", ":"),
    )


def to_line(event: SlowEvent, zone: tzinfo | None, width: int) -> str:
    """Under ``header(width)``."""
    at = datetime.fromtimestamp(event.wall_ns / 1e9, zone).time().isoformat("microseconds")
    return (
        f"{at:15} {event.cpu:>3} {seconds(event.ns / 1e9):>7}  {left(_what(event, width), width)} "
        f"{left(_over(event), OVER_WIDTH)} {_waiting(event)}"
    ).rstrip()


def _what(event: SlowEvent, width: int) -> str:
    """The name gives way first: what caused it comes after."""
    number = f" {event.irq}" if event.is_interrupt and event.irq is not None else ""
    queue = f" ({event.workqueue})" if event.workqueue else ""
    caused = event.cause and not event.is_interrupt
    line = f"{event.irq} " if event.irq is not None else ""
    after = f" <- {line}{event.cause}" if caused else ""
    before = f"{event.kind}{number} "
    room = width - width_of(before + queue + after)
    return f"{before}{cut(event.name, max(room, NARROWEST_NAME))}{queue}{after}"


def _over(event: SlowEvent) -> str:
    task = f"{event.comm}[{event.pid}]" if event.pid else "idle"
    return f"{event.interrupted} in {task}" if event.interrupted else task


def _waiting(event: SlowEvent) -> str:
    return f"{' '.join(event.waiting)} {seconds(event.waited_ns / 1e9)}" if event.waiting else ""
