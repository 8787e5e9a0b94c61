"""A Plan as one JSON document. docs/json.md says what each key is."""

import json
from datetime import datetime, timezone

from irqwatch.model.plan import SCHEMA, CpuLoad, Finding, Immovable, Move, Plan
from irqwatch.sink.advise import words
from irqwatch.sink.advise.commands import typed
from irqwatch.sink.advise.figures import DIGITS, figures

Json = dict[str, object]


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
        "verdict": words.verdict(plan),
        "verdict_figures": figures(plan.verdict),
        "change": plan.change,
        "busiest_now": _figure(plan.busiest_now),
        "busiest_planned": _figure(plan.busiest_planned),
        "spread": _figure(plan.spread),
        "lower_bound": _figure(plan.lower_bound),
        "gap": _figure(plan.gap),
        "exact": plan.exact,
        "cpus": [_cpu(load) for load in plan.loads],
        "moves": [_move(move, plan.weighed_by) for move in plan.moves],
        "immovable": [_immovable(one) for one in plan.immovable],
        "left_out": [_immovable(one) for one in plan.left_out],
        "behind": dict(plan.behind),
        "findings": [_finding(finding, plan.weighed_by) for finding in plan.findings],
        "thresholds": dict(sorted(plan.thresholds.items())),
        "unavailable": [{"part": lack.part, "reason": lack.reason} for lack in plan.unavailable],
    }


def _figure(value: float | None) -> float | None:
    return None if value is None else round(value, DIGITS)


def _cpu(load: CpuLoad) -> Json:
    return {
        "cpu": load.cpu,
        "now": round(load.now, DIGITS),
        "planned": round(load.planned, DIGITS),
        "spread": round(load.spread, DIGITS),
        "eligible": load.eligible,
    }


def _move(move: Move, weighed_by: str) -> Json:
    return {
        "irq": move.line.irq,
        "device": move.line.device,
        "actions": list(move.line.actions),
        "from": sorted(move.effective),
        "to": sorted(move.to),
        "requested": sorted(move.requested),
        "load": round(move.load, DIGITS),
        "reason": words.reason(move, weighed_by),
        "reason_figures": figures(move.reason),
    }


def _immovable(one: Immovable) -> Json:
    return {
        "irq": one.line.irq,
        "device": one.line.device,
        "actions": list(one.line.actions),
        "cpus": sorted(one.effective),
        "load": round(one.load, DIGITS),
        "reason": words.stays(one),
        "reason_figures": figures(one.reason),
    }


def _finding(finding: Finding, weighed_by: str) -> Json:
    return {
        "id": finding.id,
        "number": finding.number,
        "title": finding.title,
        "severity": finding.severity,
        "confidence": finding.confidence,
        "evidence": words.evidence(finding.evidence, weighed_by),
        "evidence_figures": figures(finding.evidence),
        "why": finding.why,
        "advice": [typed(action) for action in finding.advice],
        "advice_figures": [figures(action) for action in finding.advice],
        "not_when": finding.not_when,
        "undo": [typed(action) for action in finding.undo],
        "undo_figures": [figures(action) for action in finding.undo],
        "irqs": list(finding.irqs),
        "cpus": list(finding.cpus),
        "device": finding.device,
    }
