"""Prints the tables, with rows of earlier runs."""

import pytest

from tests.vm import kernel_table, system_table


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for lines in (kernel_table.text(), system_table.text()):
        for line in lines:
            terminalreporter.write_line(line)
