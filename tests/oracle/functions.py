"""Names of kernel functions in place of their addresses, from /proc/kallsyms."""

import dataclasses
from collections.abc import Iterable
from pathlib import Path

from tests.events import ARGUMENTS, Event


def with_names(events: Iterable[Event]) -> list[Event]:
    """The same events, the work functions named. An address that has no name stays."""
    events = list(events)
    addresses = {str(event.args[-1]) for event in events if has_function(event)}
    names = names_of(addresses, Path("/proc/kallsyms"))
    return [
        dataclasses.replace(
            event, args=(*event.args[:-1], names.get(event.args[-1], event.args[-1]))
        )
        if has_function(event)
        else event
        for event in events
    ]


def has_function(event: Event) -> bool:
    return ARGUMENTS[event.name][-1] == "function"


def names_of(addresses: Iterable[str], kallsyms: Path) -> dict[str | int, str]:
    """By address (0x…); of several names the first, as the kernel does (kallsyms_lookup())."""
    wanted = {int(address, 16): address for address in addresses}
    found: dict[str | int, str] = {}
    with kallsyms.open() as symbols:
        for line in symbols:
            address, _, rest = line.partition(" ")
            if int(address, 16) in wanted:
                found.setdefault(wanted[int(address, 16)], " ".join(rest.split()[1:]))
    return found
