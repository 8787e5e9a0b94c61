"""The types of every kernel that can be had, without booting it: each collector finds there what it
reads, or is one whose tracepoints that kernel lacks."""

import json
import subprocess
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import pytest

from irqwatch.source.kernel_types import KernelTypes
from tests.vm import type_table
from tests.vm.image import btf
from tests.vm.kernels import KERNELS, lacking
from tests.vm.packages import CACHE

READ: dict[str, type_table.Read] = {}


@pytest.mark.parametrize("kernel", list(KERNELS))
def test_every_collector_finds_what_it_reads(kernel: str) -> None:
    READ[kernel] = type_table.read(kernel)
    unavailable = READ[kernel].unavailable
    assert unavailable.keys() == lacking(kernel), unavailable
    assert all("no tracepoint" in why for why in unavailable.values())


class Oracle:
    """The same types as bpftool tells them."""

    def __init__(self, kernel: str) -> None:
        btf(kernel)
        told = subprocess.run(
            ["bpftool", "--json", "btf", "dump", "file", str(CACHE / "btf" / kernel)],
            capture_output=True,
            check=True,
        ).stdout
        self.types: dict[int, dict[str, Any]] = {
            one["id"]: one for one in json.loads(told)["types"]
        }

    def named(self, name: str, kind: str) -> list[dict[str, Any]]:
        return [one for one in self.types.values() if one["name"] == name and one["kind"] == kind]

    def tracepoints(self) -> Iterator[tuple[str, list[str]]]:
        """Names, and of each argument a word for what it is."""
        for one in self.types.values():
            if one["kind"] == "TYPEDEF" and one["name"].startswith("btf_trace_"):
                proto = self.resolved(self.resolved(one["type_id"])["type_id"])
                arguments = [self.word(parameter["type_id"]) for parameter in proto["params"]]
                yield one["name"].removeprefix("btf_trace_"), arguments[1:]

    def resolved(self, type_id: int) -> dict[str, Any]:
        one = self.types[type_id]
        while one["kind"] in ("TYPEDEF", "CONST", "VOLATILE", "RESTRICT", "TYPE_TAG"):
            if not one["type_id"]:
                return {"kind": "VOID"}
            one = self.types[one["type_id"]]
        return one

    def word(self, type_id: int) -> str:
        one = self.resolved(type_id) if type_id else {"kind": "VOID"}
        if one["kind"] == "INT":
            return "integer of {}".format(one["nr_bits"])
        return str(one["kind"]).lower()

    def member(self, one: Mapping[str, Any], name: str) -> tuple[int, int] | None:
        """Its offset in bits, and its type."""
        for member in one.get("members", ()):
            inner = self.resolved(member["type_id"]) if member["type_id"] else {}
            if member["name"] == name:
                return member["bits_offset"], member["type_id"]
            found = None if member["name"] != "(anon)" else self.member(inner, name)
            if found:
                return member["bits_offset"] + found[0], found[1]
        return None

    def offset_bytes(self, struct: str, path: str) -> int:
        """Raises LookupError."""
        for one in self.named(struct, "STRUCT"):
            at, bits = one, 0
            for step in path.split("."):
                found = self.member(at, step)
                if not found:
                    break
                bits += found[0]
                at = self.resolved(found[1])
            else:
                return bits // 8
        raise LookupError


@cache
def oracle(kernel: str) -> Oracle:
    return Oracle(kernel)


ORACLES = ("5.10", "7.3", "7.3-arm64")


def kind(text: str) -> str:
    """Our word for a type, as the oracle's."""
    if text.endswith("*"):
        return "ptr"
    if text in ("bool", "char"):
        return "integer of 8"
    if text[0] in "su" and text[1:].isdigit():
        return f"integer of {text[1:]}"
    return text.partition(" ")[0]


@pytest.mark.parametrize("kernel", ORACLES)
def test_arguments_are_those_that_bpftool_tells(kernel: str) -> None:
    types = KernelTypes(btf(kernel))
    wrong, count = {}, 0
    for name, expected in oracle(kernel).tracepoints():
        found = types.arguments(name)
        count += 1
        if found is None or [kind(one) for one in found] != expected:
            wrong[name] = found, expected
    assert count > 500
    # Typedefs of structs without a name of their own, and enums.
    assert {
        name: told
        for name, told in wrong.items()
        if told[0] is None or len(told[0]) != len(told[1]) or name in used(kernel)
    } == {}


def used(kernel: str) -> set[str]:
    found = READ.setdefault(kernel, type_table.read(kernel)).found
    return {what.partition(" ")[2] for what in found if what.startswith("tracepoint ")}


@pytest.mark.parametrize("kernel", ORACLES)
def test_fields_stand_where_bpftool_tells(kernel: str) -> None:
    types = KernelTypes(btf(kernel))
    found = type_table.read(kernel).found
    places = [what.split(".", 1) for what in found if "." in what]
    assert len(places) > 20
    for struct, path in places:
        try:
            expected = oracle(kernel).offset_bytes(struct, path)
        except LookupError:
            with pytest.raises(LookupError):
                types.field(struct, path)
        else:
            assert types.field(struct, path).offset_bytes == expected, (struct, path)
