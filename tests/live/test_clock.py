"""The clock in a time namespace, which containers may be given."""

import subprocess
import sys

import pytest

from irqwatch import clock
from tests.e2e.serving import LIMIT_SECONDS

pytestmark = pytest.mark.live


@pytest.mark.parametrize("offset_seconds", ["100000", "-1"])
def test_the_clock_is_the_hosts_in_a_time_namespace(offset_seconds: str) -> None:
    say = "from irqwatch import clock; print(clock.monotonic_ns())"
    namespace = ["unshare", "--time", f"--monotonic={offset_seconds}", "--fork"]
    before_ns = clock.monotonic_ns()
    result = subprocess.run(
        [*namespace, sys.executable, "-c", say],
        capture_output=True,
        check=True,
        timeout=LIMIT_SECONDS,
    )
    assert before_ns < int(result.stdout) < clock.monotonic_ns()
