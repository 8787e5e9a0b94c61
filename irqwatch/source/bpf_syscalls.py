"""What the agent asks of the kernel's BPF maps and programs, through libbpf's thin wrappers.

libbpf is present wherever bcc is and loads no compiler. All but possible_cpus(), which makes a map,
work on descriptors that the process holds, and so need no privilege since Linux 5.19 (commit
c8644cd0efe7).
"""

import ctypes
import errno
import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache

from irqwatch.base.layout import WORD_BYTES
from irqwatch.errors import ProbeError
from irqwatch.model.topology import NR_CPUS

# Newest first.
LIBBPF = ("libbpf.so.1", "libbpf.so.0")

BATCH = 64

# enum bpf_map_type, include/uapi/linux/bpf.h: those whose values have a part for each possible CPU.
PERCPU_HASH, PERCPU_ARRAY, LRU_PERCPU_HASH = 5, 6, 10
PER_CPU = frozenset({PERCPU_HASH, PERCPU_ARRAY, LRU_PERCPU_HASH})

UNTOUCHED = b"\xa5" * WORD_BYTES


class _MapInfo(ctypes.Structure):
    """The head of struct bpf_map_info, include/uapi/linux/bpf.h."""

    _fields_ = (
        ("type", ctypes.c_uint32),
        ("id", ctypes.c_uint32),
        ("key_size", ctypes.c_uint32),
        ("value_size", ctypes.c_uint32),
        ("max_entries", ctypes.c_uint32),
    )


class _ProgramInfo(ctypes.Structure):
    """struct bpf_prog_info up to recursion_misses, include/uapi/linux/bpf.h (Linux 5.12)."""

    _fields_ = (
        ("head", ctypes.c_ubyte * 192),
        ("run_time_ns", ctypes.c_uint64),
        ("run_cnt", ctypes.c_uint64),
        ("recursion_misses", ctypes.c_uint64),
    )


@dataclass(frozen=True, slots=True)
class MapShape:
    """Sizes in bytes (of a per-CPU value one part's) and the limit of entries."""

    key_bytes: int
    value_bytes: int
    max_entries: int
    is_per_cpu: bool = False


@cache
def _libbpf() -> ctypes.CDLL:
    for name in LIBBPF:
        try:
            lib = ctypes.CDLL(name, use_errno=True)
        except OSError:
            continue
        lib.libbpf_set_print(None)  # it would write its remarks to stderr
        pointer, integer = ctypes.c_void_p, ctypes.c_int
        lib.bpf_map_lookup_elem.argtypes = (integer, pointer, pointer)
        lib.bpf_map_update_elem.argtypes = (integer, pointer, pointer, ctypes.c_uint64)
        lib.bpf_map_delete_elem.argtypes = (integer, pointer)
        lib.bpf_map_lookup_batch.argtypes = (integer, *([pointer] * 6))
        lib.bpf_obj_get_info_by_fd.argtypes = (integer, pointer, pointer)
        return lib
    raise ProbeError("libbpf.so.1 is missing: install libbpf (Debian, Ubuntu: apt install libbpf1)")


def _failed(call: str) -> ProbeError:
    return ProbeError(f"{call}: {os.strerror(ctypes.get_errno())}")


@cache
def possible_cpus() -> int:
    """How many parts a per-CPU value has on the running kernel, by the kernel's own doing: it fills
    as many words of a value of one word each. /sys may be another host's, or hide CPUs, and the
    kernel writes for all of them whatever room there is. Raises ProbeError; needs what loading the
    probe needs, once."""
    lib = _libbpf()
    fd = _create_per_cpu_word(lib)
    try:
        value = bytearray(UNTOUCHED * NR_CPUS)
        room = (ctypes.c_ubyte * len(value)).from_buffer(value)
        if lib.bpf_map_lookup_elem(fd, bytes(4), room):
            raise _failed("BPF_MAP_LOOKUP_ELEM")
    finally:
        os.close(fd)
    return value.index(UNTOUCHED) // WORD_BYTES if UNTOUCHED in value else NR_CPUS


def check_possible(cpus: Collection[int]) -> None:
    """Raises ProbeError where these, as sysfs has them, are not as many as the kernel's: with
    another number of them every CPU would be taken for another one."""
    if possible_cpus() != len(cpus):
        raise ProbeError(
            f"{possible_cpus()} CPUs are possible here, and /sys has {len(cpus)}: it is another "
            "kernel's, or hides some"
        )


def _create_per_cpu_word(lib: ctypes.CDLL) -> int:
    if hasattr(lib, "bpf_map_create"):
        fd: int = lib.bpf_map_create(PERCPU_ARRAY, b"irqw_cpus", 4, WORD_BYTES, 1, None)
    else:  # libbpf before 0.7
        fd = lib.bpf_create_map(PERCPU_ARRAY, 4, WORD_BYTES, 1, 0)
    if fd < 0:
        raise _failed("BPF_MAP_CREATE")
    return fd


def map_shape(fd: int) -> MapShape:
    """What the kernel says of a map. Raises ProbeError."""
    info = _MapInfo()
    _get_info(fd, info)
    return MapShape(info.key_size, info.value_size, info.max_entries, info.type in PER_CPU)


def program_statistics(fd: int) -> tuple[int, int, int | None]:
    """(run count, run time in ns, recursion misses) of a program; what the kernel does not know of
    is None: misses before Linux 5.12. Raises ProbeError."""
    info = _ProgramInfo()
    known_bytes = _get_info(fd, info)
    misses = info.recursion_misses if known_bytes == ctypes.sizeof(info) else None
    return info.run_cnt, info.run_time_ns, misses


def _get_info(fd: int, info: ctypes.Structure) -> int:
    """How much of it the kernel knows, in bytes."""
    size = ctypes.c_uint32(ctypes.sizeof(info))
    if _libbpf().bpf_obj_get_info_by_fd(fd, ctypes.byref(info), ctypes.byref(size)) < 0:
        raise _failed("BPF_OBJ_GET_INFO_BY_FD")
    return size.value


def lookup(fd: int, key: bytes) -> memoryview:
    """One value; of a per-CPU map the parts of all possible CPUs, each of whole words. How large
    that is the kernel says: nobody passes it. Raises ProbeError."""
    shape = map_shape(fd)
    size = shape.value_bytes
    if shape.is_per_cpu:
        size = -(-size // WORD_BYTES) * WORD_BYTES * possible_cpus()
    value = bytearray(size)
    if _libbpf().bpf_map_lookup_elem(fd, key, (ctypes.c_ubyte * size).from_buffer(value)):
        raise _failed("BPF_MAP_LOOKUP_ELEM")
    return memoryview(value)


def update(fd: int, key: bytes, value: bytes) -> None:
    """Set one value. Raises ProbeError."""
    if _libbpf().bpf_map_update_elem(fd, key, value, 0):
        raise _failed("BPF_MAP_UPDATE_ELEM")


def delete(fd: int, key: bytes) -> None:
    """Remove one entry; one that is gone already is no error. Raises ProbeError."""
    if _libbpf().bpf_map_delete_elem(fd, key) and ctypes.get_errno() != errno.ENOENT:
        raise _failed("BPF_MAP_DELETE_ELEM")


_SCRATCH: dict[str, ctypes.Array[ctypes.c_char]] = {}


def _scratch(name: str, size_bytes: int) -> ctypes.Array[ctypes.c_char]:
    """Room of at least that size, kept from call to call: the kernel takes longer to give new pages
    for it than to fill them."""
    if name not in _SCRATCH or len(_SCRATCH[name]) < size_bytes:
        _SCRATCH[name] = ctypes.create_string_buffer(size_bytes)
    return _SCRATCH[name]


def items(fd: int) -> Iterator[tuple[bytes, memoryview]]:
    """All entries of a hash map that is not per CPU, read ``BATCH`` at a time.

    The kernel's batch walks bucket by bucket, so entries that come and go meanwhile are seen or
    not, and none twice (kernel/bpf/hashtab.c, __htab_map_lookup_and_delete_batch).
    """
    lib, shape = _libbpf(), map_shape(fd)
    if shape.is_per_cpu:
        raise ProbeError("a per-CPU hash map is not read by batches")
    room = min(BATCH, shape.max_entries)
    keys = _scratch("keys", room * shape.key_bytes)
    values = _scratch("values", room * shape.value_bytes)
    place = ctypes.c_uint32()
    start = None
    while True:
        count = ctypes.c_uint32(room)
        result = lib.bpf_map_lookup_batch(
            fd, start, ctypes.byref(place), keys, values, ctypes.byref(count), None
        )
        done = bool(result) and ctypes.get_errno() == errno.ENOENT
        if result and not done:
            raise _failed("BPF_MAP_LOOKUP_BATCH")
        # Copied at once: the next batch, of whatever map, comes into the same room.
        found = memoryview(ctypes.string_at(values, count.value * shape.value_bytes))
        all_keys = ctypes.string_at(keys, count.value * shape.key_bytes)
        for index in range(count.value):
            key = all_keys[index * shape.key_bytes : (index + 1) * shape.key_bytes]
            yield key, found[index * shape.value_bytes : (index + 1) * shape.value_bytes]
        if done:
            return
        start = ctypes.byref(place)
