"""BTF of a kernel that there is not, made by hand (Documentation/bpf/btf.rst)."""

import struct

from irqwatch.source.kernel_types import (
    FUNC_PROTO,
    INT,
    PTR,
    STRUCT,
    TYPEDEF,
    KernelTypes,
)

SIGNED, BOOL = 1 << 24, 4 << 24  # of INT's own word


class Btf:
    """BTF under the pen: each method adds a type and gives its id."""

    def __init__(self) -> None:
        self.strings = b"\0"
        self.types = b""
        self.count = 0
        self._names = {"": 0}

    def name(self, text: str) -> int:
        if text not in self._names:
            self._names[text] = len(self.strings)
            self.strings += text.encode() + b"\0"
        return self._names[text]

    def add(
        self, kind: int, name: str, last: int, *words: int, vlen: int = 0, flag: int = 0
    ) -> int:
        info = flag << 31 | kind << 24 | vlen
        self.types += struct.pack(f"={3 + len(words)}I", self.name(name), info, last, *words)
        self.count += 1
        return self.count

    def integer(self, name: str, size: int, encoding: int = 0) -> int:
        return self.add(INT, name, size, encoding | size * 8)

    def struct(self, name: str, *members: tuple[str, int, int], kind: int = STRUCT) -> int:
        """(name, type, offset in bits)."""
        words = [word for m, type_id, bits in members for word in (self.name(m), type_id, bits)]
        return self.add(kind, name, 64, *words, vlen=len(members))

    def function(self, *types: int) -> int:
        words = [word for one in types for word in (0, one)]
        return self.add(FUNC_PROTO, "", 0, *words, vlen=len(types))

    def tracepoint(self, name: str, *types: int) -> int:
        pointer = self.add(PTR, "", self.function(self.add(PTR, "", 0), *types))
        return self.add(TYPEDEF, f"btf_trace_{name}", pointer)

    def raw(self, header_bytes: int = 24) -> bytes:
        head = struct.pack(
            "=HBBIIIII", 0xEB9F, 1, 0, header_bytes, 0, len(self.types), len(self.types),
            len(self.strings),
        )  # fmt: skip
        return head.ljust(header_bytes, b"\0") + self.types + self.strings

    def read(self) -> KernelTypes:
        return KernelTypes(self.raw())

    def typed(self, text: str) -> int:
        """The type that ``irqwatch.source.kernel_types`` tells so; a pointer where that is ""."""
        if not text or text.endswith(" *"):
            return self.add(PTR, "", self.typed(text[:-2]) if text else 0)
        if text in ("void", "function"):
            return 0 if text == "void" else self.function()
        if text.startswith("struct "):
            return self.struct(text.removeprefix("struct "))
        if text in ("char", "bool"):
            return self.integer(text, 1, BOOL if text == "bool" else 0)
        return self.integer(text, int(text[1:]) // 8, SIGNED if text[0] == "s" else 0)
