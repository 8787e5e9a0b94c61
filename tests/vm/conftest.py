"""Prints the tables, with rows of earlier runs."""

import sys

import pytest

from tests.vm import kernel_table, system_table, type_table


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    types = sys.modules.get("tests.vm.test_types")
    reads = types.READ if types else {}
    for lines in (type_table.text(reads), kernel_table.text(), system_table.text()):
        for line in lines:
            terminalreporter.write_line(line)
