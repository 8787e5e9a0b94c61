"""Whether the kernel forces interrupts into threads."""

from pathlib import Path

import pytest

from irqwatch.cli import options
from irqwatch.collectors import COLLECTORS, DEFAULT_COLLECTORS
from irqwatch.source.forced_threads import are_threads_forced
from irqwatch.source.root import Root


@pytest.mark.parametrize(
    ("realtime", "cmdline", "expected"),
    [
        ("1\n", "quiet\n", True),
        ("0\n", "quiet\n", False),
        (None, "quiet threadirqs ro\n", True),
        (None, "quiet nothreadirqs threadirqs2 ro\n", False),
        (None, None, False),
    ],
)
def test_by_what_the_kernel_says(
    tmp_path: Path, realtime: str | None, cmdline: str | None, expected: bool
) -> None:
    (tmp_path / "kernel").mkdir()
    for name, text in (("kernel/realtime", realtime), ("cmdline", cmdline)):
        if text is not None:
            (tmp_path / name).write_text(text)
    assert are_threads_forced(Root(procfs=tmp_path, sysfs=tmp_path)) is expected


@pytest.mark.parametrize("forced", [True, False])
def test_there_their_threads_are_timed_by_default(
    forced: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(options, "are_threads_forced", lambda root: forced)
    unnamed = dict.fromkeys(COLLECTORS)
    chosen = options.chosen_collectors(unnamed, disable_defaults=False)
    assert chosen == DEFAULT_COLLECTORS | ({"thread"} if forced else set())
    off = {**unnamed, "thread": False}
    assert "thread" not in options.chosen_collectors(off, disable_defaults=False)
    assert options.chosen_collectors(unnamed, disable_defaults=True) == frozenset()


def test_linux_with_preempt_rt_of_its_own_tells_by_its_version(tmp_path: Path) -> None:
    """7.3-rt of Debian has no /sys/kernel/realtime."""
    version = "Linux version 7.3.4+deb13-rt-amd64 (gcc-14) #1 SMP {} Debian 7.3.4-1 (2026-11-15)\n"
    root = Root(procfs=tmp_path, sysfs=tmp_path)
    (tmp_path / "version").write_text(version.format("PREEMPT_RT"))
    assert are_threads_forced(root)
    (tmp_path / "version").write_text(version.format("PREEMPT_DYNAMIC"))
    assert not are_threads_forced(root)
