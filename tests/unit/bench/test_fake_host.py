"""The host that irqbalance is run on: what it reads is what has happened there."""

from pathlib import Path

import pytest

from bench.fake_host import MOUNTS, FakeHost, Host, Interrupt
from irqwatch.parse import interrupts, stat

HOST = Host(
    "two interrupts",
    3,
    (
        Interrupt(24, rate=1_000, cost_ns=200_000, cpu=0),
        Interrupt(25, rate=50, cost_ns=1_000_000, cpu=1),
    ),
)


@pytest.fixture
def fake(tmp_path: Path) -> FakeHost:
    return FakeHost(HOST, tmp_path)


def ask(fake: FakeHost, irq: int, mask: str) -> None:
    (fake.folder / f"irq/{irq}/smp_affinity").write_text(mask)


def counts(fake: FakeHost) -> dict[str, dict[int, int]]:
    lines = interrupts.parse((fake.folder / "interrupts").read_bytes()).lines
    return {line.label: {cpu: n for cpu, n in line.counts.items() if n} for line in lines}


def irq_seconds(fake: FakeHost) -> dict[int, float]:
    times = stat.parse((fake.folder / "stat").read_bytes(), ticks_per_second=100)
    return {cpu: of.irq_ns / 1e9 for cpu, of in times.items()}


def test_everything_that_is_mounted_is_there(fake: FakeHost) -> None:
    assert all((fake.folder / name).exists() for name in MOUNTS.values())


def test_interrupts_start_where_they_are_said_to(fake: FakeHost) -> None:
    assert fake.advance(2) == 0
    assert counts(fake) == {"24": {0: 2_000}, "25": {1: 100}}
    assert irq_seconds(fake) == {0: 0.4, 1: 0.1, 2: 0.0}


def test_an_interrupt_goes_where_it_is_sent(fake: FakeHost) -> None:
    fake.advance(1)
    ask(fake, 24, "00000004")
    assert fake.advance(1) == 1
    assert fake.cpu_of == {24: 2, 25: 1}
    assert counts(fake) == {"24": {0: 1_000, 2: 1_000}, "25": {1: 100}}
    assert irq_seconds(fake) == {0: 0.2, 1: 0.1, 2: 0.2}


def test_an_interrupt_that_may_stay_does(fake: FakeHost) -> None:
    ask(fake, 25, "00000006")
    assert fake.advance(1) == 0


def test_of_several_cpus_that_with_the_fewest_is_taken(fake: FakeHost) -> None:
    ask(fake, 24, "00000006")
    fake.advance(1)
    assert fake.cpu_of[24] == 2


def test_a_mask_that_is_being_written_is_left_for_later(fake: FakeHost) -> None:
    ask(fake, 24, "")
    assert fake.advance(1) == 0


def test_files_that_are_rewritten_keep_their_length_and_place(fake: FakeHost) -> None:
    def seen() -> list[tuple[int, int]]:
        found = [(fake.folder / name).stat() for name in ("interrupts", "stat")]
        return [(one.st_ino, one.st_size) for one in found]

    before = seen()
    fake.advance(1_000)
    assert seen() == before
