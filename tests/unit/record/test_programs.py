"""What programs do to themselves, in a recording."""

from irqwatch.record.anonymize import Anonymizer
from irqwatch.record.tree import from_tree, to_tree
from tests import hosts


def test_there_and_back() -> None:
    assert from_tree(to_tree(hosts.busier(3))) == hosts.busier(3)


def test_no_process_keeps_its_name() -> None:
    probe = Anonymizer(b"k" * 64).snapshot(hosts.busier(3)).probe
    assert probe
    worsts = [s.worst_latency for s in probe.parts["signals"]] + [
        s.worst for s in probe.parts["syscalls"]
    ]
    names = [p.comm for p in probe.parts["faulting"]] + [worst.comm for worst in worsts if worst]
    assert len(names) == 4
    assert all(name.startswith("task-x") for name in names)
    assert [s.syscall for s in probe.parts["syscalls"]] == ["read", "read", "futex"]
