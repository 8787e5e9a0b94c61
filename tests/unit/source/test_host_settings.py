import shutil
from pathlib import Path

import pytest

from irqwatch.model.snapshot import Line, LineSetting
from irqwatch.source.root import Root
from irqwatch.source.settings import SettingsReader
from tests.fixtures.proc.trees import unpack

LINES = (*(Line(str(irq), irq, {}) for irq in (34, 35, 51)), Line("LOC", None, {}))


@pytest.fixture
def root(tmp_path: Path) -> Root:
    return unpack("two_nodes", tmp_path)


def test_settings(root: Root) -> None:
    assert SettingsReader(root).read(LINES, 0, 0) == (
        LineSetting(
            irq=34,
            affinity=frozenset(range(4)),
            effective=frozenset({3}),
            hint=None,  # all zero
            node=1,
            writable=True,
            unhandled=12,
            last_unhandled_ms=4294680012,
        ),
        LineSetting(
            irq=35,
            affinity=frozenset({0}),
            effective=frozenset(),  # never started
            hint=frozenset({2, 3}),
            node=None,
            writable=True,
        ),
        # Managed by the kernel; and what is garbled is unknown.
        LineSetting(irq=51, affinity=frozenset({1}), writable=False),
    )


def test_a_line_that_has_vanished_is_left_out(root: Root) -> None:
    shutil.rmtree(root.procfs / "irq" / "35")
    assert [setting.irq for setting in SettingsReader(root).read(LINES, 0, 0)] == [34, 51]


def test_they_are_kept_until_they_are_old(root: Root) -> None:
    reader = SettingsReader(root)
    young = reader.read(LINES, 1000, max_age_ns=10)
    (root.procfs / "irq/34/effective_affinity_list").write_text("0\n")
    assert reader.read(LINES, 1010, max_age_ns=10) is young
    assert reader.read(LINES, 1011, max_age_ns=10)[0].effective == frozenset({0})


def test_they_are_read_again_when_a_line_comes_or_goes(root: Root) -> None:
    reader = SettingsReader(root)
    reader.read(LINES, 0, max_age_ns=10)
    assert [setting.irq for setting in reader.read(LINES[:1], 0, max_age_ns=10)] == [34]
