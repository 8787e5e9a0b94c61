"""Writes what is made of the collectors' records in docs/metrics.md, docs/json.md, docs/kernels.md
and README.md: what stands there between two markers. The rest of them is written by hand.

    python -m docs.make
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from irqwatch.base.collector import Collector, Field, Key, Metric
from irqwatch.collectors import ALL
from irqwatch.model.topology import NR_CPUS
from irqwatch.sink.prometheus.table import OWN

REPOSITORY = Path(__file__).resolve().parents[1]

BEGINS, ENDS = "<!-- made by make docs: {} -->", "<!-- end -->"


def made(collectors: Sequence[Collector], own: Sequence[Metric]) -> dict[str, dict[str, str]]:
    """File → what is made of it: the name in the marker → Markdown."""
    return {
        "docs/metrics.md": {
            "the collectors' metrics": "\n\n".join(sections_of_metrics(collectors)),
            "irqwatch's own metrics": table_of_metrics(own),
            "what each collector costs": costs(collectors),
            "what folds": folds(collectors),
        },
        "docs/json.md": {"the collectors' keys": "\n\n".join(sections_of_keys(collectors))},
        "docs/kernels.md": {
            "tracepoints": tracepoints(collectors),
            "fields": fields(collectors),
            "constants": constants(collectors),
        },
        "README.md": {"collectors": defaults(collectors)},
    }


def put(text: str, parts: Mapping[str, str]) -> str:
    """The text with its parts made anew. It has the markers of each, and no others: a part without
    its place would be missed by nobody."""
    places = re.compile(rf"{BEGINS.format('(.+?)')}\n.*?{ENDS}", re.DOTALL)
    found = [place[1] for place in places.finditer(text)]
    if sorted(found) != sorted(parts):
        raise ValueError(f"there are markers of {sorted(found)}, not of {sorted(parts)}")
    return places.sub(lambda at: f"{BEGINS.format(at[1])}\n\n{parts[at[1]]}\n\n{ENDS}", text)


def sections_of_metrics(collectors: Iterable[Collector]) -> Iterator[str]:
    for collector in collectors:
        if words := collector.words:
            parts = (
                f"## {words.title}",
                "" if collector.is_hidden else _choice(collector),
                words.before.strip(),
                table_of_metrics(collector.metrics),
                words.after.strip(),
            )
            yield "\n\n".join(part for part in parts if part)


def sections_of_keys(collectors: Iterable[Collector]) -> Iterator[str]:
    for collector in collectors:
        if collector.keys:
            words = collector.words.json.strip() if collector.words else ""
            parts = (f"### of `{collector.name}`", words, _table_of_keys(collector.keys))
            yield "\n\n".join(part for part in parts if part)


def table_of_metrics(metrics: Iterable[Metric]) -> str:
    return _table(
        ("metric", "type", "unit", "labels", "meaning", "for example"),
        (
            (
                _code(metric.name),
                metric.kind,
                metric.unit,
                _codes(metric.labels),
                metric.meaning,
                _code(metric.example),
            )
            for metric in metrics
        ),
    )


def costs(collectors: Iterable[Collector]) -> str:
    """And what ``irqwatch trace`` makes dearer: those of which it reports single events."""
    collectors = list(collectors)
    table = _table(
        ("collector", "default", "an event is", "costs"),
        (
            (_code(one.name), one.default.value, one.words.event, one.words.cost)
            for one in _chosen(collectors)
            if one.words
        ),
    )
    traced = _codes(one.name for one in collectors if one.slow_kinds)
    return f"{table}\n\n`irqwatch trace` loads these, with one comparison more each: {traced}."


def folds(collectors: Iterable[Collector]) -> str:
    return _table(
        ("what", "at most, up to 4 CPUs", "at most, on larger hosts", "from the start"),
        (
            (row.what, str(row.most.on(1)), str(row.most.on(NR_CPUS)), row.at_once)
            for one in collectors
            if one.words
            for row in one.words.folded
        ),
    )


def tracepoints(collectors: Iterable[Collector]) -> str:
    """A row for each form of a tracepoint's arguments that there is a program for."""
    return _table(
        ("collector", "tracepoint", "arguments, from the first on, that are read"),
        (
            (_code(one.name), _code(hook.tracepoint), _arguments(hook.arguments))
            for one in collectors
            for hook in one.probed.hooks
        ),
    )


def _arguments(types: Iterable[str]) -> str:
    return ", ".join(_code(one) if one else "any" for one in types) or "none"


def fields(collectors: Iterable[Collector]) -> str:
    return _table(
        ("field", "type", "read by", "else"),
        (
            (
                _code(f"{field.struct}.{field.path}"),
                " or ".join(map(_code, field.types)),
                _code(one.name),
                otherwise,
            )
            for one in collectors
            for field, otherwise in _fields_of(one)
        ),
    )


def _fields_of(collector: Collector) -> Iterator[tuple[Field, str]]:
    """And what is where it is not as told."""
    probed = collector.probed
    yield from ((field, "refused") for field in probed.fields)
    yield from ((field, "done without") for field in probed.optional_fields)
    for hook in probed.hooks:
        yield from ((field, f"the next form of `{hook.tracepoint}`") for field in hook.fields)


def constants(collectors: Iterable[Collector]) -> str:
    return _table(
        ("constant", "value", "counted on by"),
        (
            (_code(name), str(value), _code(one.name))
            for one in collectors
            for name, value in one.probed.constants
        ),
    )


def defaults(collectors: Iterable[Collector]) -> str:
    return _table(
        ("collector", "is about", "default"),
        ((_code(one.name), one.what, one.default.value) for one in _chosen(collectors)),
    )


def _chosen(collectors: Iterable[Collector]) -> Iterator[Collector]:
    return (collector for collector in collectors if not collector.is_hidden)


def _choice(collector: Collector) -> str:
    """How it is switched on and off, and what that depends on."""
    flag = f"`--[no-]collector.{collector.name}`, by default {collector.default.value}."
    if collector.chosen_by:
        options = f"`--collector.{collector.name}.include` and `.exclude`"
        flag += f" {options} are about `{collector.chosen_by}`."
    needs = collector.probed.needs
    if not needs:
        return flag
    return f"{flag} It needs {'one of ' if len(needs) > 1 else ''}{_codes(needs)}."


def _table_of_keys(keys: Iterable[Key]) -> str:
    return _table(
        ("key", "unit", "meaning"), ((_code(key.name), key.unit, key.meaning) for key in keys)
    )


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "\n".join((_row(titles), "|" + "---|" * len(titles), *map(_row, rows)))


def _row(cells: Iterable[str]) -> str:
    """A bar inside a cell would end it, in code too."""
    escaped = (cell.replace("|", r"\|") for cell in cells)
    return "|" + "|".join(f" {cell} " if cell else " " for cell in escaped) + "|"


def _code(text: str) -> str:
    return f"`{text}`"


def _codes(names: Iterable[str]) -> str:
    return ", ".join(map(_code, names))


def main() -> None:
    for name, parts in made(ALL, OWN).items():
        path = REPOSITORY / name
        path.write_text(put(path.read_text(encoding="utf-8"), parts), encoding="utf-8")


if __name__ == "__main__":
    main()
