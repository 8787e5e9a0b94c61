"""Runs in a guest with three network cards and a disk: advise, apply, measure, undo.

All lines of the cards are forced onto CPU 0 and kept busy from CPU 3, which is isolated; the disk's
queues are managed by the kernel, and CPU 1 reads. Prints one line of JSON; exits 1 with the reason
where something does not hold.
"""

import contextlib
import json
import mmap
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.live.agent import IRQWATCH
from tests.live.kernel import interrupt_counts, wait_for
from tests.vm import cards

ISOLATED_CPU = 3
# In turn and evenly spread: lines that interrupt together share a run of their softirq, which is
# cheaper than one each, so that after a move they take more than before.
PINGS = [[1], [2], [3]]
PINGS_PER_SECOND = 1500
READING_CPU = 1
READS_PER_SECOND = 25
BLOCK_BYTES = 4096
LOAD_LIMIT_SECONDS = 900
PROBE_TRIES = 3
# What the plan is made of, and no more: a guest compiles slowly.
COLLECTORS = (
    "--collector.disable-defaults",
    "--collector.hardirq",
    "--collector.softirq",
    "--collector.napi",
)
MEASURE = ("--windows", "5", "--duration", "20", *COLLECTORS)


def read(irq: int, name: str) -> str:
    return Path(f"/proc/irq/{irq}/{name}").read_text().strip()


def read_blocks() -> None:
    """Evenly, past the page cache."""
    fd = os.open("/dev/vda", os.O_RDONLY | os.O_DIRECT)
    with mmap.mmap(-1, BLOCK_BYTES) as block:
        for _ in range(READS_PER_SECOND * LOAD_LIMIT_SECONDS):
            os.preadv(fd, [block], 0)
            time.sleep(1 / READS_PER_SECOND)


@contextlib.contextmanager
def running(cpu: int, work: Callable[[], None]) -> Iterator[None]:
    """``work`` in a process of its own on one CPU, killed at the end."""
    child = os.fork()
    if not child:
        os.sched_setaffinity(0, {cpu})
        work()
        os._exit(0)
    try:
        yield
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def irqwatch(*words: str) -> str:
    done = subprocess.run([IRQWATCH, "advise", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"advise {' '.join(words)}: {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout


def advise(*words: str) -> Any:
    return json.loads(irqwatch("--json", *MEASURE, *words))


def timed_advise() -> Any:
    """The first time, all of the compiler is read from the host, slowly: the probe may be late."""
    for _ in range(PROBE_TRIES):
        plan = advise()
        if plan["weighed_by"] == "time":
            return plan
    raise SystemExit(f"does not hold: timed: {plan['unavailable']}")


def check(holds: object, what: object) -> None:
    if not holds:
        raise SystemExit(f"does not hold: {what}")


def set_up() -> tuple[list[int], int]:
    """The lines of the cards that will be busy, and the disk's line of READING_CPU."""
    # Without interrupts of what was sent: they come together with those of what is received, and
    # apart the two cost more.
    for words in (("virtio_blk",), ("virtio_net", "napi_tx=0")):
        subprocess.run(["modprobe", *words], check=True)
    wait_for(Path("/dev/vda").exists, "the disk")
    found = [cards.lines(virtio) for virtio in cards.set_up(len(PINGS), cpu=0).values()]
    busy = [irq for lines in found for irq, name in lines.items() if "-input" in name]
    (disk,) = {path.resolve().name for path in Path("/sys/block/vda").glob("device")}
    managed = [
        irq for irq in cards.lines(disk) if read(irq, "smp_affinity_list") == str(READING_CPU)
    ]
    (line,) = managed
    return busy, line


def main() -> None:
    busy, managed = set_up()
    count = PINGS_PER_SECOND * LOAD_LIMIT_SECONDS
    pings = partial(cards.send_pings, PINGS, count, PINGS_PER_SECOND)
    with running(ISOLATED_CPU, pings), running(READING_CPU, read_blocks):
        before = interrupt_counts()
        wait_for(
            lambda: all(interrupt_counts()[irq] > before[irq] + 50 for irq in busy), "the load", 60
        )
        check({read(irq, "effective_affinity_list") for irq in busy} == {"0"}, "all on CPU 0")
        masks = {irq: read(irq, "smp_affinity_list") for irq in before}
        print(json.dumps(run(busy, managed, masks)), flush=True)


def run(busy: list[int], managed: int, masks: dict[int, str]) -> dict[str, Any]:
    plan = timed_advise()
    said = brief(plan)
    moved = {move["irq"]: move["to"] for move in plan["moves"]}
    check(len(set(busy) & moved.keys()) >= 2, said)
    check(not any(ISOLATED_CPU in cpus for cpus in moved.values()), said)
    check(managed not in moved, said)
    check(managed in {one["irq"] for one in plan["immovable"]}, said)

    applied = advise("--apply", "--yes")
    check(applied["kept"] and applied["weighed_by"] == "time", (said, applied))
    verdicts = {one["irq"]: one["verdict"] for one in applied["checked"]}
    check(all(verdicts[irq] == "ok" for irq in busy if irq in verdicts), (said, applied))
    places = {irq: read(irq, "effective_affinity_list") for irq in busy}
    check(len(set(places.values())) >= 2, (said, applied, places))
    check(str(ISOLATED_CPU) not in places.values(), (said, applied, places))

    irqwatch("--undo")
    after = {irq: read(irq, "smp_affinity_list") for irq in masks}
    check(after == masks, (said, applied, masks, after))
    return {"advise": said, "applied": applied, "managed": managed, "places": places}


def brief(plan: Any) -> dict[str, Any]:
    """What the test looks at."""
    keys = ("verdict", "weighed_by", "cpus", "unavailable")
    return {
        **{key: plan[key] for key in keys},
        "moves": [[move["irq"], move["from"], move["to"], move["load"]] for move in plan["moves"]],
        "immovable": [[one["irq"], one["reason"]] for one in plan["immovable"]],
        "findings": [[one["id"], one["evidence"]] for one in plan["findings"]],
    }


if __name__ == "__main__":
    main()
