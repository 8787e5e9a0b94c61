import re
from dataclasses import replace

import pytest

from irqwatch.collectors.work import WorkCause, WorkTime
from irqwatch.model.snapshot import Line, LineDevice, Snapshot, Thread, Unavailable, Worst
from irqwatch.record.anonymize import Anonymizer
from irqwatch.record.tree import to_tree
from tests import hosts
from tests.probes import with_parts

PSEUDONYM = "x[0-9a-f]{8}"


@pytest.fixture
def anonymizer() -> Anonymizer:
    return Anonymizer(b"k" * 64)


def with_names(action: str = "", device: str = "", comm: str = "") -> Snapshot:
    snapshot = hosts.busy(1)
    probe = snapshot.probe
    assert probe
    timed = replace(probe.parts["hardirqs"][0], action=action, worst=Worst(1, 2, 0, 4, comm))
    return replace(
        snapshot,
        lines=(Line("34", 34, {}, actions=(action,)),),
        devices=(LineDevice(34, device, "net"),),
        threads=(Thread(9, comm, "irq_thread", 0),),
        probe=with_parts(probe, hardirqs=(timed,)),
    )


def action_of(anonymizer: Anonymizer, action: str) -> str:
    snapshot = anonymizer.snapshot(with_names(action=action))
    assert snapshot.probe
    assert snapshot.lines[0].actions == (snapshot.probe.parts["hardirqs"][0].action,)
    return snapshot.lines[0].actions[0]


@pytest.mark.parametrize(
    ("action", "kept"),
    [
        ("eth0", "{}"),
        ("eth0-TxRx-3", "{}-TxRx-3"),
        ("i40e-ens3f0np0-TxRx-11", "i40e-{}-TxRx-11"),
        ("virtio2-input.0", "{}-input.0"),
        ("virtio0-reporting_vq", "{}-reporting_vq"),
        ("nvme0q3", "{}q3"),
        ("nvme 0 io5", "nvme 0 io5"),
        ("mlx5_comp40@pci:0000:86:00.0", "mlx5_comp40@pci:0000:86:00.0"),
        ("ahci[0000:00:1f.2]", "ahci[0000:00:1f.2]"),
        ("ACPI:Ged", "ACPI:Ged"),
        ("ttyS0", "{}"),
        ("wg-acme-corp", "wg-{}-{}"),
        ("vpn10.20.30.40-rx", "{}.{}.{}.{}-rx"),
        ("\\x1b[31m", "\\{}[{}"),
        ("", ""),
    ],
)
def test_of_an_interrupts_name_what_the_kernel_says_stays(
    anonymizer: Anonymizer, action: str, kept: str
):
    pattern = re.escape(kept).replace(r"\{\}", PSEUDONYM)

    assert re.fullmatch(pattern, action_of(anonymizer, action))


def test_a_device_is_the_same_in_every_name(anonymizer: Anonymizer):
    snapshot = anonymizer.snapshot(with_names(action="br-acme-TxRx-0", device="br-acme"))

    device = snapshot.devices[0].device
    assert "acme" not in device
    assert snapshot.lines[0].actions == (f"{device}-TxRx-0",)


def test_a_queue_of_nvme_is_of_its_device(anonymizer: Anonymizer):
    snapshot = anonymizer.snapshot(with_names(action="nvme0q3", device="nvme0"))

    assert snapshot.lines[0].actions == (f"{snapshot.devices[0].device}q3",)


@pytest.mark.parametrize(
    "comm",
    [
        "swapper/1",
        "ksoftirqd/0",
        "kworker/0:1H",
        "kworker/u8:3",
        "kworker/1:2-events",
        "migration/3",
        "rcu_preempt",
        "irqbalance",
        "irq/24-ACPI:Ged",
    ],
)
def test_tasks_of_the_kernel_keep_their_names(anonymizer: Anonymizer, comm: str):
    assert anonymizer.snapshot(with_names(comm=comm)).threads[0].name == comm


@pytest.mark.parametrize(
    ("comm", "kept"),
    [
        ("nginx", "task-{}"),
        ("acme/0", "task-{}"),
        ("my swapper/1", "task-{}"),
        ("irq/34-eth0-TxRx", "irq/34-{}-TxRx"),
        ("kworker/u8:3-acme", "kworker/u8:3-{}"),
    ],
)
def test_other_tasks_do_not(anonymizer: Anonymizer, comm: str, kept: str):
    snapshot = anonymizer.snapshot(with_names(comm=comm))

    name = snapshot.threads[0].name
    assert re.fullmatch(kept.replace("{}", PSEUDONYM), name)
    assert snapshot.probe
    assert snapshot.probe.parts["hardirqs"][0].worst == Worst(1, 2, 0, 4, name)


def test_nothing_of_a_hosts_own_names_is_left(anonymizer: Anonymizer):
    snapshot = replace(
        hosts.busy(1),
        unavailable=(Unavailable("probe", "/home/jo/acme/bin/python cannot import bcc"),),
    )

    text = str(to_tree(anonymizer.snapshot(snapshot)))

    for name in ("web-7", "5b3c", "eth0", "nvme0", "nginx", "acme", "home"):
        assert name in str(to_tree(snapshot))
        assert name not in text
    for name in ("ksoftirqd/0", "kworker/0:1H", "kblockd", "vmstat_update", "NET_RX", "LOC"):
        assert name in text
    assert "python" not in text and "cannot import bcc" in text


def test_work_keeps_no_name_of_a_device(anonymizer: Anonymizer):
    snapshot = hosts.busy(1)
    assert snapshot.probe
    of_line = WorkCause(34, "eth0", "NET_RX", "encrypt", "wg-acme", 0)
    of_vector = replace(of_line, irq=None, cause="local_timer")
    probe = with_parts(
        snapshot.probe,
        works=(WorkTime("encrypt", "wg-acme"),),
        work_causes=(of_line, of_vector),
    )

    after = anonymizer.snapshot(replace(snapshot, probe=probe))

    assert after.probe
    (work,), causes = (after.probe.parts[name] for name in ("works", "work_causes"))
    assert re.fullmatch(f"wg-{PSEUDONYM}", work.workqueue)
    assert {part.workqueue for part in causes} == {work.workqueue}
    assert [part.cause for part in causes] == [after.devices[0].device, "local_timer"]
    assert {work.function, *(part.function for part in causes)} == {"encrypt"}


def test_counts_times_and_numbers_stay(anonymizer: Anonymizer):
    before = to_tree(hosts.busy(3))
    after = to_tree(anonymizer.snapshot(hosts.busy(3)))

    assert without_text(after) == without_text(before)


def without_text(tree: object) -> object:
    if isinstance(tree, dict):
        return {key: without_text(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return [without_text(item) for item in tree]
    return "" if isinstance(tree, str) else tree


def test_another_key_gives_other_names():
    snapshot = hosts.busy(1)
    one, other = (Anonymizer(key).snapshot(snapshot) for key in (b"a", b"b"))

    assert one.host.hostname != other.host.hostname
    assert one.devices[0].device != other.devices[0].device


def test_what_is_not_known_stays_unknown(anonymizer: Anonymizer):
    snapshot = hosts.empty()
    unknown = replace(snapshot, host=replace(snapshot.host, hostname="", boot_id=""))

    assert anonymizer.snapshot(unknown) == unknown


def test_whose_time_was_taken_stays_untold(anonymizer: Anonymizer):
    before = hosts.threaded(1)
    after = anonymizer.snapshot(before)
    assert before.probe and after.probe

    assert re.fullmatch(f"/{PSEUDONYM}/{PSEUDONYM}", after.cgroups[7])
    device = after.devices[0].device
    assert [thread.action for thread in after.probe.parts["irq_threads"]] == [
        f"{device}-TxRx-0"
    ] * 2
    softirq, hardirq, vector, _, rest = after.probe.parts["blames"]
    assert (softirq.name, softirq.cause) == ("NET_RX", f"{device}-TxRx-0")
    assert hardirq.name == f"{device}-TxRx-0"
    assert vector.name == "local_timer"
    assert re.fullmatch(f"task-{PSEUDONYM}", vector.comm)
    assert rest == before.probe.parts["blames"][-1]
    told = str(to_tree(after))
    assert not [name for name in ("nginx", "cc1", "eth0") if name in told]
