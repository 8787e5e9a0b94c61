"""Prints the tables, with rows of earlier runs."""

import sys

import pytest

from tests.vm import kernel_table, suite_table, system_table, type_table


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    types = sys.modules.get("tests.vm.test_types")
    reads = types.READ if types else {}
    tables = (type_table.text(reads), kernel_table.text(), system_table.text(), suite_table.text())
    for table in tables:
        for line in table:
            terminalreporter.write_line(line)
