"""A View as one JSON object on one line. docs/json.md says what each key is."""

import json
from dataclasses import asdict
from datetime import datetime, timedelta, timezone

from irqwatch.collectors import BY_NAME
from irqwatch.model.snapshot import Worst
from irqwatch.model.view import Caused, CpuView, Source, View

SCHEMA = 1

Json = dict[str, object]


def to_json(view: View) -> str:
    """One line, without its newline; keys and sources in an order that does not change."""
    return json.dumps(_view(view), allow_nan=False, separators=(",", ":"))


def _view(view: View) -> Json:
    host = view.host
    return {
        "schema": SCHEMA,
        "time": _time(view.wall_ns),
        "interval_s": view.interval_s,
        "host": {"hostname": host.hostname, "kernel": host.kernel, "boot_id": host.boot_id},
        "collectors": sorted(view.collectors),
        "coverage": view.coverage,
        "coverage_by": dict(sorted(view.coverage_by.items())),
        "losses": dict(sorted(view.losses.items())),
        "unavailable": [{"part": lack.part, "reason": lack.reason} for lack in view.unavailable],
        "behind": dict(view.behind),
        "cpus": [_cpu(cpu) for cpu in view.cpus],
        "sources": [_source(source, view) for source in view.sources],
        "uncaused": [_caused(part) for part in view.uncaused],
    }


def _source(source: Source, view: View) -> Json:
    made: Json = {
        "kind": source.kind,
        "name": source.name,
        "count": source.count,
        "seconds": source.seconds,
        "rate": source.rate,
        "share": source.share,
        "p50_s": source.p50_s,
        "p99_s": source.p99_s,
        "max_s": source.max_s,
        "latency_p99_s": source.latency_p99_s,
        "cpus": {str(cpu): part.count for cpu, part in source.cpus.items()},
        "cpu_seconds": {str(cpu): part.seconds for cpu, part in source.cpus.items()},
    }
    for key in BY_NAME[source.kind].keys:
        value = getattr(source, key.name)
        if value is None and key.is_left_out:
            continue
        if isinstance(value, Worst):
            made[key.name] = _worst(value, view)
        elif isinstance(value, tuple):
            made[key.name] = [
                _caused(part) if isinstance(part, Caused) else asdict(part) for part in value
            ]
        else:
            made[key.name] = value
    return made


def _caused(part: Caused) -> Json:
    return {
        "kind": part.kind,
        "name": part.name,
        "workqueue": part.workqueue,
        "via": part.via or None,
        "count": part.count,
        "seconds": part.seconds,
        "cpus": {str(cpu): on.count for cpu, on in part.cpus.items()},
        "cpu_seconds": {str(cpu): on.seconds for cpu, on in part.cpus.items()},
    }


def _worst(worst: Worst, view: View) -> Json:
    return {
        "seconds": worst.ns / 1e9,
        "time": _time(view.wall_ns - (view.monotonic_ns - worst.at_ns)),
        "cpu": worst.cpu,
        "pid": worst.pid,
        "comm": worst.comm,
    }


def _cpu(cpu: CpuView) -> Json:
    return {
        "cpu": cpu.cpu,
        "hardirq": cpu.hardirq,
        "softirq": cpu.softirq,
        "user": cpu.user,
        "system": cpu.system,
        "idle": cpu.idle,
        "steal": cpu.steal,
        "timed_by": cpu.timed_by,
        "vector": cpu.vector,
        "rest": cpu.rest,
    }


def _time(wall_ns: int) -> str:
    """RFC 3339 in UTC, to the microsecond."""
    moment = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(microseconds=wall_ns // 1000)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
