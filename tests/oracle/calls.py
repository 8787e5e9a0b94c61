"""What the kernel's memory held for recorded calls of functions on other CPUs. The kernel's trace
does not say, but it follows from the events."""

import dataclasses
from collections import defaultdict
from collections.abc import Sequence

from tests.events import Event
from tests.native.sequence import CSD_IRQ_WORK, CSD_SYNC, CSD_WAKEUP

WAKEUP = "sched_ttwu_pending"


def with_memory(recorded: Sequence[Event]) -> list[Event]:
    """The same events, whose functions are named, with the flags and lists of calls."""
    run = {event.args[0] for event in recorded if event.name == "csd_function_entry"}
    lists = lists_of_wakeups(recorded)

    def flags(function: int | str) -> int:
        if function == WAKEUP:
            return CSD_WAKEUP
        return CSD_SYNC if function in run else CSD_IRQ_WORK

    def completed(number: int, event: Event) -> Event:
        match event.name, event.args:
            case "csd_queue_cpu", (*known, function, csd, _):
                return dataclasses.replace(event, args=(*known, function, csd, flags(function)))
            case "csd_function_entry", (function, csd, *_):
                following = " ".join(hex(other) for other in lists.get(number, ()))
                return dataclasses.replace(event, args=(function, csd, flags(function), following))
        return event

    return [completed(number, event) for number, event in enumerate(recorded)]


def lists_of_wakeups(recorded: Sequence[Event]) -> dict[int, list[int]]:
    """By the number of the entry: the calls that one run is for, but for the first, which is its
    own. They are those that were queued on this CPU after that one, up to the one that the next run
    begins with."""
    firsts: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for number, event in enumerate(recorded):
        if event.name == "csd_function_entry" and event.args[0] == WAKEUP:
            firsts[event.cpu].append((number, int(event.args[1])))
    begins = {
        number: following
        for entries in firsts.values()
        for (number, _), (_, following) in zip(entries, [*entries[1:], (0, 0)], strict=True)
    }
    waiting: dict[int, list[int]] = defaultdict(list)
    lists = {}
    for number, event in enumerate(recorded):
        if event.name == "csd_queue_cpu" and event.args[2] == WAKEUP:
            waiting[int(event.args[0])].append(int(event.args[3]))
        elif number in begins:
            queue, first = waiting[event.cpu], int(event.args[1])
            after = queue.index(first) + 1 if first in queue else 0
            end = begins[number]
            until = queue.index(end, after) if end in queue[after:] else len(queue)
            lists[number] = queue[after:until] if after else []
            waiting[event.cpu] = queue[until:]
    return lists
