"""Runs in a guest: the probe loads with every collector, and its counts are the kernel's own.

Prints one line of JSON; exits 1 with the reason where something does not hold.
"""

import contextlib
import json
import mmap
import os
import platform
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from irqwatch.base.blind import counted
from irqwatch.collectors import BY_NAME, COLLECTORS
from irqwatch.model.snapshot import NEVER, Probe, Snapshot
from irqwatch.source.live import LiveSource
from irqwatch.source.root import Root
from irqwatch.source.stimuli import STIMULI, give
from tests.live.kernel import interrupt_counts, softirq_count, wait_for
from tests.live.load import send_udp_packets
from tests.unit.probe.sums import check_causes

PACKETS = 3000
PAGES = 500
TRIES = 10


def net_rx(snapshot: Snapshot) -> int:
    assert snapshot.probe
    return sum(s.run.count for s in snapshot.probe.parts["softirqs"] if s.vector == "NET_RX")


def hardirqs(snapshot: Snapshot) -> dict[int, int]:
    assert snapshot.probe
    counts: dict[int, int] = {}
    for one in snapshot.probe.parts["hardirqs"]:
        counts[one.irq] = counts.get(one.irq, 0) + one.handled.count + one.not_mine_count
    return counts


def check_softirqs(source: LiveSource) -> int:
    for _ in range(TRIES):
        counted, seen = softirq_count("NET_RX"), net_rx(source.sample())
        send_udp_packets(PACKETS)
        seen, counted = net_rx(source.sample()) - seen, softirq_count("NET_RX") - counted
        if seen == counted:
            return seen
    raise SystemExit(f"NET_RX: saw {seen} of {counted}")


def check_hardirqs(source: LiveSource) -> int:
    """Lines of one action, over an interval in which files are read from the host."""
    for _ in range(TRIES):
        counted, seen = interrupt_counts(), hardirqs(source.sample())
        for path in sorted(Path("/usr/lib/python3/dist-packages/bcc").glob("*.py")):
            path.read_bytes()
        after_seen, after_counted = hardirqs(source.sample()), interrupt_counts()
        deltas = {irq: after_counted[irq] - counted.get(irq, 0) for irq in after_counted}
        wrong = {
            irq: (after_seen.get(irq, 0) - seen.get(irq, 0), delta)
            for irq, delta in deltas.items()
            if after_seen.get(irq, 0) - seen.get(irq, 0) != delta
        }
        if not wrong:
            return sum(deltas.values())
    raise SystemExit(f"hard interrupts seen and counted, by line: {wrong}")


def works_run(source: LiveSource) -> list[str]:
    probe = source.sample().probe
    assert probe
    return sorted(work.function for work in probe.parts["works"] if work.run.count)


def check_programs(source: LiveSource) -> dict[str, int]:
    """What this one does to itself: signals, system calls, page faults."""
    before = source.sample().probe
    for _ in range(PAGES):
        os.kill(os.getpid(), signal.SIGURG)  # ignored by default
    pages = mmap.mmap(-1, PAGES * mmap.PAGESIZE)
    with contextlib.suppress(OSError):  # a kernel without huge pages does not know the word
        pages.madvise(mmap.MADV_NOHUGEPAGE)
    for page in range(PAGES):
        pages[page * mmap.PAGESIZE] = 1
    after = source.sample().probe
    assert before and after
    made = {
        "signals": signals(after) - signals(before),
        "calls of kill": kills(after) - kills(before),
        "page faults": faults(after) - faults(before),
    }
    if min(made.values()) < PAGES:
        raise SystemExit(f"of {PAGES} each, saw {made}")
    return made


def check_timers_and_polls(probe: Probe) -> dict[str, int]:
    """Since it was attached, with the packets of check_softirqs()."""
    timers = sum(part.latency.count + part.early_count for part in probe.parts["timers"])
    packets = sum(part.packet_count for part in probe.parts["napis"] if part.device == "backlog")
    if not timers or packets < PACKETS:
        raise SystemExit(f"saw {timers} timers, {packets} packets over loopback")
    return {"timers": timers, "packets polled": packets}


def signals(probe: Probe) -> int:
    return sum(part.generated_count for part in probe.parts["signals"] if part.signal == "SIGURG")


def kills(probe: Probe) -> int:
    return sum(part.run.count for part in probe.parts["syscalls"] if part.syscall == "kill")


def faults(probe: Probe) -> int:
    own = [process for process in probe.parts["faulting"] if process.pid == os.getpid()]
    return own[0].user_count if own else 0


def check_collectors(snapshot: Snapshot) -> None:
    """All are there but those whose tracepoints the kernel has not."""
    lacking = {lack.part: lack.reason for lack in snapshot.unavailable}
    for name in sorted(set(COLLECTORS) - (snapshot.probe.collectors if snapshot.probe else set())):
        if "this kernel has no tracepoint" not in lacking.get(name, ""):
            raise SystemExit(f"{name} is not there: {lacking}")


def by_collector(snapshot: Snapshot) -> dict[str, int | str]:
    """What each has counted since it was attached; why it is not there."""
    assert snapshot.probe
    lacking = {lack.part: lack.reason for lack in snapshot.unavailable}
    return {
        name: sum(counted(BY_NAME[name], snapshot.probe).values())
        if name in snapshot.probe.collectors
        else lacking[name]
        for name in COLLECTORS
    }


def causes_add_up(source: LiveSource) -> bool:
    """The maps are read one after the other."""
    probe = source.sample().probe
    assert probe
    try:
        check_causes(probe)
    except AssertionError as error:
        print(f"do not add up: {error}", file=sys.stderr)
        return False
    return True


def time_on_cpu_is_known(source: LiveSource) -> bool:
    """Of every run of work, unless one ended as the maps were read."""
    probe = source.sample().probe
    assert probe
    for work in probe.parts["works"]:
        for cpu, runs in work.cpus.items():
            on_cpu = work.on_cpu.get(cpu, NEVER)
            if on_cpu.count != runs.count or on_cpu.ns > runs.ns:
                return False
    return True


def check_vectors(probe: Probe) -> dict[str, int]:
    """By name; and that softirqs were raised in them."""
    counts: dict[str, int] = {}
    for part in probe.parts["vectors"]:
        counts[part.vector] = counts.get(part.vector, 0) + part.run.count
    if not counts.get("local_timer") or not any(part.softirqs for part in probe.parts["vectors"]):
        raise SystemExit(f"saw the vectors {counts} and {probe.parts['vectors']}")
    return counts


def main() -> None:
    with LiveSource(Root(), COLLECTORS) as source:
        check_collectors(source.sample())
        packets, interrupts = check_softirqs(source), check_hardirqs(source)
        programs = check_programs(source)
        give(STIMULI)
        wait_for(lambda: len(works_run(source)) >= 3, "three work functions", 60)
        wait_for(lambda: causes_add_up(source), "causes that add up", 60)
        wait_for(lambda: time_on_cpu_is_known(source), "the time of work on a CPU", 60)
        last = source.sample()
        assert last.probe
        print(
            json.dumps(
                {
                    "kernel": platform.release(),
                    "cpus": len(last.topology.online),
                    "nodes": len({cpu.node for cpu in last.topology.cpus.values()}),
                    "net_rx": packets,
                    "interrupts": interrupts,
                    "works": works_run(source),
                    "vectors": check_vectors(last.probe),
                    "collectors": by_collector(last),
                    **programs,
                    **check_timers_and_polls(last.probe),
                    "losses": {
                        f"{collector}.{reason}": count
                        for collector, reasons in last.probe.losses.items()
                        for reason, count in reasons.items()
                        if count
                    },
                }
            ),
            flush=True,
        )


if __name__ == "__main__":
    main()
