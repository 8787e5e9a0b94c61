"""The native probe in each build that this host can make."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.native.build import build, compilers, sanitizers
from tests.native.harness import Native

COMPILERS = compilers()
BUILDS = [*COMPILERS, *(f"{compiler} with sanitizers" for compiler in COMPILERS[:1])]


@pytest.fixture(scope="session", params=BUILDS or ["none"])
def program(request: pytest.FixtureRequest) -> Path:
    """replay.c, built."""
    if not COMPILERS:
        pytest.skip("there is no C compiler here (gcc or clang)")
    compiler, _, sanitized = request.param.partition(" with ")
    flags = sanitizers(compiler) if sanitized else ()
    if sanitized and not flags:
        pytest.skip(f"{compiler} has no sanitizer runtime here")
    return build("replay.c", compiler, flags)


@pytest.fixture
def native(program: Path) -> Iterator[Native]:
    """A host with two CPUs. It must end well: a leak is an error too."""
    with Native(cpus=2, program=program) as probe:
        yield probe
