"""Hosts whose /proc/interrupts is another kernel's or architecture's, as each face tells them. Each
counter's step is known, since the files are FIFOs that go one step on with each reading."""

import contextlib
import json
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path

import pytest

from tests.e2e.serving import COMMAND, LIMIT_SECONDS, serving
from tests.stepped import Text, alternates, grows, stepped

ONE = "           CPU0       \n"
TWO = "            CPU0       CPU1       \n"


@contextlib.contextmanager
def host(
    interrupts: Text, cpus: str, files: Mapping[str, Text] | None = None
) -> Iterator[list[str]]:
    """Options that name it. sysfs says that ``cpus`` are online, whatever else is so."""
    # Not pytest's own folder, which an agent that is no longer root may not enter.
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        root.chmod(0o755)
        listed = root / "sys" / "devices" / "system" / "cpu"
        listed.mkdir(parents=True)
        for name in ("possible", "online"):
            (listed / name).write_text(cpus)
        with stepped(root, {"proc/interrupts": interrupts, **(files or {})}):
            paths = [f"--path.procfs={root}/proc", f"--path.sysfs={root}/sys"]
            yield ["--collector.disable-defaults", *paths]


def irqwatch(*words: str) -> str:
    return subprocess.run(
        [COMMAND, *words], capture_output=True, text=True, timeout=LIMIT_SECONDS, check=True
    ).stdout


def top(options: list[str]) -> dict[str, dict[str, object]]:
    """What one interval has, by the sources' names and what stands beside them."""
    made = json.loads(irqwatch("top", "--json", "-n", "1", "-d", "0.2", *options))
    return {
        one["name"] + (f" ({one['description']})" if one.get("description") else ""): one
        for one in made["sources"]
    } | {"unavailable": {lack["part"]: lack["reason"] for lack in made["unavailable"]}}


def counts(options: list[str]) -> dict[str, dict[str, int]]:
    return {name: one["cpus"] for name, one in top(options).items() if "cpus" in one}


def steps(options: list[str], scrapes: int = 3) -> dict[str, list[float]]:
    """By series, what it grew by from each scrape to the next."""
    with serving(*options) as server:
        texts = [server.get() for _ in range(scrapes)]
    found = [dict(re.findall(r"^(\w+\{.*\}) (\S+)$", text, re.MULTILINE)) for text in texts]
    return {
        series: [float(b[series]) - float(a[series]) for a, b in pairwise(found)]
        for series in found[0]
        if series.startswith(("irqwatch_interrupts", "irqwatch_architecture"))
    }


def test_a_cpu_that_comes_online_is_not_known_and_nothing_else() -> None:
    three = (
        "            CPU0       CPU1       CPU3       \n"
        "  24: 1000 2000 4000  PCI-MSI 5-edge   eth0\n"
    )
    four = (
        "            CPU0       CPU1       CPU2       CPU3       \n"
        "  24: 1010 2010 3000000 4010  PCI-MSI 5-edge   eth0\n"
    )
    with host(alternates(three, four), "0-3") as options:
        found = top(options)
    assert found["eth0"]["cpus"] == {"0": 10, "1": 10, "3": 10}
    assert found["unavailable"]["counts"] == "not known of this interval: CPU 2"


def test_dovetail() -> None:
    text = grows(
        TWO + "    18:  0  {}  IR-IO-APIC     18    -fasteoi   i801_smbus\n"
        "    26:  0  {}  IR-PCI-MSI-0000:00:19.0      0 oob-edge      eno1\n"
        "    27:  0  {}  IR-PCI-MSI-0000:00:14.0      0    -edge      xhci_hcd\n"
        "524545:  0  {}     SIPIC      1 oob  EVL reschedule\n",
        1, 2, 3, 4,
    )  # fmt: skip
    with host(text, "0-1") as options:
        assert counts(options) == {
            "i801_smbus": {"1": 1},
            "eno1": {"1": 2},
            "xhci_hcd": {"1": 3},
            "EVL reschedule": {"1": 4},
        }
        explained = [
            json.loads(irqwatch("explain", irq, "-d", "0.1", "--json", *options))
            for irq in ("18", "26", "27", "524545")
        ]
    assert [one["trigger"] or "" for one in explained] == ["fasteoi", "edge", "edge", ""]


@pytest.mark.parametrize("header, cpus", [(ONE, "0"), (TWO, "0-1")])
def test_errors_of_the_machine_are_shown_where_they_rise(header: str, cpus: str) -> None:
    zeros = "  0" * header.count("CPU")
    text = grows(
        f"{header}  8:{zeros}   IO-APIC   8-edge      rtc0\n"
        "ERR: {}\nMIS: {}\nErr: {}\nBAD: {}\n",
        100, 1000, 0, 7,
    )  # fmt: skip
    with host(text, cpus) as options:
        found = {name: one for name, one in top(options).items() if "count" in one}
        assert {one["name"]: one["count"] for one in found.values()} == {
            "ERR": 100, "MIS": 1000, "BAD": 7,
        }  # fmt: skip
        assert all(one["rate"] > 0 and one["cpus"] == {} for one in found.values())
        plain = irqwatch("top", "-b", "-n", "1", "-d", "0.2", *options)
        assert all(
            re.search(rf"^\s*vector .*\b{label} \(", plain, re.MULTILINE)
            for label in ("ERR", "MIS", "BAD")
        )
        grown = steps(options)
    assert {name: set(by) for name, by in grown.items()} == {
        f'irqwatch_architecture_interrupts_total{{row="{label}"}}': {step}
        for label, step in {"ERR": 100, "Err": 0, "BAD": 7}.items()
    } | {'irqwatch_interrupts_counted_again_total{row="MIS"}': {1000}}


def test_i2c_clients() -> None:
    text = grows(
        ONE + " 84:  {}   ARMCTRL  mmc0\n187:  {}      GPIO  1-0053\n"
        "188:  {}      GPIO  12  1-0048\n189:  {}      MIPS   7  1-0050\n",
        1, 2, 3, 4,
    )  # fmt: skip
    with host(text, "0") as options:
        assert counts(options) == {
            "mmc0": {"0": 1},
            "1-0053": {"0": 2},
            "1-0048": {"0": 3},
            "1-0050": {"0": 4},
        }
        explained = [
            json.loads(irqwatch("explain", irq, "-d", "0.1", "--json", *options))
            for irq in ("187", "1-0048", "189")
        ]
    assert [(one["controller"], one["hwirq"] or "") for one in explained] == [
        ("GPIO", ""), ("GPIO", "12"), ("MIPS", "7"),
    ]  # fmt: skip


def test_two_rows_of_one_label_stay_two() -> None:
    """arch/powerpc/kernel/irq.c, arch_show_interrupts()."""
    event, others = (
        "Local timer interrupts for timer event device",
        "Local timer interrupts for others",
    )
    text = grows(f"{ONE}LOC: {{}}   {event}\nBCT: 0   Broadcast\nLOC: {{}}   {others}\n", 100, 3)
    with host(text, "0") as options:
        assert counts(options) == {f"LOC ({event})": {"0": 100}, f"LOC ({others})": {"0": 3}}
        plain = irqwatch("top", "-b", "-n", "1", "-d", "0.2", *options)
        assert event in plain and others in plain
        grown = steps(options)
    assert {name: set(by) for name, by in grown.items()} == {
        'irqwatch_architecture_interrupts_total{row="LOC"}': {100},
        f'irqwatch_architecture_interrupts_total{{row="LOC {others}"}}': {3},
    }


@pytest.mark.parametrize("header, cpus", [(ONE, "0"), (TWO, "0-1")])
def test_rows_that_are_sums_of_others_are_known_as_such(header: str, cpus: str) -> None:
    """arch/s390/kernel/irq.c, show_interrupts()."""
    zero = "  0" * (header.count("CPU") - 1)
    sums = {"EXT": 100, "I/O": 10, "AIO": 5}
    parts = {"CLK": 60, "EXC": 40, "DAS": 10, "APB": 5}
    words = {"CLK": "[EXT] Clock Comparator", "EXC": "[EXT] External Call"}
    words |= {"DAS": "[I/O] DASD", "APB": "[AIO] AP Bus"}
    rows = [f"{label}: {{}}{zero}   {words.get(label, '')}\n" for label in sums | parts]
    text = grows(header + "".join(rows), *(sums | parts).values())
    with host(text, cpus) as options:
        found = {one["name"]: one for one in top(options).values() if "cpus" in one}
        grown = steps(options)
    assert {name: one["cpus"] for name, one in found.items()} == {
        label: {"0": step} for label, step in (sums | parts).items()
    }
    assert {name for name, one in found.items() if one.get("counted_again")} == sums.keys()
    assert found["EXT"]["description"] == "all of the rows marked [EXT]"
    once = [by for name, by in grown.items() if name.startswith("irqwatch_architecture")]
    again = [by for name, by in grown.items() if "counted_again" in name]
    assert [sum(by) for by in zip(*once, strict=True)] == [115, 115]
    assert sorted(by[0] for by in again) == [5, 10, 100]


def test_files_that_are_none_are_one_line_each() -> None:
    """Nobody writes to the FIFO that stands in for /proc/interrupts, and sysfs leads in circles."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        root.chmod(0o755)
        (root / "proc" / "net").mkdir(parents=True)
        os.mkfifo(root / "proc" / "interrupts")
        (root / "proc" / "stat").symlink_to("/dev/zero")
        with (root / "proc" / "softirqs").open("wb") as file:
            file.truncate(1 << 33)
        cpus = root / "sys" / "devices" / "system" / "cpu"
        cpus.mkdir(parents=True)
        (cpus / "online").symlink_to("online")
        (cpus / "possible").write_text("0-1")
        options = ["--collector.disable-defaults", f"--path.procfs={root}/proc"]
        options += [f"--path.sysfs={root}/sys"]
        unavailable = top(options)["unavailable"]
        done = subprocess.run(
            [COMMAND, "explain", "24", *options],
            capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False,
        )  # fmt: skip
        with serving(*options) as server:
            texts = [server.get() for _ in range(3)]
    fifo = "is a FIFO that has nothing written to it"
    assert fifo in unavailable["interrupts"]
    assert "is a device, not a file" in unavailable["cpu_times"]
    assert "is too large to be a file of the kernel" in unavailable["softirqs"]
    assert "Too many levels of symbolic links" in unavailable["files"]
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (1, "", 1)
    assert done.stderr.startswith("irqwatch: interrupts cannot be listed: ") and fifo in done.stderr
    assert all(fifo in text for text in texts)
