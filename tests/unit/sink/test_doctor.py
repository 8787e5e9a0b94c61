"""How a diagnosis is shown."""

import json
from dataclasses import replace

from irqwatch.model.doctor import Diagnosis, Remark, Tried
from irqwatch.sink import doctor
from tests.unit.doctor_facts import HEALTHY

DIAGNOSIS = Diagnosis(
    (
        Remark("kernel", "ok", "6.12.6-amd64"),
        Remark("irq accounting", "note", "not known"),
        Remark("bcc", "missing", "No module named 'bcc'", "apt-get install python3-bpfcc"),
    ),
    (
        Tried("timer", "ok", "reads: latency 3", counted={"latency": 3}, lost={"unreadable": 1}),
        Tried("tasklet", "missing", "refused: no such tracepoint"),
    ),
    {"top": "counts interrupts", "explain": "how often"},
)

TEXT = """\
irqwatch 1.2.3 on Debian GNU/Linux 13 (trixie), Linux 6.12.6-amd64, x86_64

  kernel          ok       6.12.6-amd64
  irq accounting  note     not known
  bcc             missing  No module named 'bcc'
                           apt-get install python3-bpfcc

  timer           ok       reads: latency 3
  tasklet         missing  refused: no such tracepoint

  irqwatch top      counts interrupts
  irqwatch explain  how often
"""


def test_text():
    assert doctor.to_text(HEALTHY, DIAGNOSIS, "1.2.3", colour=False) == TEXT


def test_text_without_collectors_has_no_gap():
    text = doctor.to_text(HEALTHY, replace(DIAGNOSIS, collectors=()), "1", colour=False)

    assert "\n\n\n" not in text


def test_colour_changes_no_other_character():
    coloured = doctor.to_text(HEALTHY, DIAGNOSIS, "1.2.3", colour=True)

    assert "\033[31mmissing\033[m" in coloured
    for code in ("\033[31m", "\033[32m", "\033[33m", "\033[m"):
        coloured = coloured.replace(code, "")
    assert coloured == TEXT


def test_json():
    assert json.loads(doctor.to_json(HEALTHY, DIAGNOSIS, "1.2.3")) == {
        "schema": 1,
        "version": "1.2.3",
        "host": {
            "os": "Debian GNU/Linux 13 (trixie)",
            "kernel": "6.12.6-amd64",
            "machine": "x86_64",
        },
        "findings": [
            {"name": "kernel", "verdict": "ok", "detail": "6.12.6-amd64", "mend": None},
            {"name": "irq accounting", "verdict": "note", "detail": "not known", "mend": None},
            {
                "name": "bcc",
                "verdict": "missing",
                "detail": "No module named 'bcc'",
                "mend": "apt-get install python3-bpfcc",
            },
        ],
        "collectors": [
            {
                "name": "timer",
                "verdict": "ok",
                "detail": "reads: latency 3",
                "mend": None,
                "counted": {"latency": 3},
                "lost": {"unreadable": 1},
            },
            {
                "name": "tasklet",
                "verdict": "missing",
                "detail": "refused: no such tracepoint",
                "mend": None,
                "counted": None,
                "lost": None,
            },
        ],
        "verbs": {"top": "counts interrupts", "explain": "how often"},
    }
