"""A Plan as one JSON document. docs/json.md says what each key is."""

import json
from datetime import datetime, timezone

from irqwatch.model.plan import SCHEMA, CpuLoad, Finding, Immovable, Move, Plan

Json = dict[str, object]

DIGITS = 6  # of a share: a microsecond a second


def to_json(plan: Plan) -> str:
    """Indented; keys in an order that does not change."""
    return json.dumps(_plan(plan), allow_nan=False, indent=2) + "\n"


def _plan(plan: Plan) -> Json:
    host = plan.host
    moment = datetime.fromtimestamp(plan.wall_ns // 10**9, timezone.utc)
    return {
        "schema": SCHEMA,
        "time": moment.isoformat().replace("+00:00", "Z"),
        "host": {"hostname": host.hostname, "kernel": host.kernel, "boot_id": host.boot_id},
        "goal": plan.goal,
        "windows": plan.windows,
        "window_s": round(plan.window_s, DIGITS),
        "weighed_by": plan.weighed_by,
        "verdict": plan.verdict,
        "change": plan.change,
        "busiest_now": round(plan.busiest_now, DIGITS),
        "busiest_planned": round(plan.busiest_planned, DIGITS),
        "spread": round(plan.spread, DIGITS),
        "lower_bound": round(plan.lower_bound, DIGITS),
        "gap": round(plan.gap, DIGITS),
        "exact": plan.exact,
        "cpus": [_cpu(load) for load in plan.loads],
        "moves": [_move(move) for move in plan.moves],
        "immovable": [_immovable(one) for one in plan.immovable],
        "left_out": [_immovable(one) for one in plan.left_out],
        "findings": [_finding(finding) for finding in plan.findings],
        "thresholds": dict(sorted(plan.thresholds.items())),
        "unavailable": [{"part": lack.part, "reason": lack.reason} for lack in plan.unavailable],
    }


def _cpu(load: CpuLoad) -> Json:
    return {
        "cpu": load.cpu,
        "now": round(load.now, DIGITS),
        "planned": round(load.planned, DIGITS),
        "spread": round(load.spread, DIGITS),
        "eligible": load.eligible,
    }


def _move(move: Move) -> Json:
    return {
        "irq": move.line.irq,
        "device": move.line.device,
        "actions": list(move.line.actions),
        "from": sorted(move.effective),
        "to": sorted(move.to),
        "requested": sorted(move.requested),
        "load": round(move.load, DIGITS),
        "reason": move.reason,
    }


def _immovable(one: Immovable) -> Json:
    return {
        "irq": one.line.irq,
        "device": one.line.device,
        "actions": list(one.line.actions),
        "cpus": sorted(one.effective),
        "load": round(one.load, DIGITS),
        "reason": one.reason,
    }


def _finding(finding: Finding) -> Json:
    return {
        "id": finding.id,
        "number": finding.number,
        "title": finding.title,
        "severity": finding.severity,
        "confidence": finding.confidence,
        "evidence": finding.evidence,
        "why": finding.why,
        "advice": list(finding.advice),
        "not_when": finding.not_when,
        "undo": list(finding.undo),
        "irqs": list(finding.irqs),
        "cpus": list(finding.cpus),
        "device": finding.device,
    }
