"""What holds of every registered collector."""

import dataclasses
import random
import typing
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.events import EVENTS
from irqwatch.base.collector import Collector
from irqwatch.base.parts import Naming, Part
from irqwatch.base.reading import Reading
from irqwatch.collectors import ALL, BY_NAME, COLLECTORS, PARTS
from irqwatch.errors import ProbeError
from irqwatch.model.histogram import Histogram
from irqwatch.model.snapshot import CountAndTime, Probe, Worst
from irqwatch.source.loader import bpf_folder
from irqwatch.source.probe import decoded, losses
from irqwatch.source.stimuli import STIMULI
from tests.model_values import key, parts
from tests.probes import a_probe, an_interval
from tests.unit.collectors.readings import LAYOUTS
from tests.vm import check_probe

each = pytest.mark.parametrize("collector", ALL, ids=lambda collector: collector.name)
chosen = [BY_NAME[name] for name in COLLECTORS]
each_chosen = pytest.mark.parametrize("collector", chosen, ids=COLLECTORS)

each_part = pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)

DRAWS = 200


def any_tables(collector: Collector, draw: random.Random) -> dict[str, Any]:
    """Entries of the right size, of bits that a kernel may or may never give."""

    def raw(size: int) -> bytes:
        return draw.choice([bytes(size), draw.randbytes(size), b"\xff" * size])

    names = {table.name for table in collector.probed.tables if table.is_read} | {"hardirqs"}
    tables = {}
    for name in sorted(names):
        types = LAYOUTS.maps[name]
        sizes = LAYOUTS.size_bytes(types.key), LAYOUTS.size_bytes(types.value)
        tables[name] = [
            (raw(sizes[0]), memoryview(raw(sizes[1]))) for _ in range(draw.randrange(4))
        ]
    return tables


@each
def test_any_bytes_decode_or_are_refused(collector: Collector) -> None:
    draw = random.Random(collector.name)
    for _ in range(DRAWS):
        tables = any_tables(collector, draw)
        arrays = {
            name: memoryview(draw.randbytes(2 * LAYOUTS.size_bytes(LAYOUTS.maps[name].value)))
            for name in {"cpus", *collector.probed.arrays}
        }
        made = Reading(
            layouts=LAYOUTS,
            possible=(0, 1),
            machine="x86_64",
            epoch=0,
            tables=tables,
            arrays=arrays,
        )
        try:
            found = decoded(collector, made)
        except ProbeError as error:
            assert collector.name in str(error) and "\n" not in str(error)
        else:
            assert found.keys() == {part.name for part in collector.parts}
            for part in collector.parts:
                assert all(type(one) is part.type for one in found[part.name])
        assert set(losses([collector], made)) <= {collector.name}


def of(part: Part[Any], *held: Any) -> Probe:
    return a_probe(COLLECTORS, 0, **{part.name: held})


@each_part
@given(data=st.data())
def test_a_sample_against_itself_gives_nothing(part: Part[Any], data: st.DataObject) -> None:
    held = data.draw(parts(part))
    for step in part.between(of(part, *held), of(part, *held)):
        assert not any(counters(part, step))


@each_part
@given(data=st.data())
def test_splitting_an_interval_adds_up(part: Part[Any], data: st.DataObject) -> None:
    first, step, other = (data.draw(parts(part)) for _ in range(3))
    middle = part.merged((*first, *step))
    last = part.merged((*middle, *other))
    whole = part.between(of(part, *last), of(part, *first))
    halves = part.merged(
        (
            *part.between(of(part, *middle), of(part, *first)),
            *part.between(of(part, *last), of(part, *middle)),
        )
    )
    assert counts_of(part, whole) == counts_of(part, halves)


@each_part
@given(data=st.data())
def test_a_reset_is_unknown_or_counts_anew(part: Part[Any], data: st.DataObject) -> None:
    """Never what it was less than before."""
    (before, *_) = data.draw(parts(part).filter(bool))
    if not any(counters(part, before)):
        return
    hints = typing.get_type_hints(part.type)
    zero = {
        name: {int: 0, Histogram: Histogram(), CountAndTime: CountAndTime(0, 0)}[hints[name]]
        for name in hints
        if name not in part.key and hints[name] in (int, Histogram, CountAndTime)
    }
    now = dataclasses.replace(before, **zero)
    if counters(part, now) == counters(part, before):  # only mappings counted, which stay
        return
    steps = part.between(of(part, now), of(part, before))
    assert steps == ((now,) if part.comes_again else ())


def counters(part: Part[Any], one: Any) -> list[int]:
    return list(_numbers(part, one))


def _numbers(part: Part[Any], one: Any) -> Iterator[int]:
    for field in dataclasses.fields(one):
        value = getattr(one, field.name)
        if field.name in part.key or isinstance(value, str | bool | Worst | None):
            continue
        yield from _flat(value)


def _flat(value: Any) -> Iterator[int]:
    if isinstance(value, int):
        yield value
    elif isinstance(value, Histogram):
        yield from (*value.buckets.values(), value.sum_ns)
    elif isinstance(value, CountAndTime):
        yield from (value.count, value.ns)
    else:
        for one in value.values():
            yield from _flat(one)


def counts_of(part: Part[Any], steps: tuple[Any, ...]) -> dict[Any, list[int]]:
    """By key, sorted, of what counted something: the order of buckets says nothing."""
    found = {key(part, one): sorted(filter(None, counters(part, one))) for one in steps}
    return {name: numbers for name, numbers in found.items() if numbers}


@each_part
def test_each_text_says_who_named_it(part: Part[Any]) -> None:
    hints = typing.get_type_hints(part.type)
    texts = {name for name, hint in hints.items() if hint is str}
    assert part.names.keys() == texts


@each_part
@given(data=st.data())
def test_names_are_anonymized(part: Part[Any], data: st.DataObject) -> None:
    renames = {Naming.DEVICE: lambda name: "DEV", Naming.TASK: lambda name: "TASK"}
    for one in data.draw(parts(part)):
        anonymous = part.anonymous(one, renames)
        for name in (field.name for field in dataclasses.fields(one)):
            before, after = getattr(one, name), getattr(anonymous, name)
            if isinstance(before, Worst):
                assert after == dataclasses.replace(before, comm="TASK")
            elif part.names.get(name) is Naming.TASK:
                assert after == (before and "TASK")
            elif part.names.get(name) is Naming.DEVICE and part.renamed is None:
                assert after == (before and "DEV")
            elif part.names.get(name) is not Naming.DEVICE:
                assert after == before


@each_chosen
def test_everything_shown_has_its_words(collector: Collector) -> None:
    assert collector.what and collector.shown and collector.shown.help
    words = collector.words
    assert words and words.title and words.event and words.cost
    assert len({one.name for one in collector.keys}) == len(collector.keys)
    assert all(one.name and one.meaning for one in collector.keys)
    for metric in collector.metrics:
        assert metric.help.endswith(".") and metric.meaning and metric.unit
        assert metric.name in metric.example
    assert all(column.title.isupper() for column in collector.shown.columns)


@each_chosen
def test_what_it_is_chosen_by_is_a_label_of_its_own(collector: Collector) -> None:
    """Where names have no end there is a choice."""
    assert bool(collector.chosen_by) == bool(collector.words and collector.words.folded)
    labels = {metric.labels[0] for metric in collector.metrics}
    assert not collector.chosen_by or collector.chosen_by in labels


@each_chosen
def test_keys_are_fields_of_its_sources(collector: Collector) -> None:
    assert collector.sources
    held = {
        part.name: tuple(st_example(part, seed) for seed in range(3)) for part in collector.parts
    }
    found = list(collector.sources(an_interval(a_probe(COLLECTORS, 0, **held))))
    assert found, "of some parts some sources come"
    for source in found:
        assert source.kind == collector.name
        for one in collector.keys:
            getattr(source, one.name)


def st_example(part: Part[Any], seed: int) -> Any:
    """One that counted something, of a CPU of its own where it is of one."""
    hints = typing.get_type_hints(part.type)
    counted = {
        int: 7,
        str: f"name{seed}",
        bool: False,
        Histogram: Histogram({9: 2}, 300),
        CountAndTime: CountAndTime(2, 300),
    }
    fields = {name: counted[hint] for name, hint in hints.items() if hint in counted}
    fields |= {name: seed for name in ("cpu", "pid", "irq", "cgroup") if name in hints}
    fields |= {name: {seed: 5} for name in hints if name == "cpus" and part.name == "exceptions"}
    return part.type(**fields)


@each
def test_what_the_loader_has_to_know_is_in_the_source(collector: Collector) -> None:
    probed = collector.probed
    assert probed.file is None or (bpf_folder() / probed.file).exists()
    assert all(len(hook.program) <= 15 for hook in probed.hooks)
    for name in (*(table.name for table in probed.tables), *probed.arrays):
        assert name in LAYOUTS.maps
    assert (
        probed.losses_in is None or probed.losses_in == "cpus" or probed.losses_in in probed.arrays
    )
    assert set(probed.needs) <= BY_NAME.keys()


@each
def test_ends_are_attached_before_beginnings(collector: Collector) -> None:
    order = [hook.tracepoint for hook in collector.probed.hooks]
    for begins, ends in (("_entry", "_exit"), ("_enter", "_exit"), ("_start", "_end")):
        for tracepoint in order:
            end = tracepoint.removesuffix(begins) + ends
            if tracepoint.endswith(begins) and end in order:
                assert order.index(end) < order.index(tracepoint)


@each_chosen
def test_its_cost_is_in_the_bench(collector: Collector) -> None:
    programs = {hook.program for hook in collector.probed.hooks}
    assert (EVENTS.get(collector.name) in programs) == bool(programs)


@each_chosen
def test_it_is_in_the_kernel_matrix(collector: Collector) -> None:
    """Its counts are held to the kernel's there; threads have a check of their own."""
    checked = {check.collector for check in check_probe.CHECKS} | set(check_probe.OWN)
    assert collector.name in checked | {"thread"}
    assert collector.stimulus in ("", *STIMULI)


def test_names_are_unique() -> None:
    parts_of = [part.name for part in PARTS]
    metrics = [metric.name for collector in ALL for metric in collector.metrics]
    programs = [hook.program for collector in ALL for hook in collector.probed.hooks]
    for names in (parts_of, metrics, sorted(set(programs))):
        assert len(set(names)) == len(names)
