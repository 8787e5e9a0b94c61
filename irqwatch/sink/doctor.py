"""What doctor found, as text for a person and as JSON for a script."""

import json
from dataclasses import asdict

from irqwatch.model.doctor import Diagnosis, Facts

SCHEMA = 1

# SGR codes: green, red, yellow.
COLOURS = {"ok": "32", "missing": "31", "note": "33"}


def to_text(facts: Facts, diagnosis: Diagnosis, version: str, *, colour: bool) -> str:
    """A line a finding, its mend below it, and at the end what each verb can do."""
    name_width = max(len(finding.name) for finding in diagnosis.findings)
    verdict_width = max(map(len, COLOURS))
    indent = " " * (name_width + verdict_width + 6)
    lines = [f"irqwatch {version} on {facts.os_name}, Linux {facts.kernel}, {facts.machine}", ""]
    for finding in diagnosis.findings:
        verdict = finding.verdict.ljust(verdict_width)
        if colour:
            verdict = f"\033[{COLOURS[finding.verdict]}m{verdict}\033[m"
        lines.append(f"  {finding.name.ljust(name_width)}  {verdict}  {finding.detail}")
        if finding.mend:
            lines.append(f"{indent}{finding.mend}")
    lines.append("")
    lines += [f"  irqwatch {verb.ljust(6)} {does}" for verb, does in diagnosis.verbs.items()]
    return "\n".join(lines) + "\n"


def to_json(facts: Facts, diagnosis: Diagnosis, version: str) -> str:
    """``{"schema", "version", "host": {"os", "kernel", "machine"}, "findings": [{"name",
    "verdict", "detail", "mend"}], "verbs": {…}}``; mend is null where there is nothing to do."""
    document = {
        "schema": SCHEMA,
        "version": version,
        "host": {"os": facts.os_name, "kernel": facts.kernel, "machine": facts.machine},
        "findings": [asdict(finding) for finding in diagnosis.findings],
        "verbs": dict(diagnosis.verbs),
    }
    return json.dumps(document, indent=2) + "\n"
