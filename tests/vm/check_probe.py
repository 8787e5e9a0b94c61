"""Runs in a guest: the probe loads with every collector, and its counts are the kernel's own.

check_probe.py FOLDER [no-oracle]: writes result.json, and for the oracle recorded.pickle, there.
What the kernel counts itself is read from its trace (tests/vm/bracket.py), and of what this process
does to itself it is known. Exits 1 with the reason where something is beside that.
"""

import contextlib
import functools
import json
import mmap
import os
import pickle
import platform
import resource
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from irqwatch.base.blind import lost
from irqwatch.collectors import BY_NAME, COLLECTORS
from irqwatch.model.snapshot import SOFTIRQ_VECTORS, Probe
from irqwatch.source import bpf_syscalls, loader
from irqwatch.source.probe import ProbeReader
from tests.e2e.serving import serving
from tests.events import X86_VECTORS
from tests.live import load, test_oracle
from tests.live.recording import Seen
from tests.oracle import functions
from tests.oracle.ring_buffer import RingBuffer
from tests.vm import check_threads, kernel_log
from tests.vm.bracket import Counts, Traced, Window, between
from tests.vm.sums import Sums

PACKETS = 3000
TIMES = 1000
MEGABYTES_PER_CPU = 16
READINGS = 6  # at each end
BARRIER = "ipi_mb"  # what membarrier() has other CPUs run

Keys = Counter[Hashable]


class Check(NamedTuple):
    """Of a collector: what is counted, which events of the trace are that, what the probe has of
    it, and how many there must be for the check to say anything."""

    collector: str
    what: str
    events: tuple[str, ...]
    key: Callable[[Seen], Hashable | None]
    seen: Callable[[Probe], Keys]
    least: int = TIMES


def line(seen: Seen) -> Hashable:
    return seen.fields["irq"]


def lines(probe: Probe) -> Keys:
    found: Keys = Counter()
    for part in probe.parts["hardirqs"]:
        found[part.irq] += part.handled.count + part.not_mine_count
    return found


def softirq(seen: Seen) -> Hashable:
    return SOFTIRQ_VECTORS[int(seen.fields["vec"])]


def softirqs(probe: Probe) -> Keys:
    found: Keys = Counter()
    for part in probe.parts["softirqs"]:
        found[part.vector] += part.run.count
    return found


def vector(seen: Seen) -> Hashable:
    return seen.name.removesuffix("_exit")


def vectors(probe: Probe) -> Keys:
    found: Keys = Counter()
    for part in probe.parts["vectors"]:
        found["ipi" if part.nested else part.vector] += part.run.count
    return found


def works(probe: Probe) -> Keys:
    return Counter({"": sum(part.run.count for part in probe.parts["works"])})


def timers(probe: Probe) -> Keys:
    return Counter(
        {"": sum(part.latency.count + part.early_count for part in probe.parts["timers"])}
    )


def tasklets(probe: Probe) -> Keys:
    return Counter({"": sum(part.run.count for part in probe.parts["tasklets"])})


def device(seen: Seen) -> Hashable:
    name = seen.fields["dev_name"]
    return "backlog" if name == "(no_device)" else name


def polls(probe: Probe) -> Keys:
    found: Keys = Counter()
    for part in probe.parts["napis"]:
        found[part.device] += part.poll_count
    return found


def taken_from_me(seen: Seen) -> Hashable | None:
    if seen.pid != os.getpid():
        return None
    return softirq(seen) if "vec" in seen.fields else line(seen)


def taken(probe: Probe) -> Keys:
    found: Keys = Counter()
    for part in probe.parts["blames"]:
        if part.pid == os.getpid() and part.kind != "vector":
            found[part.name if part.kind == "softirq" else part.irq] += part.taken.count
    return found


@functools.cache
def symbols() -> Mapping[int, str]:
    return functions.read_symbols(functions.KALLSYMS)


def barrier(seen: Seen) -> Hashable | None:
    called = symbols().get(int(seen.fields["func"]))
    return called if called == BARRIER and seen.fields["csd"] else None


def barriers(probe: Probe) -> Keys:
    found: Keys = Counter()
    for part in probe.parts["ipi_asked"]:
        if part.function == BARRIER:
            found[BARRIER] += part.run.count
    return found


def all_alike(seen: Seen) -> Hashable:
    del seen
    return ""


VECTORS = tuple(f"irq_vectors/{name}_exit" for name in X86_VECTORS)

CHECKS = (
    Check("hardirq", "handlers", ("irq/irq_handler_exit",), line, lines, least=100),
    Check("softirq", "softirqs", ("irq/softirq_exit",), softirq, softirqs),
    Check("vector", "vectors", (*VECTORS, "ipi/ipi_exit"), vector, vectors),
    Check("work", "work items", ("workqueue/workqueue_execute_end",), all_alike, works, least=100),
    Check("timer", "timers", ("timer/hrtimer_expire_entry",), all_alike, timers),
    Check("tasklet", "tasklets", ("irq/tasklet_exit",), all_alike, tasklets, least=100),
    Check("napi", "polls", ("napi/napi_poll",), device, polls, least=100),
    Check(
        "blame",
        "softirqs and handlers in this process",
        ("irq/softirq_exit", "irq/irq_handler_exit"),
        taken_from_me,
        taken,
        least=100,
    ),
    Check("ipi", "barriers", ("csd/csd_function_exit",), barrier, barriers, least=100),
)
STARTS_OF_WORK = "workqueue/workqueue_execute_start"

# Of collectors that are checked by what this process does to itself: what that is.
OWN = {"signal": "signals", "syscall": "calls", "exception": "page faults"}


@dataclass
class Own:
    """What this process did to itself since, as it knows it or the kernel says."""

    done: Keys = field(default_factory=Counter)

    def signals(self) -> None:
        for _ in range(TIMES):
            os.kill(os.getpid(), signal.SIGURG)  # ignored by default
        self.done["signal"] += TIMES

    def calls(self) -> None:
        for _ in range(TIMES):
            os.sched_rr_get_interval(0)
        self.done["syscall"] += TIMES

    def faults(self) -> None:
        with mmap.mmap(-1, TIMES * mmap.PAGESIZE) as pages:
            with contextlib.suppress(OSError):  # a kernel without huge pages
                pages.madvise(mmap.MADV_NOHUGEPAGE)
            before = faults_of_mine()
            for page in range(TIMES):
                pages[page * mmap.PAGESIZE] = 1
            self.done["exception"] += faults_of_mine() - before


def faults_of_mine() -> int:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_minflt + usage.ru_majflt


def seen_of_own(probe: Probe) -> Keys:
    """Faults of this process are its own, however many beside those of the load."""
    found: Keys = Counter()
    for part in probe.parts.get("signals", ()):
        if part.signal == "SIGURG":
            found["signal"] += part.generated_count
    for part in probe.parts.get("syscalls", ()):
        if part.syscall == "sched_rr_get_interval":
            found["syscall"] += part.run.count
    for part in probe.parts.get("faulting", ()):
        if part.pid == os.getpid():
            found["exception"] += part.user_count
    return found


def read_files() -> None:
    """From the host: each is a few interrupts."""
    for path in sorted(Path("/usr/lib/python3/dist-packages").rglob("*.py"))[:150]:
        path.read_bytes()


def sleep_shortly() -> None:
    for _ in range(TIMES):
        time.sleep(0.0005)


def write_files() -> None:
    """Work items of the block layer and the file system."""
    with tempfile.TemporaryDirectory() as folder:
        for index in range(30):
            with Path(folder, str(index % 4)).open("wb") as file:
                file.write(os.urandom(1 << 14))
                file.flush()
                os.fsync(file.fileno())


def in_a_child(do: Callable[[], object]) -> None:
    """What has threads of its own: the trace tells threads apart, the probe processes."""
    child = os.fork()
    if not child:
        try:
            do()
        finally:
            os._exit(0)
    os.waitpid(child, 0)


def give_all(own: Own) -> None:
    load.send_udp_packets(PACKETS)
    read_files()
    sleep_shortly()
    write_files()
    load.make_network_namespaces(3)
    if len(os.sched_getaffinity(0)) > 1:
        in_a_child(lambda: load.call_another_cpu(TIMES))
    if load.CONSOLE.exists():
        with contextlib.suppress(OSError):
            load.set_keyboard_lights(300)
    own.signals()
    own.calls()
    own.faults()


class Read(NamedTuple):
    window: Window
    probe: Probe


def read(reader: ProbeReader) -> Read:
    before_ns = time.monotonic_ns()
    captured = reader.capture()
    after_ns = time.monotonic_ns()
    return Read(Window(before_ns, after_ns), reader.read(captured))


def read_often(reader: ProbeReader) -> Iterator[Read]:
    for _ in range(READINGS):
        time.sleep(0.05)
        yield read(reader)


class Made(NamedTuple):
    """All that one load gave."""

    starts: list[Read]
    ends: list[Read]
    first: list[Seen]
    second: list[Seen]
    own: Own


def say(what: str) -> None:
    """To the guest's console, for who waits."""
    print(f"{time.monotonic():.0f} s: {what}", flush=True)


def make(reader_of: Callable[[], ProbeReader]) -> Made:
    """The order in which the buffers and the probe are attached is that of tests/vm/bracket.py."""
    events = sorted({name for check in CHECKS for name in check.events} | {STARTS_OF_WORK})
    own = Own()
    with (
        RingBuffer("first", MEGABYTES_PER_CPU, events) as first,
        RingBuffer("second", MEGABYTES_PER_CPU, events) as second,
    ):
        first.enable()
        reader = reader_of()
        say("attached")
        second.enable()
        first.start()
        second.start()
        starts = list(read_often(reader))
        give_all(own)
        say("loads are over")
        ends = list(read_often(reader))
        second.stop()
        first.stop()
        return Made(starts, ends, seen_in(first), seen_in(second), own)


def seen_in(buffer: RingBuffer) -> list[Seen]:
    return [
        Seen(time_ns, cpu, pid, name, fields)
        for cpu, raws in buffer.raws()
        for time_ns, pid, name, fields in raws
    ]


def without_ends_alone(events: Iterable[Seen]) -> list[Seen]:
    """Of work only what began since: an end that has no start is nothing to the probe either."""
    running: set[int | str] = set()
    found = []
    for seen in sorted(events, key=lambda seen: seen.time_ns):
        if seen.name == "workqueue_execute_start":
            running.add(seen.fields["work"])
        elif seen.name == "workqueue_execute_end":
            if seen.fields["work"] not in running:
                continue
            running.discard(seen.fields["work"])
        found.append(seen)
    return found


def counts_of(check: Check, made: Made) -> dict[Hashable, Counts]:
    names = {name.partition("/")[2] for name in check.events}

    def traced(events: Iterable[Seen]) -> Iterator[Traced]:
        for seen in events:
            if seen.name in names and (key := check.key(seen)) is not None:
                yield Traced(seen.time_ns, seen.cpu, key)

    start, end = made.starts[-1], made.ends[0]
    seen = check.seen(end.probe)
    seen.subtract(check.seen(start.probe))
    return between(start.window, end.window, traced(made.first), traced(made.second), seen)


def told(check: Check, made: Made) -> dict[str, Any]:
    """For the table; ``wrong`` is what the test must not find."""
    counts = counts_of(check, made)
    seen = sum(one.seen for one in counts.values())
    wrong = {str(key): one for key, one in counts.items() if not one.are_right}
    return {
        "what": check.what,
        "least": sum(one.least for one in counts.values()),
        "seen": seen,
        "most": sum(one.most for one in counts.values()),
        "wrong": wrong,
        "is_enough": seen >= check.least,
    }


def told_of_own(made: Made) -> dict[str, dict[str, Any]]:
    """What a process does to itself is not counted elsewhere: all of it, and of faults no fewer."""
    seen = seen_of_own(made.ends[0].probe)
    seen.subtract(seen_of_own(made.starts[-1].probe))
    found = {}
    for name, what in OWN.items():
        done = made.own.done[name]
        # It faults elsewhere too, for which the kernel's own count brackets no reading.
        most = None if name == "exception" else done
        is_right = done <= seen[name] and most in (None, seen[name])
        found[name] = {
            "what": what,
            "least": done,
            "seen": seen[name],
            "most": most,
            "wrong": {} if is_right else {name: (done, seen[name], most)},
            "is_enough": seen[name] >= TIMES,
        }
    return found


def collectors(made: Made, unavailable: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    last = made.ends[-1].probe
    found: dict[str, dict[str, Any]] = {name: {"why_not": why} for name, why in unavailable.items()}
    ready = without_ends_alone(made.first), without_ends_alone(made.second)
    made = made._replace(first=ready[0], second=ready[1])
    for check in CHECKS:
        if check.collector in last.collectors:
            found[check.collector] = told(check, made)
    for name, one in told_of_own(made).items():
        if name in last.collectors:
            found[name] = one
    for name in sorted(last.collectors - found.keys()):
        counts = [read.probe for read in (made.starts[-1], made.ends[0])]
        found[name] = {"what": "", "attached": bool(counts)}
    for name in last.collectors:
        found[name]["lost"] = lost(BY_NAME[name], last)
    return found


def serve() -> dict[str, Any]:
    """What a server keeps once it listens, and whether it still can read what was timed."""
    with serving() as server:
        load.send_udp_packets(100)
        text = server.get()
        status = Path(f"/proc/{server.process.pid}/status").read_text().splitlines()
        rows = dict(row.split(":\t", 1) for row in status if ":\t" in row)
        return {
            "said": server.said.strip(),
            "uid": int(rows["Uid"].split()[0]),
            **{name: int(rows[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd")},
            "no_new_privileges": rows["NoNewPrivs"].strip(),
            "is_timed": "irqwatch_softirq_duration_seconds_bucket" in text,
        }


OF_DEVICES = (
    (lambda: load.read_hwrng(1), lambda: load.read_hwrng(200)),
    (lambda: load.read_disk(1), lambda: load.read_disk(200)),
)


def can(do: Callable[[], object]) -> bool:
    try:
        do()
    except OSError:
        return False
    return True


def record_for_the_oracle(folder: Path) -> None:
    """Its whole load is for a real CPU; this is a small part of each."""
    small = [
        lambda: load.send_udp_packets(PACKETS),
        sleep_shortly,
        write_files,
        lambda: load.make_network_namespaces(3),
    ]
    # A root without the kernel's modules has neither a disk nor that device.
    small += [more for one, more in OF_DEVICES if can(one)]
    with (folder / "recorded.pickle").open("wb") as file:
        pickle.dump(test_oracle.record(small, MEGABYTES_PER_CPU), file)


def time_of_work(probe: Probe) -> dict[str, int]:
    """Of all runs: from start to end, and on a CPU."""
    works = probe.parts.get("works", ())
    return {
        "wall": sum(runs.ns for work in works for runs in work.cpus.values()),
        "on_cpu": sum(runs.ns for work in works for runs in work.on_cpu.values()),
    }


def main(folder: Path, options: Sequence[str]) -> None:
    possible = tuple(range(bpf_syscalls.possible_cpus()))
    kernel_log.begin()
    lacks: dict[str, str] = {}
    readers: list[ProbeReader] = []

    def attach() -> ProbeReader:
        loaded, unavailable = loader.load(COLLECTORS, loader.sizes(256, possible))
        lacks.update(unavailable)
        readers.append(ProbeReader(loaded, possible))
        return readers[0]

    made = make(attach)
    sums = Sums()
    for one in (*made.starts, *made.ends):
        sums.add(one.probe)
    readers[0].close()
    result: dict[str, Any] = {
        "release": platform.release(),
        "machine": platform.machine(),
        "cpus": os.cpu_count(),
        "nodes": len(list(Path("/sys/devices/system/node").glob("node[0-9]*"))),
        "collectors": collectors(made, lacks),
        "sums": sums.told(),
        "work_ns": time_of_work(made.ends[-1].probe),
        # Runs that the kernel skipped: what those programs did not see.
        "misses": {p.name: p.recursion_misses for p in made.ends[-1].probe.programs},
    }
    say("counts are compared")
    if check_threads.are_forced():
        told = result["threads"] = check_threads.measure()
        counts = dict.fromkeys(("least", "seen", "most"), told["waits"])
        result["collectors"]["thread"] |= {**counts, "what": "waits of threads"}
    if "no-oracle" not in options:
        record_for_the_oracle(folder)
        say("recorded for the oracle")
    result["serve"] = serve()
    result["log"] = kernel_log.warnings()
    (folder / "result.json").write_text(json.dumps(result))
    print(json.dumps(result, indent=1), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
