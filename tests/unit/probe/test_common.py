"""What all collectors share: the ABI, the bucket rule, epochs; and each collector left out."""

import itertools
import random
from pathlib import Path

import pytest

from irqwatch.collectors import ALL, BY_NAME
from irqwatch.model.histogram import BUCKETS, bucket_of, lower_edge_ns
from irqwatch.source.loader import layouts
from tests.events import ARGUMENTS
from tests.native.build import COLLECTORS, build, compilers
from tests.native.harness import Native, replay
from tests.native.process import Crashed
from tests.native.sequence import (
    KSOFTIRQD,
    WORKER,
    activate,
    end,
    irq_entry,
    irq_exit,
    queue,
    soft_entry,
    soft_exit,
    soft_raise,
    start,
)

# A hard interrupt inside a softirq inside a work item.
NESTED = (
    queue(100),
    activate(100),
    start(200),
    soft_raise(290, on=WORKER),
    soft_entry(300, on=WORKER),
    irq_entry(400, on=WORKER),
    irq_exit(450, on=WORKER),
    soft_exit(600, on=WORKER),
    end(1000),
)


def test_nested(native: Native) -> None:
    native.feed(NESTED)
    probe = native.read()
    assert [hardirq.handled.sum_ns for hardirq in probe.parts["hardirqs"]] == [50]
    assert [softirq.run.sum_ns for softirq in probe.parts["softirqs"]] == [250]
    assert [work.run.sum_ns for work in probe.parts["works"]] == [800]  # wall time, as it says
    assert not any(count for reasons in probe.losses.values() for count in reasons.values())


SHARING = ("hardirq", "softirq", "vector", "work")  # state: each set of them
SETS = [
    *(chosen for size in range(5) for chosen in itertools.combinations(SHARING, size)),
    *((name, *BY_NAME[name].probed.needs) for name in sorted(COLLECTORS - set(SHARING))),
]


@pytest.mark.parametrize("compiler", compilers())
def test_each_set_of_collectors(compiler: str) -> None:
    for chosen in SETS:
        program = build("replay.c", compiler, ("-O0",), chosen)
        probe = replay(NESTED, cpus=2, collectors=chosen, program=program)
        assert probe.collectors == set(chosen)
        assert probe.losses.keys() == {name for name in chosen if not BY_NAME[name].is_hidden}
        for name, part in (("hardirq", "hardirqs"), ("softirq", "softirqs"), ("work", "works")):
            assert bool(probe.parts.get(part)) == (name in chosen)


def test_programs_are_those_that_the_loader_attaches(native: Native) -> None:
    attached = {hook.tracepoint for one in ALL for hook in one.probed.hooks}
    assert native.maps.programs().keys() == attached == set(ARGUMENTS)


def test_a_crash_is_an_exception(program: Path) -> None:
    with pytest.raises(Crashed, match="no such command"), Native(1, program=program) as native:
        native.maps.ask("nonsense")


# The reader's half of the ABI.


def test_sizes(native: Native) -> None:
    """The compiler's word on each map against what is read off the source."""
    sizes = layouts(COLLECTORS)
    for name in native.loaded.maps:
        shape = native.maps.map_shape(native.loaded.maps[name])
        types = sizes.maps[name]
        read = sizes.size_bytes(types.key), sizes.size_bytes(types.value)
        assert read == (shape.key_bytes, shape.value_bytes), name


def test_bucket_rule(native: Native) -> None:
    edges = [lower_edge_ns(bucket) for bucket in range(BUCKETS)]
    around = {max(edge + by, 0) for edge in edges for by in (-1, 0, 1)}
    draw = random.Random(1)
    anything = {draw.getrandbits(draw.randrange(1, 65)) for _ in range(3000)}
    values = sorted(around | anything | {0, (1 << 64) - 1})
    assert [int(native.maps.ask("bucket", ns)[0]) for ns in values] == [*map(bucket_of, values)]


# Epochs: the worst is of the interval between two reads.


def worst_ns(native: Native) -> int | None:
    (hardirq,) = native.read().parts["hardirqs"]
    return hardirq.worst.ns if hardirq.worst else None


def test_worst_is_of_the_last_interval(native: Native) -> None:
    native.feed([irq_entry(1000), irq_exit(1900), irq_entry(2000), irq_exit(2100)])
    assert worst_ns(native) == 900
    native.feed([irq_entry(3000), irq_exit(3050)])
    assert worst_ns(native) == 50
    assert worst_ns(native) is None
    native.feed([irq_entry(4000), irq_exit(4070)])
    assert worst_ns(native) == 70


def test_worst_of_two_intervals_ago_is_gone(native: Native) -> None:
    """Both share a slot."""
    native.feed([irq_entry(1000), irq_exit(1900)])
    assert worst_ns(native) == 900
    assert worst_ns(native) is None
    native.feed([irq_entry(3000), irq_exit(3050)])
    assert worst_ns(native) == 50


def test_first_of_equals_is_kept(native: Native) -> None:
    native.feed([irq_entry(1000), irq_exit(1100), irq_entry(2000), irq_exit(2100)])
    (hardirq,) = native.read().parts["hardirqs"]
    assert hardirq.worst and hardirq.worst.at_ns == 1100


def test_counters_are_not_cleared_by_reading(native: Native) -> None:
    native.feed([soft_raise(100), soft_entry(200), soft_exit(500)])
    native.read()
    native.feed([soft_entry(600, on=KSOFTIRQD), soft_exit(700, on=KSOFTIRQD)])
    (softirq,) = native.read().parts["softirqs"]
    assert (softirq.run.count, softirq.run.sum_ns) == (2, 400)
    assert (softirq.latency.count, softirq.ksoftirqd_count) == (1, 1)
