"""The types of a kernel (BTF) out of its image, which nothing has to boot for.

``python -m tests.vm.image [NAME...]`` writes them to ``.cache/btf/NAME`` and says how many bytes.
"""

import gzip
import lzma
import re
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.vm.kernels import KERNELS, image
from tests.vm.packages import CACHE, PackageError, locked

# linux: Documentation/arch/x86/boot.rst. Where the 32-bit code starts, counted in sectors after the
# first, and where in that code the compressed kernel is.
SETUP_SECTORS, X86_MAGIC, PAYLOAD = 0x1F1, 0x202, 0x248
# linux: drivers/firmware/efi/libstub/zboot-header.S: MZ, zimg, offset and size of the payload.
ZBOOT = struct.Struct("<2s2x4sII")
# linux: include/uapi/linux/btf.h, struct btf_header: magic, version, flags, length of the header,
# then where types and strings are, counted from the header's end. The types come first.
BTF_HEADER = struct.Struct("<HBBIIIII")
BTF_START = re.compile(rb"\x9f\xeb\x01\x00[\x18-\x40]\x00\x00\x00\x00\x00\x00\x00", re.DOTALL)


def btf(name: str) -> bytes:
    """Of a key of KERNELS. Raises PackageError."""
    file = CACHE / "btf" / name
    with locked(file):
        if not file.exists():
            found = btf_of(image(name))
            part = file.with_suffix(f"{file.suffix}.part")
            part.write_bytes(found)
            part.rename(file)
    return file.read_bytes()


def btf_of(file: Path) -> bytes:
    """The largest in it; a module that is built in may bring its own. Raises PackageError."""
    kernel = unpacked(file.read_bytes())
    found = [_btf_at(kernel, start.start()) for start in BTF_START.finditer(kernel)]
    longest = max(found, key=len, default=b"")
    if len(longest) < 1 << 20:
        raise PackageError(f"{file}: no types of a kernel in it")
    return longest


def unpacked(raw: bytes) -> bytes:
    """The kernel in a bootable image. Raises PackageError."""
    if raw[X86_MAGIC : X86_MAGIC + 4] == b"HdrS":
        offset, length = struct.unpack_from("<II", raw, PAYLOAD)
        start = (raw[SETUP_SECTORS] + 1) * 512 + offset
        return _decompressed(raw[start : start + length])
    mz, zimg, offset, length = ZBOOT.unpack_from(raw)
    if (mz, zimg) == (b"MZ", b"zimg"):
        return _decompressed(raw[offset : offset + length])
    if raw.startswith(b"\x1f\x8b"):
        return gzip.decompress(raw)
    return raw  # arm64's plain Image


def _decompressed(payload: bytes) -> bytes:
    """The kernel's build adds its length, four bytes, after most kinds."""
    for magic, decompress in KINDS.items():
        if payload.startswith(magic):
            return decompress(payload)
    raise PackageError(f"a kernel compressed in a way that starts with {payload[:6].hex()}")


def _gunzip(payload: bytes) -> bytes:
    return zlib.decompressobj(wbits=31).decompress(payload)


def _unxz(payload: bytes) -> bytes:
    return lzma.LZMADecompressor().decompress(payload)


def _with(tool: str) -> Callable[[bytes], bytes]:
    """zstd and lz4, which Python's library has not. They fail at what comes after, and are done."""

    def decompress(payload: bytes) -> bytes:
        try:
            done = subprocess.run([tool, "-dcq"], input=payload, capture_output=True, check=False)
        except FileNotFoundError:
            raise PackageError(f"{tool} is not installed") from None
        return done.stdout

    return decompress


KINDS: Mapping[bytes, Callable[[bytes], bytes]] = {
    b"\x1f\x8b": _gunzip,
    b"\xfd7zXZ\x00": _unxz,
    b"\x28\xb5\x2f\xfd": _with("zstd"),
    b"\x02\x21\x4c\x18": _with("lz4"),
}


def _btf_at(kernel: bytes, start: int) -> bytes:
    """What the header there says is its own; nothing where it is no header."""
    if len(kernel) < start + BTF_HEADER.size:
        return b""
    _, _, _, header, types, type_bytes, strings, string_bytes = BTF_HEADER.unpack_from(
        kernel, start
    )
    end = start + header + strings + string_bytes
    is_one = types == 0 and strings >= type_bytes and end <= len(kernel)
    return kernel[start:end] if is_one else b""


if __name__ == "__main__":
    for name in sys.argv[1:] or KERNELS:
        try:
            print(f"{name}: {len(btf(name)):,} bytes")
        except PackageError as error:
            print(f"{name}: {error}")
