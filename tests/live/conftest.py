"""What live tests tell beside their verdicts."""

import pytest

from tests.live import rounds


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if rounds.TOLD:
        terminalreporter.section("rounds on the live kernel")
        for line in rounds.TOLD:
            terminalreporter.write_line(line)
