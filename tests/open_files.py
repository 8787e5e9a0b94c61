"""Room for a test that opens many files."""

import resource

import pytest

# Of pytest itself, of the workers' pipes, and of what the test has beside them.
OTHERS = 64


def allow(count: int) -> None:
    """So many beside what is open; skips where the limit is below that and may not be raised."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count + OTHERS
    if hard != resource.RLIM_INFINITY and hard < wanted:
        pytest.skip(f"{wanted} open files are wanted, the limit (ulimit -Hn) is {hard}")
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
