"""Names of kernel functions in place of their addresses, from /proc/kallsyms."""

import bisect
import dataclasses
from collections.abc import Iterable, Mapping
from pathlib import Path

from tests.events import ARGUMENTS, Event

KALLSYMS = Path("/proc/kallsyms")
NOTHING = "0x0"


def with_names(events: Iterable[Event]) -> list[Event]:
    """The same events, their functions named. An address that has no name stays; of none there is
    no name."""
    events = list(events)
    names = {
        **names_of(addresses(events, ("function", "callback")), KALLSYMS),
        **names_around(addresses(events, ("callsite",)), KALLSYMS),
        NOTHING: "",
    }

    def named(event: Event) -> Event:
        args = tuple(
            names.get(value, value) if column in ("function", "callback", "callsite") else value
            for column, value in zip(ARGUMENTS[event.name], event.args, strict=True)
        )
        return event if args == event.args else dataclasses.replace(event, args=args)

    return [named(event) for event in events]


def addresses(events: Iterable[Event], columns: Iterable[str]) -> set[str]:
    """All that stand in these columns."""
    wanted = frozenset(columns)
    return {
        str(value)
        for event in events
        for column, value in zip(ARGUMENTS[event.name], event.args, strict=True)
        if column in wanted
    }


def names_of(functions: Iterable[str], kallsyms: Path) -> dict[int | str, str]:
    """By address (0x…)."""
    symbols = read_symbols(kallsyms)
    return {one: symbols[int(one, 16)] for one in functions if int(one, 16) in symbols}


def names_around(places: Iterable[str], kallsyms: Path) -> dict[int | str, str]:
    """Of the functions that these addresses (0x…) are in."""
    symbols = read_symbols(kallsyms)
    starts = sorted(symbols)
    return {
        place: symbols[starts[at - 1]]
        for place in places
        if (at := bisect.bisect_right(starts, int(place, 16)))
    }


def read_symbols(kallsyms: Path) -> Mapping[int, str]:
    """By address; of several names the first, as the kernel does (kallsyms_lookup())."""
    symbols: dict[int, str] = {}
    with kallsyms.open() as lines:
        for line in lines:
            address, _, rest = line.partition(" ")
            symbols.setdefault(int(address, 16), " ".join(rest.split()[1:]))
    return symbols
