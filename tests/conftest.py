"""What all tests share: the unpacked tools on PATH, and when a test is skipped."""

import functools
import os
import signal
from collections.abc import Generator
from pathlib import Path
from types import FrameType

import hypothesis
import pytest

from irqwatch.derive.doctor import check_interrupts, check_softirqs, lacking_for_probe
from irqwatch.source.doctor import read_facts

REPOSITORY = Path(__file__).resolve().parent.parent
UNPACKED_TOOLS = REPOSITORY / ".cache" / "tools" / "usr" / "bin"  # see deploy/setup

# Set by .ci/run, where everything is there: a test that does not run is a test that fails.
NO_SKIP = bool(os.environ.get("IRQWATCH_NO_SKIP"))

os.environ["PATH"] += os.pathsep + str(UNPACKED_TOOLS)

# A shell starts what it runs in the background with SIGINT ignored, and programs inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

# For a test with its fixtures; those that boot other kernels (tests/vm) have limits of their own.
LIMIT_SECONDS = 900

# No test depends on how fast the machine is; in CI each run draws the same examples.
hypothesis.settings.register_profile(
    "irqwatch",
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
    derandomize="CI" in os.environ,
    **({} if os.access(Path.cwd(), os.W_OK) else {"database": None}),  # it is kept there
)
hypothesis.settings.load_profile("irqwatch")


@functools.cache
def why_not_live() -> str:
    """Why this host's kernel cannot be used, in words; empty where it can. Looks at what the probe
    needs, not at whether it loads: a probe that does not load is a failure, not a skip."""
    facts = read_facts()
    findings = (*lacking_for_probe(facts), check_interrupts(facts), check_softirqs(facts))
    return "; ".join(f"{f.name}: {f.detail}" for f in findings if f.verdict == "missing")


class NotOver(BaseException):
    """No Exception, as a test that expects one, and Hypothesis, which would try again, catch it."""


def end_it(signum: int, frame: FrameType | None) -> None:
    raise NotOver(f"not over after {LIMIT_SECONDS} s")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """A test that hangs is a test that fails, and the others have their turn."""
    before = signal.signal(signal.SIGALRM, end_it)
    signal.alarm(0 if "vm" in item.path.parts else LIMIT_SECONDS)
    try:
        return (yield)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("live") and (reason := why_not_live()):
        pytest.skip(reason)


def skip_is_failure(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turn a skip into a failure that gives the skip's reason. An expected failure stays one."""
    if not report.skipped or hasattr(report, "wasxfail"):
        return
    *_, reason = report.longrepr if isinstance(report.longrepr, tuple) else (report.longrepr,)
    report.outcome = "failed"
    report.longrepr = f"IRQWATCH_NO_SKIP is set, so this is a failure. {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if NO_SKIP:
        skip_is_failure(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if NO_SKIP:
        skip_is_failure(report)
    return report
