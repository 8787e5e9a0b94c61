"""Holds where irqwatch reads members of the probe's structs against the compiler's own word on it.

    python -m tests.native.layouts

ends with 1 and the compiler's message where one differs; `make check` runs it.
"""

import sys
import tempfile
from pathlib import Path

from irqwatch.base.layout import WORD_BYTES
from irqwatch.source.loader import layouts
from tests.native.build import COLLECTORS, FOLDER, CompileError, build, compilers


def assertions() -> str:
    """C that compiles if each struct is laid out as ``irqwatch.base.layout`` reads it."""
    read = layouts(COLLECTORS)
    lines = ['#include "probe.h"', "#include <stddef.h>"]
    for name in sorted(read.structs()):
        struct = read.struct(name)
        lines.append(f"_Static_assert(sizeof(struct {name}) == {struct.size_bytes}, {_say(name)});")
        places = vars(read.at(name))
        for member in struct.members:
            at = places.get(member.name)
            first = at.start if isinstance(at, slice | range) else at
            offset = member.offset_bytes if first is None else first * WORD_BYTES
            lines.append(
                f"_Static_assert(offsetof(struct {name}, {member.name}) == {offset}, "
                f"{_say(f'{name}.{member.name}')});"
            )
    for constants in read.enums().values():
        for constant, value in constants.items():
            lines.append(f"_Static_assert({constant} == {value}, {_say(constant)});")
    return "\n".join([*lines, "int main(void) { (void)programs; return 0; }", ""])


def _say(what: str) -> str:
    return f'"{what} is not where irqwatch reads it"'


def main() -> int:
    if not compilers():
        print("no C compiler: layouts not checked", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "layouts.c")
        source.write_text(assertions())
        try:
            build(str(source), compilers()[0], ("-O0", f"-I{FOLDER}"))
        except CompileError as error:
            print(error, file=sys.stderr)
            return 1
    print(f"layouts: {len(layouts(COLLECTORS).structs())} structs are as the compiler has them")
    return 0


if __name__ == "__main__":
    sys.exit(main())
