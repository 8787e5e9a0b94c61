"""``advise`` from end to end: four CPUs on two nodes, one of them isolated, and three network cards
whose interrupts all start on one CPU. A few minutes."""

import json
import shlex
import sys
from pathlib import Path

import pytest

from tests.vm import cards, guest

CHECK = Path(__file__).with_name("check_advise.py")
KERNEL = "6.12"
DISK_BYTES = 64 << 20
ISOLATED_CPU = 3


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    folder = tmp_path_factory.mktemp("advise")
    script, disk = folder / "run.sh", folder / "disk"
    script.write_text(f"#!/bin/sh\nexec {shlex.join([sys.executable, str(CHECK)])} 2>&1\n")
    script.chmod(0o755)
    with disk.open("wb") as file:
        file.truncate(DISK_BYTES)
    output = guest.run(
        KERNEL,
        script,
        disk=disk,
        devices=cards.qemu_options(3),
        kernel_options=[f"isolcpus={ISOLATED_CPU}"],
        timeout_seconds=900,
    )
    (found,) = [line for line in output.splitlines() if line.startswith('{"advise"')]
    made: dict[str, object] = json.loads(found)
    return made


def test_it_is_spread_as_predicted_and_put_back(result: dict[str, object]) -> None:
    """What the guest itself checks (it ends with an error where that does not hold): the plan moves
    lines of the busy cards, none to the isolated CPU nor the managed line; each that was moved is
    verified; the busy ones are spread; after --undo every mask is as before."""
    applied = result["applied"]
    assert isinstance(applied, dict)
    busiest = applied["busiest"]
    print(json.dumps(busiest), *map(json.dumps, applied["cpus"]), sep="\n")
    assert busiest["measured"] < busiest["before"]
    allowed = max(0.10 * busiest["predicted"], busiest["spread"])
    assert abs(busiest["measured"] - busiest["predicted"]) <= allowed


def test_the_isolated_cpu_stays_free(result: dict[str, object]) -> None:
    applied = result["applied"]
    assert isinstance(applied, dict)
    assert ISOLATED_CPU not in {cpu for one in applied["written"] for cpu in one["to"] or ()}
