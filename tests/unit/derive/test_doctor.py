"""Every verdict of doctor, from made-up facts."""

from dataclasses import replace

import pytest

from irqwatch.collectors import BY_NAME, COLLECTORS, DEFAULT_COLLECTORS
from irqwatch.collectors.napi import NapiCount
from irqwatch.collectors.softirq import SoftirqTime
from irqwatch.collectors.timer import TimerTime
from irqwatch.derive import doctor
from irqwatch.model.doctor import FileRead, Trial
from irqwatch.model.histogram import Histogram
from irqwatch.model.snapshot import SCHEMA, Host, Probe, Snapshot, Unavailable
from irqwatch.model.topology import Cpu, Topology
from tests.unit.doctor_facts import FILES, HEALTHY, hidden

TIMERS = {"timers": (TimerTime(0, "hard", Histogram({9: 71}, 900), early_count=3),)}


def a_trial(collectors, *refused, parts=None, losses=None, given=(), on=DEFAULT_COLLECTORS):
    """``collectors`` None: there is no probe at all."""
    probe = None
    if collectors is not None:
        probe = Probe(frozenset(collectors), 1, parts or {}, losses or {})
    snapshot = Snapshot(
        SCHEMA,
        2,
        2,
        Host("here", "6.12", "boot"),
        topology=Topology({0: Cpu(0, True), 1: Cpu(1, True)}),
        probe=probe,
        unavailable=tuple(Unavailable(*each) for each in refused),
    )
    return Trial(snapshot, frozenset(given), frozenset(on))


LOADED = a_trial(["hardirq", "softirq", "work"], on=["hardirq", "softirq", "work"])


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
    ({"kernel": "5.4.0-150-generic"}, "kernel", "missing", "5.10 is the oldest", "and reboot"),
    ({"kernel": "5.9.16"}, "kernel", "missing", "5.10 is the oldest", "and reboot"),
    ({"kernel": "5.10.0-46-amd64"}, "kernel", "ok", "5.10.0-46-amd64", None),
    ({"kernel": "5.9.16", "may_load_bpf": False}, "privilege", "note", "this kernel", None),
    ({"kernel": "mainline"}, "kernel", "note", "cannot be read", None),
    ({"untraced": None}, "kernel types", "missing", "/sys/kernel/btf/vmlinux", "and reboot"),
    ({"untraced": None}, "tracepoints", "note", "not known", None),
    (
        {"untraced": {"tasklet": "this kernel has no tracepoint tasklet_entry"}},
        "tracepoints",
        "note",
        "tasklet: this kernel has no tracepoint tasklet_entry",
        None,
    ),
    (
        {"untraced": {n: "none" for n in COLLECTORS if BY_NAME[n].probed.hooks}},
        "tracepoints",
        "missing",
        "softirq: none",
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
        {"files": hidden("interrupts"), "container": "docker"},
        "interrupts",
        "missing",
        "/proc/interrupts is masked",
        "--path.procfs /host/proc",
    ),
    ({"files": hidden("softirqs")}, "softirqs", "missing", "/proc/softirqs is masked", None),
    ({"files": hidden("cpu_times")}, "cpu times", "missing", "/proc/stat is masked", None),
    (
        {"files": FILES | {"interrupts": FileRead("/proc/interrupts", True, "2 garbled rows")}},
        "interrupts",
        "note",
        "/proc/interrupts: 2 garbled rows",
        None,
    ),
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


def collector(name, trial):
    (found,) = [one for one in doctor.examine(HEALTHY, trial).collectors if one.name == name]
    return found


def test_every_collector_has_a_finding_in_the_order_of_the_registry():
    assert [one.name for one in doctor.tried(a_trial(COLLECTORS))] == list(COLLECTORS)


def test_a_collector_that_reads_says_how_many():
    parts = {"softirqs": (SoftirqTime("RCU", 0, Histogram({5: 20}, 9), Histogram({5: 12}, 9)),)}
    found = collector("softirq", a_trial(["softirq"], parts=parts, given=["packet"]))

    assert (found.verdict, found.detail) == ("ok", "reads: latency 20, run 12")
    assert (found.counted, found.lost) == ({"latency": 20, "run": 12}, {})


def test_a_collector_that_times_nothing_says_what_it_counted():
    parts = {"napis": (NapiCount("lo", 0, poll_count=3), NapiCount("lo", 1, poll_count=2))}

    assert collector("napi", a_trial(["napi"], parts=parts)).detail == "reads: poll 5"


def test_what_a_collector_that_reads_has_lost_is_no_fault():
    trial = a_trial(["timer"], parts=TIMERS, losses={"timer": {"unreadable": 652}})

    found = collector("timer", trial)

    assert (found.verdict, found.detail) == ("ok", "reads: latency 71")
    assert found.lost == {"unreadable": 652}


def test_one_that_was_refused_takes_nothing_from_the_others():
    reason = "this kernel has no tracepoint tasklet_entry"
    trial = a_trial(["timer"], ("tasklet", reason), parts=TIMERS, on=["timer", "tasklet"])

    refused = collector("tasklet", trial)
    probe = finding(HEALTHY, "probe", trial)

    assert (refused.verdict, refused.detail) == ("missing", f"refused: {reason}")
    assert (refused.counted, refused.lost) == (None, None)
    assert collector("timer", trial).verdict == "ok"
    assert (probe.verdict, probe.detail) == ("ok", f"1 of {len(COLLECTORS)} collectors saw events")
    assert doctor.verbs(HEALTHY, trial)["serve"].startswith("times timer; ")


def test_one_that_sees_events_and_reads_none_is_missing():
    losses = {"timer": {"unreadable": 652}, "softirq": {}}
    trial = a_trial(["timer", "softirq"], losses=losses, given=["timer"])

    blind = collector("timer", trial)

    assert blind.verdict == "missing"
    assert blind.detail == "sees events and reads none of them: unreadable (652)"
    assert (blind.counted, blind.lost) == ({}, {"unreadable": 652})
    assert doctor.verbs(HEALTHY, trial)["serve"].startswith("times softirq; ")


def test_where_all_are_blind_there_is_no_probe():
    trial = a_trial(["timer"], losses={"timer": {"unreadable": 652}})

    assert finding(HEALTHY, "probe", trial).verdict == "missing"
    assert doctor.verbs(HEALTHY, trial)["advise"] == "weighs by counts: a guess"


def test_one_that_reads_nothing_of_what_it_was_given_is_missing():
    found = collector("timer", a_trial(["timer"], given=["timer"]))

    assert found.verdict == "missing"
    assert found.detail == "loaded, but read nothing of what it was given: timer"


@pytest.mark.parametrize(("name", "given"), [("timer", []), ("tasklet", ["timer", "packet"])])
def test_one_that_was_given_nothing_is_not_judged(name, given):
    found = collector(name, a_trial([name], given=given))

    assert (found.verdict, found.detail) == ("note", "loaded; nothing came that it could see")


def test_where_nothing_loads_one_line_says_why():
    reason = "bcc cannot compile the probe: no clang"
    diagnosis = doctor.examine(HEALTHY, a_trial(None, ("probe", reason), ("timer", reason)))

    assert diagnosis.collectors == ()
    assert [f.detail for f in diagnosis.findings if f.name == "probe"] == [reason]
    assert diagnosis.verbs["trace"] == "nothing: it needs the probe"


def test_a_probe_that_was_not_tried_has_no_collectors():
    assert doctor.examine(HEALTHY, None).collectors == ()


@pytest.mark.parametrize(
    ("change", "trial", "does"),
    [
        ({}, None, "counts interrupts and softirqs, no times"),
        ({"files": hidden("interrupts")}, None, "counts softirqs, no times"),
        ({"files": hidden("interrupts", "softirqs")}, None, "CPU times only"),
        ({"files": hidden(*FILES)}, None, "nothing: /proc is hidden"),
        ({"files": hidden("interrupts", "softirqs")}, a_trial(["work"]), "times work"),
        ({}, a_trial(None, ("probe", "-EPERM")), "counts interrupts and softirqs, no times"),
    ],
)
def test_what_the_verbs_can_do_where_not_all_is_here(change, trial, does):
    assert doctor.examine(replace(HEALTHY, **change), trial).verbs["serve"] == does


def test_where_interrupts_are_hidden_no_verb_claims_to_tell_of_them():
    verbs = doctor.examine(replace(HEALTHY, files=hidden("interrupts")), LOADED).verbs

    assert verbs["explain"] == verbs["advise"] == "nothing: it needs /proc/interrupts"


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
