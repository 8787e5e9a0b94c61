"""All that is known of one interrupt line, for people and scripts. docs/json.md has the keys."""

import json
from collections.abc import Collection, Iterator, Sequence

from irqwatch.base import hint
from irqwatch.base.names import device_names
from irqwatch.cells import UNKNOWN, count, cpu_list, percent, seconds, where
from irqwatch.collectors.hardirq import HardirqSource
from irqwatch.model.line_story import LineStory
from irqwatch.model.view import Caused, InterruptSource, Source

SCHEMA = 1
LABEL_WIDTH = 13
BEHIND_TOLD = 24

FOLLOWED = {True: "", False: " (not followed)", None: " (not known whether it runs there)"}


def to_text(story: LineStory) -> str:
    """A paragraph, each line ended."""
    line = story.line
    title = f"interrupt {line.irq}: {', '.join(line.actions) or 'no action'}"
    rows = [*_wiring(story), *_placement(story), *_cost(story)]
    return "\n".join([title, *(f"  {name:{LABEL_WIDTH}}{text}" for name, text in rows)]) + "\n"


def _wiring(story: LineStory) -> Iterator[tuple[str, str]]:
    line = story.line
    for device in story.devices:
        queue = "" if device.queue is None else f", queue {device.queue}"
        is_named = device.bus_address not in {"", device.device}
        address = f" at {device.bus_address}" if is_named else ""
        yield "device", f"{device.device} ({device.kind}){address}{queue}"
        if behind := story.behind.get(device.device):
            yield "behind it", _some(behind)
    yield (
        "controller",
        f"{line.controller or UNKNOWN}, hwirq {line.hwirq or UNKNOWN}, "
        + (line.trigger or "trigger not known"),
    )
    if story.setting and story.setting.unhandled:
        yield "unhandled", f"{story.setting.unhandled:,} that no action took as its own"


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - BEHIND_TOLD} more" if len(names) > BEHIND_TOLD else ""
    return ", ".join(names[:BEHIND_TOLD]) + more


def _placement(story: LineStory) -> Iterator[tuple[str, str]]:
    setting = story.setting
    yield "node", _near(story)
    if setting is None:
        yield "may run on", "not known (/proc/irq cannot be read)"
        return
    yield "may run on", _cpus(setting.affinity) + _how_fixed(story)
    yield "runs on", _cpus(setting.effective)
    if setting.hint is not None:
        seen = frozenset(cpu for source in story.sources for cpu in source.cpus)
        yield "driver wants", _cpus(setting.hint) + FOLLOWED[hint.is_followed(setting, seen)]


def _near(story: LineStory) -> str:
    """The node, and of a device's which CPUs are near."""
    node = _node(story)
    if node is None or node < 0:
        return "not known" if node is None else "none"
    if _device_node(story) is None:
        return str(node)
    local = [cpu.number for cpu in story.topology.cpus.values() if cpu.node == node]
    return f"{node}: {_cpus(local)} {'are' if len(local) > 1 else 'is'} near"


def _node(story: LineStory) -> int | None:
    """The device's, else what the kernel has for the line; below zero is none."""
    node = _device_node(story)
    return story.setting.node if node is None and story.setting else node


def _device_node(story: LineStory) -> int | None:
    return next((one.node for one in story.devices if one.node is not None), None)


def _how_fixed(story: LineStory) -> str:
    if story.setting is None or story.setting.writable is None:
        return ""
    return "" if story.setting.writable else ": the kernel manages it and lets nobody move it"


def _cpus(cpus: Collection[int] | None) -> str:
    """With the noun: "CPU 3", "CPUs 0-3"."""
    if not cpus:
        return "not known" if cpus is None else "no CPU"
    return f"{_cpu_noun(cpus)} {cpu_list(cpus)}"


def _cpu_noun(cpus: Collection[int]) -> str:
    return "CPU" if len(cpus) == 1 else "CPUs"


def _cost(story: LineStory) -> Iterator[tuple[str, str]]:
    for thread in story.threads:
        yield "thread", f"{thread.name}[{thread.pid}], {seconds(thread.cpu_ns / 1e9)} of CPU so far"
    of_now = [source for source in story.sources if isinstance(source, HardirqSource)]
    if not of_now:
        quiet = f"quiet: nothing in {story.interval_s:.3g} s"
        yield "now", quiet if story.is_counted else "not known: its counter was set back"
    for source in of_now:
        several = f" ({source.name})" if len(of_now) > 1 else ""
        yield f"now{several}", _rate(source)
        if not story.timed:
            continue
        yield "top half", _times(source)
        for part in source.caused:
            yield "caused", _caused(part, story.interval_s)
        if source.caused:
            yield "in all", f"{percent(source.whole_share)} of one CPU"


def _rate(source: Source) -> str:
    counts = {cpu: part.count for cpu, part in source.cpus.items()}
    return f"{count(source.rate)} a second on {_cpu_noun(counts)} {where(counts)}"


def _times(source: HardirqSource) -> str:
    not_mine = ""
    if source.not_mine_count:
        not_mine = f", {percent(source.not_mine_count / source.count)} not its own"
    return (
        f"{percent(source.share)} of one CPU: p50 {seconds(source.p50_s)}, "
        f"p99 {seconds(source.p99_s)}, longest {seconds(source.max_s)}{not_mine}"
    )


def _caused(part: Caused, interval_s: float) -> str:
    queue = f" ({part.workqueue})" if part.workqueue else ""
    via = f" by {part.via}" if part.via else ""
    is_known = interval_s and part.seconds is not None
    share = percent((part.seconds or 0.0) / interval_s) if is_known else UNKNOWN
    rate = count(part.count / interval_s) if interval_s else UNKNOWN
    return f"{part.kind} {part.name}{queue}{via}: {rate} a second, {share} of one CPU"


def to_json(story: LineStory) -> str:
    """One object on one line, without its newline."""
    line, setting = story.line, story.setting
    device = story.devices[0] if len(story.devices) == 1 else None
    return json.dumps(
        {
            "schema": SCHEMA,
            "irq": line.irq,
            "actions": list(line.actions),
            "controller": line.controller or None,
            "hwirq": line.hwirq or None,
            "trigger": line.trigger or None,
            "device": device_names(story.devices).get(line.irq or 0),
            "kind": device.kind if device else None,
            "behind": [name for of in story.devices for name in story.behind.get(of.device, ())],
            "bus_address": device.bus_address or None if device else None,
            "queue": device.queue if device else None,
            "node": _node(story),
            "affinity": _list(setting.affinity if setting else None),
            "effective": _list(setting.effective if setting else None),
            "hint": _list(setting.hint if setting else None),
            "writable": setting.writable if setting else None,
            "unhandled": setting.unhandled if setting else None,
            "threads": [{"pid": of.pid, "name": of.name} for of in story.threads],
            "interval_s": story.interval_s,
            "sources": [
                {
                    "kind": of.kind,
                    "name": of.name,
                    "count": of.count,
                    "seconds": of.seconds,
                    "p50_s": of.p50_s,
                    "p99_s": of.p99_s,
                    "max_s": of.max_s,
                    "whole_share": of.whole_share if isinstance(of, InterruptSource) else None,
                    "cpus": {str(cpu): part.count for cpu, part in of.cpus.items()},
                    "caused": [
                        {
                            "kind": part.kind,
                            "name": part.name,
                            "workqueue": part.workqueue,
                            "via": part.via or None,
                            "count": part.count,
                            "seconds": part.seconds,
                        }
                        for part in (of.caused if isinstance(of, InterruptSource) else ())
                    ],
                }
                for of in story.sources
            ],
        },
        separators=(",", ":"),
    )


def _list(cpus: frozenset[int] | None) -> list[int] | None:
    return None if cpus is None else sorted(cpus)
