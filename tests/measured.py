"""A plugin (pytest -p tests.measured) that notes which lines of irqwatch ran: in this process, and
under pytest-xdist in each worker. Loaded before conftest, so that what modules do when they are
imported is in it. What runs in processes of its own is not, nor are property tests, which run the
same lines a hundred times each."""

from collections.abc import Generator

import coverage
import pytest

_running = coverage.Coverage(data_suffix=True)
_running.start()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    if "property" not in item.path.parts:
        return (yield)
    _running.stop()
    try:
        return (yield)
    finally:
        _running.start()


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    _running.stop()
    _running.save()
