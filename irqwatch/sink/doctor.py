"""What doctor found, as text for a person and as JSON for a script."""

import json
from collections.abc import Iterator
from dataclasses import asdict

from irqwatch.model.doctor import Diagnosis, HostFacts, Remark

SCHEMA = 1

# SGR codes: green, red, yellow.
COLOURS = {"ok": "32", "missing": "31", "note": "33"}


def to_text(facts: HostFacts, diagnosis: Diagnosis, version: str, *, colour: bool) -> str:
    """A line a finding, its mend below it, then the collectors in the same way, and at the end what
    each verb can do."""
    width = max(len(finding.name) for finding in (*diagnosis.findings, *diagnosis.collectors))
    lines = [f"irqwatch {version} on {facts.os_name}, Linux {facts.kernel}, {facts.machine}", ""]
    for findings in (diagnosis.findings, diagnosis.collectors):
        for finding in findings:
            lines += _finding(finding, width, colour=colour)
        lines += [""] if findings else []
    verb_width = max(map(len, diagnosis.verbs))
    lines += [f"  irqwatch {verb:{verb_width}}  {does}" for verb, does in diagnosis.verbs.items()]
    return "\n".join(lines) + "\n"


def _finding(finding: Remark, name_width: int, *, colour: bool) -> Iterator[str]:
    verdict_width = max(map(len, COLOURS))
    verdict = finding.verdict.ljust(verdict_width)
    if colour:
        verdict = f"\033[{COLOURS[finding.verdict]}m{verdict}\033[m"
    yield f"  {finding.name.ljust(name_width)}  {verdict}  {finding.detail}"
    if finding.mend:
        yield " " * (name_width + verdict_width + 6) + finding.mend


def to_json(facts: HostFacts, diagnosis: Diagnosis, version: str) -> str:
    """One object; docs/json.md says what each key is."""
    document = {
        "schema": SCHEMA,
        "version": version,
        "host": {"os": facts.os_name, "kernel": facts.kernel, "machine": facts.machine},
        "findings": [asdict(finding) for finding in diagnosis.findings],
        "collectors": [asdict(tried) for tried in diagnosis.collectors],
        "verbs": dict(diagnosis.verbs),
    }
    return json.dumps(document, indent=2) + "\n"
