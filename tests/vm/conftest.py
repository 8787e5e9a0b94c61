"""Prints the tables, with rows of earlier runs."""

import pytest

from tests.vm import kernel_table


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for line in kernel_table.text():
        terminalreporter.write_line(line)
