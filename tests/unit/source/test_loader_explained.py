"""What is said where the kernel refuses the probe."""

import platform
import resource

import pytest

from irqwatch.source.loader import explained

EPERM = "could not open bpf map: epochs, error: Operation not permitted"
OLD, NEW = "5.10.0-46-amd64", "5.15.0-91-generic"
LIMITED, UNLIMITED = 64 << 10, resource.RLIM_INFINITY


@pytest.mark.parametrize(
    ("reason", "release", "limit_bytes", "is_explained"),
    [
        (EPERM, OLD, LIMITED, True),
        (EPERM, OLD, UNLIMITED, False),
        (EPERM, NEW, LIMITED, False),
        ("this kernel has no tracepoint tasklet_exit", OLD, LIMITED, False),
    ],
)
def test_locked_memory(
    reason: str,
    release: str,
    limit_bytes: int,
    is_explained: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(platform, "release", lambda: release)
    monkeypatch.setattr(resource, "getrlimit", lambda what: (limit_bytes, limit_bytes))
    said = explained(reason)
    assert said.startswith(reason)
    assert ("64 KB" in said) == is_explained == (said != reason)
