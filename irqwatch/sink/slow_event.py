"""Single events as lines, for people and for scripts. docs/json.md says what each key is."""

import json
from datetime import datetime, timedelta, timezone, tzinfo

from irqwatch.cells import seconds
from irqwatch.model.slow_event import SlowEvent

SCHEMA = 1

HEADER = f"{'TIME':15} {'CPU':>3} {'TOOK':>7}  {'WHAT':38} {'OVER':24} WAITING"


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


def to_line(event: SlowEvent, zone: tzinfo | None) -> str:
    """Under ``HEADER``; not cut."""
    at = datetime.fromtimestamp(event.wall_ns / 1e9, zone).time().isoformat("microseconds")
    return (
        f"{at:15} {event.cpu:>3} {seconds(event.ns / 1e9):>7}  {_what(event):38} {_over(event):24} "
        f"{_waiting(event)}"
    ).rstrip()


def _what(event: SlowEvent) -> str:
    number = f" {event.irq}" if event.kind == "hardirq" else ""
    queue = f" ({event.workqueue})" if event.workqueue else ""
    caused = event.cause and event.kind not in ("hardirq", "vector")
    line = f"{event.irq} " if event.irq is not None else ""
    after = f" <- {line}{event.cause}" if caused else ""
    return f"{event.kind}{number} {event.name}{queue}{after}"


def _over(event: SlowEvent) -> str:
    task = f"{event.comm}[{event.pid}]" if event.pid else "idle"
    return f"{event.interrupted} in {task}" if event.interrupted else task


def _waiting(event: SlowEvent) -> str:
    return f"{' '.join(event.waiting)} {seconds(event.waited_ns / 1e9)}" if event.waiting else ""
