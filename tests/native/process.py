"""The native probe's process: commands to it (replay.c), and its maps."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

from irqwatch.source.bpf_syscalls import MapShape


class Crashed(Exception):
    """The native probe ended by itself; the text is what it wrote to standard error."""


class NativeMaps:
    """The maps of the native probe as ``irqwatch.source.probe.Maps``; and commands to it."""

    def __init__(self, program: Path) -> None:
        pipe = subprocess.PIPE
        self._process = subprocess.Popen([program], stdin=pipe, stdout=pipe, stderr=pipe)
        self._names: list[str] = []

    def send(self, *words: object) -> None:
        """A command of replay.c that has no answer."""
        assert self._process.stdin
        try:
            self._process.stdin.write(" ".join(map(str, words)).encode() + b"\n")
        except BrokenPipeError:
            raise self._crashed() from None

    def ask(self, *words: object) -> list[str]:
        """The words of the answer's first line."""
        self.send(*words)
        assert self._process.stdin and self._process.stdout
        try:
            self._process.stdin.flush()
        except BrokenPipeError:
            raise self._crashed() from None
        line = self._process.stdout.readline()
        if not line:
            raise self._crashed()
        return line.decode().split()

    def close(self) -> None:
        """End the process; raises Crashed if it did not end well (memory it leaked, say)."""
        _, errors = self._process.communicate()
        if self._process.returncode:
            raise Crashed(errors.decode(errors="replace"))

    def kill(self) -> None:
        """End the process, in whatever way."""
        self._process.kill()
        self._process.communicate()

    def _crashed(self) -> Crashed:
        _, errors = self._process.communicate()
        return Crashed(f"status {self._process.returncode}: {errors.decode(errors='replace')}")

    def fd(self, name: str) -> int:
        """What stands for a descriptor of the map or program ``name``."""
        self._names.append(name)
        return len(self._names) - 1

    def _get(self, fd: int) -> tuple[MapShape, list[tuple[bytes, bytes]]]:
        count, key_bytes, value_bytes, limit = map(int, self.ask("get", self._names[fd]))
        assert self._process.stdout
        size = key_bytes + value_bytes
        raw = self._process.stdout.read(count * size)
        entries = [raw[at : at + size] for at in range(0, len(raw), size)]
        return (
            MapShape(key_bytes, value_bytes, limit),
            [(entry[:key_bytes], entry[key_bytes:]) for entry in entries],
        )

    def map_shape(self, fd: int) -> MapShape:
        return self._get(fd)[0]

    def lookup(self, fd: int, key: bytes) -> memoryview:
        """Of a per-CPU array, the parts of all CPUs, in their order; of such the only entry is
        0."""
        assert not any(key)
        return memoryview(b"".join(value for _, value in sorted(self._get(fd)[1])))

    def update(self, fd: int, key: bytes, value: bytes) -> None:
        self.send("update", self._names[fd], key.hex(), value.hex())

    def delete(self, fd: int, key: bytes) -> None:
        self.send("delete", self._names[fd], key.hex())

    def items(self, fd: int) -> Iterator[tuple[bytes, memoryview]]:
        _, entries = self._get(fd)
        return ((key, memoryview(value)) for key, value in entries)

    def program_statistics(self, fd: int) -> tuple[int, int, int]:
        """As the kernel gives them where statistics are off: none but the misses."""
        return 0, 0, self.programs()[self._names[fd]][0]

    def programs(self) -> dict[str, tuple[int, int]]:
        """By tracepoint: events missed because the program itself was interrupted, and events that
        it ran for on a CPU that the maps have."""
        words = self.ask("programs")
        three = zip(words[::3], words[1::3], words[2::3], strict=True)
        return {name: (int(misses), int(runs)) for name, misses, runs in three}
