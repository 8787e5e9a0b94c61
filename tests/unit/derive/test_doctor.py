"""Every verdict of doctor, from made-up facts."""

from dataclasses import replace

import pytest

from irqwatch.derive import doctor
from irqwatch.model.doctor import TRACEPOINTS, Trial
from tests.unit.doctor_facts import HEALTHY

LOADED = Trial(frozenset({"hardirq", "softirq", "work"}))


def finding(facts, name, trial=LOADED):
    (found,) = [f for f in doctor.examine(facts, trial).findings if f.name == name]
    return found


def test_a_healthy_host_has_nothing_to_mend():
    diagnosis = doctor.examine(HEALTHY, LOADED)

    assert {f.verdict for f in diagnosis.findings} == {"ok"}
    assert [f.mend for f in diagnosis.findings if f.mend] == []
    assert diagnosis.verbs == {
        "top": "times hardirq, softirq, work; counts interrupts and softirqs",
        "serve": "times hardirq, softirq, work; counts interrupts and softirqs",
        "trace": "lists single events",
        "explain": "what it is, where it runs, what it costs",
        "advise": "weighs by time",
        "record": "times hardirq, softirq, work; counts interrupts and softirqs",
    }


# A change to the healthy host, the finding it shows in, its verdict, words of the detail, the mend.
SICK = [
    ({"kernel": "5.4.0-150-generic"}, "kernel", "missing", "before 6.1", "and reboot"),
    ({"kernel": "6.0.19"}, "kernel", "missing", "panics with panic_on_warn", "and reboot"),
    ({"kernel": "6.1.0-18-amd64"}, "kernel", "ok", "6.1.0-18-amd64", None),
    ({"kernel": "6.0.19", "may_load_bpf": False}, "privilege", "note", "this kernel", None),
    ({"kernel": "mainline"}, "kernel", "note", "cannot be read", None),
    ({"tracepoints": None}, "kernel types", "missing", "/sys/kernel/btf/vmlinux", "and reboot"),
    ({"tracepoints": None}, "tracepoints", "note", "not known", None),
    (
        {"tracepoints": frozenset(TRACEPOINTS) - {"softirq_raise"}},
        "tracepoints",
        "missing",
        "no softirq_raise",
        "and reboot",
    ),
    (
        {"is_root": False, "may_load_bpf": False},
        "privilege",
        "missing",
        "not root",
        "sudo /opt/irqwatch/bin/irqwatch top",
    ),
    ({"may_load_bpf": False}, "privilege", "missing", "root without CAP_BPF", None),
    (
        {"may_load_bpf": False, "container": "docker"},
        "privilege",
        "missing",
        "root without CAP_BPF",
        "--cap-add BPF --cap-add PERFMON",
    ),
    ({"in_user_namespace": True}, "privilege", "missing", "user namespace", "outside"),
    ({"lockdown": "confidentiality"}, "lockdown", "missing", "no program", "lockdown=integrity"),
    ({"lockdown": "integrity"}, "lockdown", "ok", "integrity", None),
    ({"lockdown": None}, "lockdown", "ok", "not in this kernel", None),
    (
        {"bcc_version": None, "bcc_error": "No module named 'bcc'"},
        "bcc",
        "missing",
        "/usr/bin/python3: No module named 'bcc'",
        "apt-get install python3-bpfcc",
    ),
    ({"libbpf": None}, "libbpf", "missing", "libbpf.so.1", "apt-get install libbpf1"),
    (
        {"files": {"/proc/interrupts": "empty", "/proc/softirqs": "ok"}},
        "interrupts",
        "missing",
        "masked",
        "--path.procfs /host/proc",
    ),
    (
        {"files": {"/proc/interrupts": "ok", "/proc/softirqs": "denied"}},
        "softirqs",
        "missing",
        "may not be read",
        None,
    ),
    ({"files": {}}, "softirqs", "missing", "is not there", None),
    ({"container": "podman"}, "container", "note", "podman", None),
    ({"irqbalance_pid": 812}, "irqbalance", "note", "pid 812", None),
    ({"irq_time_accounting": False}, "irq accounting", "note", "does not time", None),
    ({"irq_time_accounting": None}, "irq accounting", "note", "not known", None),
    ({"has_terminal": False}, "terminal", "note", "plain frames", None),
]


@pytest.mark.parametrize(("change", "name", "verdict", "words", "mend"), SICK)
def test_what_is_wrong_is_said_and_mended(change, name, verdict, words, mend):
    found = finding(replace(HEALTHY, **change), name)

    assert found.verdict == verdict
    assert words in found.detail
    if mend is None:
        assert found.mend is None
    else:
        assert found.mend is not None
        assert mend in found.mend


def test_the_capabilities_are_enough_without_root():
    capable = replace(HEALTHY, is_root=False)

    assert finding(capable, "privilege").detail == "CAP_BPF and CAP_PERFMON"
    assert doctor.lacking_for_probe(capable) == ()


def test_a_probe_that_was_not_tried_says_for_want_of_what():
    facts = replace(HEALTHY, bcc_version=None, lockdown="confidentiality")

    found = finding(facts, "probe", trial=None)

    assert (found.verdict, found.detail) == ("missing", "not tried, for want of: lockdown, bcc")


def test_a_probe_that_was_refused_says_why():
    trial = Trial(frozenset({"hardirq"}), {"work": "no pool_workqueue.wq", "softirq": "-EPERM"})

    found = finding(HEALTHY, "probe", trial)

    assert found.verdict == "missing"
    assert found.detail == "softirq: -EPERM; work: no pool_workqueue.wq"


MASKED = {"/proc/interrupts": "empty", "/proc/softirqs": "empty"}


@pytest.mark.parametrize(
    ("change", "trial", "does"),
    [
        ({}, None, "counts interrupts and softirqs, no times"),
        ({"files": {"/proc/softirqs": "ok"}}, None, "counts softirqs, no times"),
        ({"files": MASKED}, None, "CPU times only"),
        ({"files": MASKED}, Trial(frozenset({"work"})), "times work"),
        ({}, Trial(refused={"probe": "-EPERM"}), "counts interrupts and softirqs, no times"),
    ],
)
def test_what_the_verbs_can_do_where_not_all_is_here(change, trial, does):
    assert doctor.examine(replace(HEALTHY, **change), trial).verbs["serve"] == does


def test_top_without_a_terminal_prints_plain_frames():
    verbs = doctor.examine(replace(HEALTHY, has_terminal=False), LOADED).verbs

    assert verbs["top"] == verbs["serve"] + " (plain frames)"


@pytest.mark.parametrize(
    ("release", "version"),
    [
        ("6.18.44-cloud-amd64", (6, 18)),
        ("5.14.0-362.8.1.el9_3.x86_64", (5, 14)),
        ("6.12-rc1", (6, 12)),
        ("", None),
        ("next", None),
    ],
)
def test_kernel_version(release, version):
    assert doctor.kernel_version(release) == version
