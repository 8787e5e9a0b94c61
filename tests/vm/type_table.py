"""What each collector reads of a kernel's types, kernel by kernel: what it finds, and what changed
from one to the next."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from irqwatch.collectors import BY_NAME, COLLECTORS
from irqwatch.source.kernel_types import KernelTypes
from irqwatch.source.loader import request
from irqwatch.source.loader_child import abilities, usable
from tests.vm import rows
from tests.vm.image import btf
from tests.vm.kernels import KERNELS

ABSENT = "-"
SUFFIXES = ("-rt", "-sid")


class Read(NamedTuple):
    """Of one kernel: why collectors cannot be had, and by what is read ("tracepoint NAME",
    "struct.field", "constant NAME", …) what the kernel has there."""

    unavailable: Mapping[str, str]
    found: Mapping[str, str]


def read(kernel: str) -> Read:
    """Raises PackageError."""
    types = KernelTypes(btf(kernel))
    requests = [request(BY_NAME[name]) for name in COLLECTORS]
    _, _, unavailable = usable(types, requests)
    found: dict[str, str] = {}
    for one in requests:
        for _, tracepoint, _, fields, _ in one["hooks"]:
            arguments = types.arguments(tracepoint)
            told = ABSENT if arguments is None else f"({', '.join(arguments)})"
            found[f"tracepoint {tracepoint}"] = told
            found.update(_fields(types, fields))
        found.update(_fields(types, (*one["fields"], *one["optional_fields"])))
        for name, _ in one["constants"]:
            value = types.enumerator(name)
            found[f"constant {name}"] = ABSENT if value is None else str(value)
    can = abilities(types, {}, version="")
    found["hash tables fill as they grow"] = "yes" if can["HASH_FLAGS"] else "no"
    found["bpf_snprintf"] = "yes" if "KERNEL_NAMES_FUNCTIONS" in can else "no"
    return Read(unavailable, found)


def _fields(types: KernelTypes, fields: Iterable[tuple[str, str, object]]) -> dict[str, str]:
    """Without where they stand: that is another in most kernels, and is looked up in each."""
    found = {}
    for struct, path, _ in fields:
        try:
            found[f"{struct}.{path}"] = types.field(struct, path).type
        except LookupError:
            found[f"{struct}.{path}"] = ABSENT
    return found


def before(kernel: str) -> str | None:
    """The one that it is compared with: the one before it of its architecture, or the same one
    that is not real-time."""
    for suffix in SUFFIXES:
        if kernel.endswith(suffix):
            return kernel.removesuffix(suffix)
    own = KERNELS[kernel].architecture
    alike = [
        name
        for name, one in KERNELS.items()
        if one.architecture == own and not name.endswith(SUFFIXES)
    ]
    at = alike.index(kernel)
    return alike[at - 1] if at else None


def changes(then: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    return [
        f"{what}: {then.get(what, ABSENT)} → {value}"
        for what, value in sorted(now.items())
        if then.get(what, ABSENT) != value
    ]


def text(reads: Mapping[str, Read]) -> Iterator[str]:
    """Kernel × collector, then what changed."""
    if not reads:
        return
    yield ""
    body = [
        (name, *("no" if one in read.unavailable else "fits" for one in COLLECTORS))
        for name, read in reads.items()
    ]
    yield from rows.lines(("types of", *COLLECTORS), body)
    for name, read in reads.items():
        for collector, why in read.unavailable.items():
            yield f"{name}: {collector}: {why}"
    for name, read in reads.items():
        then = before(name)
        if then in reads:
            for change in changes(reads[then].found, read.found) or ["nothing"]:
                yield f"{name} changed against {then}: {change}"
