"""A newer qemu than the system's, which has devices that that one lacks: unpacked, and run with
libraries of its own suite."""

import shlex
from functools import partial
from pathlib import Path

from tests.vm.packages import Suite, locked, unpacked

# Its libraries, and the firmware of its machines and cards.
NEEDED = r"lib.*|zlib1g|qemu-system-.*|seabios|ipxe-qemu"


def newer_qemu() -> Path:
    """An executable, of trixie's qemu 10. Raises PackageError."""
    folder = unpacked("qemu-10", partial(Suite, "trixie"), "qemu-system-x86", also=NEEDED)
    program = folder / "qemu"
    with locked(program):
        part = folder / "qemu.part"
        part.write_text(_script(folder / "usr"))
        part.chmod(0o755)
        part.rename(program)
    return program


def _script(usr: Path) -> str:
    libraries = usr / "lib" / "x86_64-linux-gnu"
    firmware = [usr / "share" / "qemu", usr / "share" / "seabios", usr / "lib" / "ipxe" / "qemu"]
    command = [
        str(libraries / "ld-linux-x86-64.so.2"),
        "--library-path",
        f"{libraries}:{usr / 'lib'}",
        str(usr / "bin" / "qemu-system-x86_64"),
        *(word for folder in firmware for word in ("-L", str(folder))),
    ]
    modules = shlex.quote(str(libraries / "qemu"))
    return f'#!/bin/sh\nQEMU_MODULE_DIR={modules} exec {shlex.join(command)} "$@"\n'
