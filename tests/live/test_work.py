"""Work on the running kernel: what it is charged for."""

import pytest

from irqwatch.collectors.work import WorkSource
from irqwatch.derive.view import derive
from irqwatch.model.view import View
from irqwatch.sink.top.state import State, rows
from irqwatch.source.live import LiveSource
from irqwatch.source.root import Root
from tests.live.kernel import wait_for
from tests.live.load import make_network_namespaces, send_udp_packets

pytestmark = pytest.mark.live

PACKETS = 500_000
SLEEPER = "cleanup_net"


def sleeper(view: View) -> WorkSource | None:
    (found,) = [s for s in view.sources if isinstance(s, WorkSource) and s.name == SLEEPER] or [
        None
    ]
    return found


def test_work_that_sleeps_is_not_first() -> None:
    """By its wall time it would be: longer than all packets took."""
    with LiveSource(Root(), frozenset({"hardirq", "softirq", "vector", "work"})) as source:
        before = source.sample()

        def make_it_sleep_for_long() -> bool:
            make_network_namespaces(10)
            found = sleeper(derive(source.sample(), before))
            return found is not None and (found.wall_seconds or 0.0) > 1.0

        send_udp_packets(PACKETS)
        wait_for(make_it_sleep_for_long, f"a second of {SLEEPER}")
        view = derive(source.sample(), before)
    found = sleeper(view)
    assert found and found.seconds is not None and found.wall_seconds is not None
    assert 0 < 5 * found.seconds < found.wall_seconds
    assert SLEEPER in [row.name for row in rows(view, State())][1:]
    assert all(
        found.wall_seconds > (other.seconds or 0.0)
        for other in view.sources
        if other.name != SLEEPER
    )
