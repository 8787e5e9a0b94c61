"""Judges a host's facts: what is here, what is missing, what each verb can do. Pure.

Each check takes the facts and gives one finding; NEEDED are those without which there is no probe.
"""

from collections.abc import Callable, Collection, Mapping

from irqwatch.base import blind
from irqwatch.base.collector import Collector
from irqwatch.collectors import BY_NAME, COLLECTORS, without_blind
from irqwatch.derive import mend
from irqwatch.model.doctor import (
    WHY_NOT_OLDER,
    Diagnosis,
    HostFacts,
    Remark,
    Trial,
    Tried,
    Verdict,
    is_too_old,
    kernel_version,
)
from irqwatch.model.snapshot import Probe

Check = Callable[[HostFacts], Remark]


def check_kernel(facts: HostFacts) -> Remark:
    if kernel_version(facts.kernel) is None:
        return Remark("kernel", "note", f"{facts.kernel}: a version that cannot be read")
    if is_too_old(facts.kernel):
        detail = f"{facts.kernel} is too old for the probe: {WHY_NOT_OLDER}"
        return Remark("kernel", "missing", detail, mend.install_kernel(facts.os_ids))
    return Remark("kernel", "ok", facts.kernel)


def check_btf(facts: HostFacts) -> Remark:
    if facts.untraced is None:
        detail = "no /sys/kernel/btf/vmlinux: the probe learns the kernel's structures from it"
        return Remark("kernel types", "missing", detail, mend.install_kernel(facts.os_ids))
    return Remark("kernel types", "ok", "/sys/kernel/btf/vmlinux")


def check_tracepoints(facts: HostFacts) -> Remark:
    """Each collector has some; without any of them there is no probe."""
    if facts.untraced is None:
        return Remark("tracepoints", "note", "not known without the kernel's types")
    if not facts.untraced:
        return Remark("tracepoints", "ok", f"those of all {len(COLLECTORS)} collectors")
    without = "; ".join(f"{name}: {why}" for name, why in sorted(facts.untraced.items()))
    if all(name in facts.untraced for name in COLLECTORS if BY_NAME[name].probed.hooks):
        return Remark("tracepoints", "missing", without, mend.install_kernel(facts.os_ids))
    return Remark("tracepoints", "note", without)


def check_privilege(facts: HostFacts) -> Remark:
    if is_too_old(facts.kernel):  # where may_load_bpf is False whoever asks
        return Remark("privilege", "note", "of no use with this kernel")
    if not facts.may_load_bpf and not facts.is_root:
        detail = "not root: loading the probe needs CAP_BPF and CAP_PERFMON"
        return Remark("privilege", "missing", detail, f"sudo {facts.command} top")
    if not facts.may_load_bpf:
        detail = "root without CAP_BPF and CAP_PERFMON"
        advice = "docker run --cap-add BPF --cap-add PERFMON …" if facts.container else None
        return Remark("privilege", "missing", detail, advice)
    if facts.in_user_namespace:
        detail = "in a user namespace, whose capabilities do not reach BPF"
        return Remark("privilege", "missing", detail, "run it outside, as the host's root")
    return Remark("privilege", "ok", "root" if facts.is_root else "CAP_BPF and CAP_PERFMON")


def check_lockdown(facts: HostFacts) -> Remark:
    if facts.lockdown == "confidentiality":
        detail = "confidentiality: the kernel lets no program read its memory"
        advice = "boot with lockdown=integrity on the kernel's command line"
        return Remark("lockdown", "missing", detail, advice)
    return Remark("lockdown", "ok", facts.lockdown or "not in this kernel")


def check_bcc(facts: HostFacts) -> Remark:
    if facts.bcc_version is not None:
        return Remark("bcc", "ok", f"{facts.bcc_version} in {facts.interpreter}")
    command = mend.install(facts.os_ids, mend.BCC, "install bcc with its Python 3 bindings")
    return Remark("bcc", "missing", f"{facts.interpreter}: {facts.bcc_error}", command)


def check_libbpf(facts: HostFacts) -> Remark:
    if facts.libbpf is not None:
        return Remark("libbpf", "ok", facts.libbpf)
    command = mend.install(facts.os_ids, mend.LIBBPF, "install libbpf")
    return Remark("libbpf", "missing", "libbpf.so.1 cannot be loaded", command)


def check_file(facts: HostFacts, part: str, name: str) -> Remark:
    file = facts.files[part]
    if not file.lack:
        return Remark(name, "ok", file.path)
    if file.has_any:
        return Remark(name, "note", f"{file.path}: {file.lack}")
    advice = f"docker run -v /proc:/host/proc:ro … {facts.command} top --path.procfs /host/proc"
    return Remark(name, "missing", file.lack, advice if facts.container else None)


def check_interrupts(facts: HostFacts) -> Remark:
    return check_file(facts, "interrupts", "interrupts")


def check_softirqs(facts: HostFacts) -> Remark:
    return check_file(facts, "softirqs", "softirqs")


def check_cpu_times(facts: HostFacts) -> Remark:
    return check_file(facts, "cpu_times", "cpu times")


def check_container(facts: HostFacts) -> Remark:
    if facts.container is None:
        return Remark("container", "ok", "not in one")
    detail = f"{facts.container}: interrupts shown are those of the whole host"
    return Remark("container", "note", detail)


def check_irqbalance(facts: HostFacts) -> Remark:
    if facts.irqbalance_pid is None:
        return Remark("irqbalance", "ok", "not running: interrupts stay where they are put")
    detail = f"running (pid {facts.irqbalance_pid}): it moves interrupts between CPUs"
    return Remark("irqbalance", "note", detail)


def check_accounting(facts: HostFacts) -> Remark:
    """Without it /proc/stat charges interrupt time by the tick, most of it to whoever was hit."""
    name = "irq accounting"
    if facts.irq_time_accounting is None:
        return Remark(name, "note", "not known whether /proc/stat times interrupts")
    if facts.irq_time_accounting:
        return Remark(name, "ok", "/proc/stat times interrupts too")
    detail = "no CONFIG_IRQ_TIME_ACCOUNTING: /proc/stat does not time interrupts"
    return Remark(name, "note", detail)


def check_terminal(facts: HostFacts) -> Remark:
    if facts.has_terminal:
        return Remark("terminal", "ok", "top shows its screen")
    return Remark("terminal", "note", "none here: top prints plain frames")


def tried(trial: Trial | None) -> tuple[Tried, ...]:
    """What came of each collector; nothing where there was no probe to have any."""
    if trial is None or trial.snapshot.probe is None:
        return ()
    probe, seeing = trial.snapshot.probe, without_blind(trial.snapshot)
    reasons = {lack.part: lack.reason for lack in seeing.unavailable}
    found = []
    for name in COLLECTORS:
        if name not in probe.collectors:
            detail = f"refused: {reasons.get(name, 'no reason was given')}"
            found.append(Tried(name, "missing", detail))
        else:
            found.append(_loaded(BY_NAME[name], probe, reasons.get(name), trial.given))
    return tuple(found)


def _loaded(
    collector: Collector, probe: Probe, why_blind: str | None, given: Collection[str]
) -> Tried:
    """A collector that is running, and blind where there is a reason."""
    read, unread = blind.counted(collector, probe), blind.lost(collector, probe)
    verdict: Verdict = "missing"
    if why_blind:
        detail = f"{why_blind} ({sum(unread.values())})"
    elif read:
        verdict, detail = "ok", f"reads: {_numbers(collector, read)}"
    elif collector.stimulus in given:
        detail = f"loaded, but read nothing of what it was given: {collector.stimulus}"
    else:
        verdict, detail = "note", "loaded; nothing came that it could see"
    return Tried(collector.name, verdict, detail, counted=read, lost=unread)


def _numbers(collector: Collector, read: Mapping[str, int]) -> str:
    """What was timed, which is what a collector is for; where nothing was, what was counted."""
    timed = {name for part in collector.parts for name in part.timed} & read.keys()
    shown = [(name, n) for name, n in read.items() if not timed or name in timed]
    return ", ".join(f"{_word(name)} {n}" for name, n in shown)


def _word(field: str) -> str:
    return "events" if field == "cpus" else field.removesuffix("_count")  # a count by CPU


def check_trial(facts: HostFacts, trial: Trial | None) -> Remark:
    """The proof of all that is needed: the probe loaded, given something to see, and unloaded."""
    if trial is None:
        lacking = ", ".join(finding.name for finding in lacking_for_probe(facts))
        return Remark("probe", "missing", f"not tried, for want of: {lacking}")
    if trial.snapshot.probe is None:
        reasons = [lack.reason for lack in trial.snapshot.unavailable if lack.part == "probe"]
        return Remark("probe", "missing", "; ".join(reasons))
    verdicts = [one.verdict for one in tried(trial)]
    saw, idle = verdicts.count("ok"), verdicts.count("note")
    detail = f"{saw} of {len(COLLECTORS)} collectors saw events"
    if idle:
        detail += f", {idle} loaded with nothing to see"
    return Remark("probe", "ok" if saw or idle else "missing", detail)


def working(trial: Trial | None) -> list[str]:
    """The collectors of which nothing is missing."""
    return [one.name for one in tried(trial) if one.verdict != "missing"]


NEEDED: tuple[Check, ...] = (
    check_kernel,
    check_btf,
    check_tracepoints,
    check_privilege,
    check_lockdown,
    check_bcc,
    check_libbpf,
)

USEFUL: tuple[Check, ...] = (
    check_interrupts,
    check_softirqs,
    check_cpu_times,
    check_container,
    check_irqbalance,
    check_accounting,
    check_terminal,
)


def lacking_for_probe(facts: HostFacts) -> tuple[Remark, ...]:
    """What keeps the probe from being loaded; nothing where it can be tried."""
    return tuple(finding for check in NEEDED if (finding := check(facts)).verdict == "missing")


def verbs(facts: HostFacts, trial: Trial | None) -> dict[str, str]:
    """What each verb can do here, in words."""
    timed = sorted(trial.on.intersection(working(trial))) if trial else []
    counted = [
        finding.name
        for finding in (check_interrupts(facts), check_softirqs(facts))
        if finding.verdict != "missing"
    ]
    parts = []
    if timed:
        parts.append(f"times {', '.join(timed)}")
    if counted:
        parts.append(f"counts {' and '.join(counted)}")
    has_cpu_times = check_cpu_times(facts).verdict != "missing"
    rest = "CPU times only" if has_cpu_times else "nothing: /proc is hidden"
    does = "; ".join(parts) if timed else f"{parts[0]}, no times" if parts else rest
    screen = "" if facts.has_terminal else " (plain frames)"
    interrupts = "hardirq" in timed
    are_hidden = check_interrupts(facts).verdict == "missing"
    of_lines = "nothing: it needs /proc/interrupts" if are_hidden else ""
    return {
        "top": does + screen,
        "serve": does,
        "trace": "lists single events" if timed else "nothing: it needs the probe",
        "explain": of_lines
        or "what it is, where it runs, " + ("what it costs" if interrupts else "how often"),
        "advise": of_lines or ("weighs by time" if interrupts else "weighs by counts: a guess"),
        "record": does,
    }


def examine(facts: HostFacts, trial: Trial | None) -> Diagnosis:
    """``trial`` is None where something needed is missing and the probe was not tried."""
    findings = [check(facts) for check in NEEDED]
    findings.append(check_trial(facts, trial))
    findings += [check(facts) for check in USEFUL]
    return Diagnosis(tuple(findings), tried(trial), verbs(facts, trial))
