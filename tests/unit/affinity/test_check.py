from dataclasses import replace
from pathlib import Path

import pytest

from irqwatch.affinity.check import banned, check_host, check_irqbalance, check_irqbalance_bans
from irqwatch.errors import AffinityError
from irqwatch.model.snapshot import LineDevice, Snapshot
from irqwatch.source.live import LiveSource
from tests import affinity
from tests.affinity import FakeHost


@pytest.fixture
def host(tmp_path: Path) -> FakeHost:
    return FakeHost(tmp_path)


def snapshot(host: FakeHost) -> Snapshot:
    return LiveSource(host.root, (), settings_max_age_ns=0).sample()


def test_the_host_that_was_planned_for(host: FakeHost) -> None:
    check_host(affinity.plan(), snapshot(host))


def test_a_line_is_known_by_its_device_too(host: FakeHost) -> None:
    plan, now = affinity.plan(), snapshot(host)
    moves = tuple(replace(m, line=replace(m.line, device="eth0")) for m in plan.moves)
    known = tuple(LineDevice(irq, "eth0", "net") for irq in affinity.LINES)
    check_host(replace(plan, moves=moves), replace(now, devices=known))
    other = tuple(LineDevice(irq, "eth1", "net") for irq in affinity.LINES)
    with pytest.raises(AffinityError, match=r"31 \(eth0\) is gone or another device's"):
        check_host(replace(plan, moves=moves), replace(now, devices=other))


def test_another_boot(host: FakeHost) -> None:
    (host.root.procfs / "sys/kernel/random/boot_id").write_text("another\n")
    with pytest.raises(AffinityError, match="not the boot"):
        check_host(affinity.plan(), snapshot(host))


def test_a_line_is_gone(host: FakeHost) -> None:
    host.remove(31)
    with pytest.raises(AffinityError, match=r"31 .* is gone or another device's; nothing"):
        check_host(affinity.plan(), snapshot(host))


def test_the_number_is_another_devices(host: FakeHost) -> None:
    host.rename(31, "other")
    with pytest.raises(AffinityError, match="is gone or another device's"):
        check_host(affinity.plan(), snapshot(host))


def test_the_name_is_another_queues(host: FakeHost) -> None:
    path = host.root.procfs / "interrupts"
    path.write_text(path.read_text().replace("31-edge", "7-edge"))
    with pytest.raises(AffinityError, match="is gone or another device's"):
        check_host(affinity.plan(), snapshot(host))


def test_what_never_ran_or_ran_on_a_cpu_that_is_offline_is_no_change(host: FakeHost) -> None:
    (host.root.procfs / "irq/31/effective_affinity_list").write_text("\n")
    (host.root.sysfs / "devices/system/cpu/online").write_text("0-2\n")
    (host.root.procfs / "irq/30/effective_affinity_list").write_text("0,3\n")
    check_host(affinity.plan(), snapshot(host))


def test_a_mask_was_changed(host: FakeHost) -> None:
    host.set_mask(31, "2-3")
    with pytest.raises(AffinityError, match=r"31 .* is asked to run on CPU 2-3, not 0-3"):
        check_host(affinity.plan(), snapshot(host))


def test_a_line_runs_elsewhere_now(host: FakeHost) -> None:
    (host.root.procfs / "irq/31/effective_affinity_list").write_text("3\n")
    with pytest.raises(AffinityError, match=r"31 .* runs on CPU 3, not 0"):
        check_host(affinity.plan(), snapshot(host))


def test_a_target_is_offline(host: FakeHost) -> None:
    (host.root.sysfs / "devices/system/cpu/online").write_text("0-1,3\n")
    with pytest.raises(AffinityError, match=r"30 .* is planned for CPU 2, which is offline"):
        check_host(affinity.plan(), snapshot(host))


@pytest.mark.parametrize(
    ("cmdline", "irqs"),
    [
        (b"/usr/sbin/irqbalance\0--foreground\0", set()),
        (b"irqbalance\0--banirq=31\0--banirq\x0030\0", {30, 31}),
        (b"irqbalance\0-i\x0031\0-i7\0-t\x003\0", {31, 7}),
        (b"", set()),
        (b"irqbalance\0-i9\0--banirq=" + b"9" * 5000 + b"\0", {9}),
    ],
)
def test_lines_that_irqbalance_leaves_alone(cmdline: bytes, irqs: set[int]) -> None:
    assert banned(cmdline) == irqs


def test_irqbalance_that_was_told() -> None:
    check_irqbalance(affinity.plan(), [(812, b"irqbalance\0--banirq=31\0--banirq=30\0")])


def test_irqbalance_that_was_told_nothing() -> None:
    check_irqbalance_bans([(812, b"irqbalance\0--banirq=31\0")])
    with pytest.raises(AffinityError, match=r"pid 813\) would move them again"):
        check_irqbalance_bans([(812, b"irqbalance\0-i9\0"), (813, b"irqbalance\0")])


def test_irqbalance_that_was_told_half() -> None:
    with pytest.raises(AffinityError, match=r"pid 812\) .* start it with --banirq=30$"):
        check_irqbalance(affinity.plan(), [(812, b"irqbalance\0--banirq=31\0")])
