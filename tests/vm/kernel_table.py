"""The table of kernels: each collector in each, the oracle, what is wrong."""

from collections.abc import Iterator, Mapping
from typing import Any

from irqwatch.collectors import COLLECTORS
from tests.vm import rows
from tests.vm.kernels import KERNELS

TABLE = "kernels"
LONGEST = 300  # of what is wrong; the whole is in .cache/results


def text() -> Iterator[str]:
    """One line for each collector of a kernel, one for its oracle and log."""
    results = rows.kept(TABLE)
    order = [name for name in KERNELS if name in results]
    if not order:
        return
    head = ("kernel", "release", "collector", "loaded", "counted", "kernel's", "what", "run")
    yield from rows.lines(head, (row for name in order for row in _of(name, results[name])))
    for name in order:
        yield ""
        yield from _rest(name, results[name])


def _of(name: str, result: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    when = rows.when(result)
    if "collectors" not in result:
        yield (
            name,
            "",
            "",
            "no",
            "",
            "",
            result.get("error", "").strip().splitlines()[-1][:LONGEST],
            when,
        )
        return
    for collector in COLLECTORS:
        told = result["collectors"].get(collector, {"why_not": "not told"})
        yield (name, result["release"], collector, *cells(told), when)


def cells(told: Mapping[str, Any]) -> tuple[str, str, str, str]:
    """Loaded, counted, the kernel's, what."""
    if "why_not" in told:
        return "no", "", "", told["why_not"]
    if "seen" not in told:
        return "yes", "", "", "nothing to see here"
    least, most = told["least"], told["most"]
    kernels = f"{least}" if least == most else f"{least}..{'' if most is None else most}"
    lost = ", ".join(f"{reason} {count}" for reason, count in told.get("lost", {}).items())
    return "yes", str(told["seen"]), kernels, told["what"] + (f"; lost: {lost}" if lost else "")


def _rest(name: str, result: Mapping[str, Any]) -> Iterator[str]:
    for what in ("oracle", "threads", "sums", "work_ns", "serve"):
        if what in result:
            yield f"{name}: {what}: {_one_line(result[what])}"
    misses = {program: misses for program, misses in result.get("misses", {}).items() if misses}
    yield f"{name}: runs that the kernel skipped: {_one_line(misses) or 'none'}"
    complaints = result.get("log", [])
    yield f"{name}: the kernel's log: {'; '.join(complaints) or 'no complaints'}"
    for one in result.get("wrong", ()):
        yield f"{name}: WRONG: {one[:LONGEST]}"


def _one_line(told: object) -> str:
    if isinstance(told, Mapping):
        return ", ".join(f"{name} {str(value)[:LONGEST]}" for name, value in told.items())
    return str(told)
