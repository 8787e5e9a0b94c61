"""``python -m tests.native.fuzz``: the probe under libFuzzer for FUZZ_SECONDS (60).

Starts from the events in tests/fixtures/events and from what earlier runs have found
(.cache/native/corpus). An input that fails is kept beside it, and is tried again by name:
``python -m tests.native.fuzz FILE``.
"""

import os
import struct
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from tests import events
from tests.events import ARGUMENTS, Event
from tests.native.build import CACHE, CompileError, build, compilers

FLAGS = ("-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=all")
FIXTURES = Path(__file__).parent.parent / "fixtures" / "events"
EVENTS_A_SEED = 500
PROGRAMS = tuple(ARGUMENTS)


def encode(recorded: Iterable[Event]) -> bytes:
    """The events as fuzz.c reads them; addresses and names shrink to the few that it has."""
    out = bytearray()
    before_ns: int | None = None
    for event in recorded:
        step = min(max(event.time_ns - (before_ns or event.time_ns), 0), 0xFFFF)
        before_ns = event.time_ns
        numbers = [arg for arg in event.args if isinstance(arg, int)]
        if event.name.startswith("irq_handler"):
            thing, other = numbers[1] >> 12, (numbers[0] & 1) | numbers[-1] << 1
        elif event.name == "workqueue_queue_work":
            thing, other = numbers[3] >> 6, numbers[2] >> 12
        elif event.name.startswith(("csd", "ipi_send")):
            thing, other = numbers[-1] >> 6, numbers[0]
        elif event.name.startswith("ipi"):
            thing, other = len(str(event.args[0])), 0
        else:
            thing, other = numbers[0] >> (6 if event.name.startswith("work") else 0), 0
        task = 3 if event.comm.startswith("ksoftirqd/") else event.pid % 8
        place = event.cpu % 3 | task << 2
        program = PROGRAMS.index(event.name)
        out += struct.pack("=BBBBHBB", program, place, thing & 0xFF, other & 0xFF, step, 0, 0)
    return bytes(out)


def write_seeds(folder: Path) -> None:
    """Cut the recorded events into inputs."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(FIXTURES.glob("*")):
        recorded = list(events.read(path))
        for at in range(0, len(recorded), EVENTS_A_SEED):
            name = f"{path.name}-{at}"
            (folder / name).write_bytes(encode(recorded[at : at + EVENTS_A_SEED]))


def main() -> int:
    """The fuzzer's exit status; 0 too where it cannot be had."""
    clangs = [name for name in compilers() if name.startswith("clang")]
    if not clangs:
        print("not fuzzed: there is no clang here (Debian, Ubuntu: apt install clang)")
        return 0
    try:
        target = build("fuzz.c", clangs[0], FLAGS)
    except CompileError as error:
        if "clang_rt" not in str(error):
            raise
        print("not fuzzed: clang has no fuzzer here (Debian, Ubuntu: apt install libclang-rt-dev)")
        return 0
    corpus, seeds = CACHE / "corpus", CACHE / "seeds"
    corpus.mkdir(parents=True, exist_ok=True)
    write_seeds(seeds)
    seconds = os.environ.get("FUZZ_SECONDS", "60")
    options = (
        f"-max_total_time={seconds}",
        "-max_len=4096",
        "-print_final_stats=1",
        "-verbosity=0",
    )
    where = sys.argv[1:] or [str(corpus), str(seeds), f"-artifact_prefix={CACHE}/", *options]
    return subprocess.run([str(target), *where], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
