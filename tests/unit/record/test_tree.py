import dataclasses

import pytest

from irqwatch.model.histogram import BUCKETS, Histogram
from irqwatch.model.snapshot import Snapshot
from irqwatch.model.topology import Cpu, Topology
from irqwatch.record.tree import LARGEST_MEMBER, Unfit, _codec, from_tree, printable, to_tree
from tests import hosts


def test_what_was_written_is_what_is_read():
    snapshot = hosts.busy(tick=7, cpus=4)

    assert from_tree(to_tree(snapshot)) == snapshot


def test_fields_at_their_default_are_left_out():
    tree = to_tree(dataclasses.replace(hosts.empty(), topology=Topology()))

    assert set(tree) == {"schema", "monotonic_ns", "wall_ns", "host"}


def test_sets_of_numbers_are_runs_and_equal_ones_are_one_object():
    cpus = {n: Cpu(n, True, siblings=frozenset({0, 1, 2, 5})) for n in range(2)}
    tree = to_tree(dataclasses.replace(hosts.empty(), topology=Topology(cpus)))

    read = from_tree(tree).topology.cpus

    assert tree["topology"]["cpus"]["0"]["siblings"] == [0, 2, 5, 5]
    assert read[0].siblings == {0, 1, 2, 5}
    assert read[0].siblings is read[1].siblings


@dataclasses.dataclass(frozen=True)
class Then:
    irq: int
    gone: str = ""


@dataclasses.dataclass(frozen=True)
class Now:
    irq: int
    causes: tuple[Then, ...] = ()
    node: int | None = None


def test_a_later_version_reads_what_an_earlier_one_wrote():
    written = _codec(Then).encode(Then(34, "what this version dropped"))

    assert _codec(Now).decode(written, None, None, None) == Now(34)


def test_an_earlier_version_reads_what_a_later_one_wrote():
    written = _codec(Now).encode(Now(34, (Then(1),), 0))

    assert _codec(Then).decode(written, None, None, None) == Then(34)


def test_the_parts_of_a_collector_that_came_later_are_stepped_over():
    snapshot = hosts.busy(1)
    tree = to_tree(snapshot)

    tree["probe"]["of_a_later_collector"] = [{"cpu": 1, "events": 7}]

    assert from_tree(tree) == snapshot


def test_a_type_without_a_way_to_be_written_is_the_developers_error():
    with pytest.raises(TypeError, match="no way to write"):
        _codec(list[int])


def changed(**fields: object) -> dict[str, object]:
    return {**to_tree(hosts.busy(1)), **fields}


@pytest.mark.parametrize(
    "tree",
    [
        None,
        7,
        [],
        {},
        changed(schema="1"),
        changed(schema=True),
        changed(schema=1.0),
        changed(wall_ns=1 << 64),
        changed(host="web-7"),
        changed(host={"hostname": "a", "kernel": "b"}),
        changed(lines={}),
        changed(lines=[None]),
        changed(cpu_times=[]),
        changed(softirq_counts={"TIMER": {"x": 1}}),
        changed(softirq_counts={"TIMER": {"01": 1}}),
        changed(softirq_counts={"TIMER": {"1_0": 1}}),
        changed(softirq_counts={"TIMER": {"\u0661": 1}}),
        changed(softirq_counts={"TIMER": {"9" * 5000: 1}}),
        changed(topology={"isolated": [0]}),
        changed(topology={"isolated": [3, 1]}),
        changed(topology={"isolated": [0, 5, 2, 9]}),
        changed(topology={"isolated": [-1, 1]}),
        changed(topology={"isolated": [0, LARGEST_MEMBER + 1]}),
        changed(topology={"isolated": [[], []]}),
        changed(probe={"collectors": [1], "attached_ns": 0}),
        changed(settings=[{"irq": 1, "writable": 1}]),
        changed(unavailable=[{"part": "probe", "reason": 1}]),
    ],
)
def test_what_the_model_does_not_allow_is_refused(tree: object):
    with pytest.raises((Unfit, TypeError)) as raised:
        from_tree(tree)
    assert raised.type is Unfit


@pytest.mark.parametrize("bucket", [-1, BUCKETS, 10**18])
def test_a_bucket_that_does_not_exist_is_refused(bucket: int):
    with pytest.raises(Unfit):
        _codec(Histogram).decode({"buckets": {str(bucket): 1}}, None, None, None)


def test_many_large_sets_in_few_bytes_are_refused():
    sets = [{"irq": n, "affinity": [n, LARGEST_MEMBER]} for n in range(1000)]

    with pytest.raises(Unfit, match="too large"):
        from_tree(changed(settings=sets))


def test_the_same_set_many_times_is_not_many_sets():
    sets = [{"irq": n, "affinity": [0, LARGEST_MEMBER]} for n in range(1000)]

    assert len(from_tree(changed(settings=sets)).settings) == 1000


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("eth0-TxRx-0", "eth0-TxRx-0"),
        ("\\x1b[31m", "\\x1b[31m"),
        ("\x1b[31m", "\\x1b[31m"),
        ("a\nb", "a\\nb"),
        ("\u202egnp", "\\u202egnp"),
        ("\ud800", "\\ud800"),
    ],
)
def test_text_is_printable_when_it_is_read(text: str, shown: str):
    snapshot: Snapshot = from_tree(changed(host={"hostname": text, "kernel": "", "boot_id": ""}))

    assert printable(text) == snapshot.host.hostname == shown
