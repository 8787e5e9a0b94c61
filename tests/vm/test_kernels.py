"""The probe under other kernels, on four CPUs. A boot takes a few minutes; each row of the table
can be run alone (``-k 5.10-rt``)."""

import json
import pickle
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from irqwatch.collectors import BY_NAME, COLLECTORS
from irqwatch.source.capabilities import CAP_BPF
from tests.live import test_oracle
from tests.oracle import queues
from tests.oracle.compare import Row
from tests.vm import guest, kernel_table, rows
from tests.vm.kernels import KERNELS, ONLY_READ, lacking
from tests.vm.packages import PackageError

CHECK = Path("tests", "vm", "check_probe.py")
CPUS = 4
DISK_BYTES = 64 << 20
LIMIT_SECONDS = 900

# A disk of its own to read past the page cache, and files to write there.
SCRIPT = """\
#!/bin/sh
modprobe virtio_blk
modprobe ext4
modprobe virtio_rng
mkdir /tmp/disk
mount /dev/vda /tmp/disk && export TMPDIR=/tmp/disk
exec {command} 2>&1
"""


def run(name: str, folder: Path) -> dict[str, Any]:
    """What the guest found, and what the oracle says to it. Raises GuestError, PackageError."""
    script, disk = folder / "run.sh", folder / "disk"
    python, tree = guest.python(name)
    command = [python, "-B", str(tree / CHECK), str(guest.inside(name, folder))]
    script.write_text(SCRIPT.format(command=shlex.join(command)))
    script.chmod(0o755)
    guest.make_disk(disk, DISK_BYTES)
    guest.run(
        name,
        script,
        cpus=CPUS,
        disk=disk,
        devices=["-device", "virtio-rng-pci"],
        timeout_seconds=LIMIT_SECONDS,
    )
    result: dict[str, Any] = json.loads((folder / "result.json").read_text())
    with (folder / "recorded.pickle").open("rb") as file:
        recorded = without_unnamed_queues(pickle.load(file))
    result["oracle"] = judged(test_oracle.evaluate(recorded)) | {"misses": recorded.misses}
    return result


def without_unnamed_queues(recorded: test_oracle.Recorded) -> test_oracle.Recorded:
    if queues.are_named(recorded.first):
        return recorded
    return recorded._replace(
        first=queues.events_without(recorded.first),
        second=queues.events_without(recorded.second),
        readings=[queues.reading_without(reading) for reading in recorded.readings],
    )


def judged(found: test_oracle.Result) -> dict[str, Any]:
    """The largest differences of all that were compared; ``outside`` are values that no bounds
    explain, quantiles are in buckets."""
    compared = [row for row in found.rows if row.events]
    many = [row for row in compared if row.events >= test_oracle.EVENTS_FOR_QUANTILES]
    return {
        "series": len(compared),
        "events": sum(row.events for row in compared),
        "count": max(
            (abs(row.count_difference) for row in compared if not row.is_equal), default=0
        ),
        "outside": max((row.outside for row in compared), default=0),
        "p50": max((abs(row.p50_difference) for row in many), default=0),
        "p99": max((abs(row.p99_difference) for row in many), default=0),
        "sums_wrong": sum(not row.sum_is_possible for row in compared if not is_on_cpu(row)),
        "on_cpu_off_us": max((off_us(row) for row in compared if is_on_cpu(row)), default=0),
        "worsts": found.worsts_checked,
        "worsts_wrong": found.wrong_worsts,
        "busy": len(found.busy),
    }


def is_on_cpu(row: Row) -> bool:
    """A sum of time on a CPU. The scheduler's clock is read a little before a switch is traced: by
    less than is allowed for it on a real CPU (tests/oracle/bounds.py), by what the host takes from
    it on an emulated one. So these are told and not judged."""
    return row.series[-1] == "on_cpu" or (row.series[0] == "cause" and row.series[3] == "work")


def off_us(row: Row) -> float:
    return max(row.low_ns - row.sum_ns, row.sum_ns - row.high_ns, 0) / 1000


def may_keep(release: str) -> set[int]:
    """Sets of capabilities: below Linux 5.19 maps are read with CAP_BPF only, where the host does
    not let everyone use BPF (kernel.unprivileged_bpf_disabled)."""
    major, minor = map(int, release.split(".")[:2])
    return {0} if (major, minor) >= (5, 19) else {0, 1 << CAP_BPF}


def skipped(collector: str, misses: Mapping[str, int | None]) -> int:
    """Runs of the programs that the collector sees by. Since Linux 7.0 (commit a46023d5616e) a task
    can be preempted inside a tracepoint on PREEMPT_RT, and the kernel skips a program that another
    task of the CPU is in (__bpf_trace_run(), kernel/trace/bpf_trace.c). It counts each."""
    seen_by = (collector, *BY_NAME[collector].probed.needs)
    programs = {hook.program for one in seen_by for hook in BY_NAME[one].probed.hooks}
    return sum(misses.get(program) or 0 for program in programs)


def beyond(
    wrong: Mapping[str, tuple[int, int, int | None]], skipped: int
) -> Mapping[str, tuple[int, int, int | None]]:
    """Those, unless all that they lack is what the kernel skipped."""
    lacking = sum(least - seen for least, seen, _ in wrong.values() if seen < least)
    is_all = all(seen < least for least, seen, _ in wrong.values())
    return {} if is_all and lacking <= skipped else wrong


def wrong(name: str, result: Mapping[str, Any]) -> Iterator[str]:
    """All that must not be."""
    if (result["cpus"], result["nodes"]) != (CPUS, KERNELS[name].nodes):
        yield f"{result['cpus']} CPUs, {result['nodes']} nodes"
    for collector in COLLECTORS:
        told = result["collectors"][collector]
        if "why_not" in told:
            if collector not in lacking(name):
                yield f"{collector}: {told['why_not']}"
            continue
        if differences := beyond(told.get("wrong", {}), skipped(collector, result["misses"])):
            yield f"{collector}: at least, seen, at most: {differences}"
        if not told.get("is_enough", True) and BY_NAME[collector].stimulus:
            yield f"{collector}: only {told['seen']} {told['what']}"
    yield from result["sums"]["wrong"]
    # How exact it is, an emulated CPU does not tell; a field of the scheduler that is read wrongly
    # gives nothing, or more than there was.
    if not 0 < result["work_ns"]["on_cpu"] <= result["work_ns"]["wall"]:
        yield f"time of work: {result['work_ns']}"
    oracle = result["oracle"]
    # Quantiles are told, not judged: the second buffer costs an emulated CPU as much as an event
    # takes, so that the bounds are wider than a bucket. That no value is outside of them holds.
    # A run that was skipped leaves its softirq or work item out of sums and of what was worst.
    is_whole = not oracle["misses"]
    is_off = is_whole and (oracle["sums_wrong"] or oracle["worsts_wrong"])
    if is_off or max(oracle["count"], oracle["outside"]) > oracle["misses"]:
        yield f"oracle: {oracle}"
    serve = result["serve"]
    kept = {serve[name] for name in ("CapInh", "CapPrm", "CapEff")}
    if not serve["is_timed"] or serve["uid"] == 0 or not kept <= may_keep(result["release"]):
        yield f"serve: {serve}"
    yield from result["log"]


@pytest.mark.parametrize("kernel", [name for name in KERNELS if name not in ONLY_READ])
def test_probe_counts_what_the_kernel_counts(kernel: str, tmp_path: Path) -> None:
    try:
        result = run(kernel, tmp_path)
    except (guest.GuestError, PackageError) as error:
        rows.keep(kernel_table.TABLE, kernel, {"error": str(error)[-300:]})
        raise
    found = list(wrong(kernel, result))
    rows.keep(kernel_table.TABLE, kernel, {**result, "wrong": found})
    assert found == []
