"""A plugin (pytest -p tests.measured) that notes which lines of irqwatch ran: in this process, and
under pytest-xdist in each worker. Loaded before conftest, so that what modules do when they are
imported is in it. What runs in processes of its own is not."""

import coverage
import pytest

_running = coverage.Coverage(data_suffix=True)
_running.start()


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    _running.stop()
    _running.save()
