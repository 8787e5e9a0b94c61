"""``irqwatch trace``: what it takes for a duration."""

import pytest
from click.testing import CliRunner

from irqwatch.cli.trace import command


@pytest.mark.parametrize("seconds", ["nan", "inf", "0", "-1", "1e300"])
def test_a_duration_that_is_none_is_wrong_usage(seconds: str) -> None:
    done = CliRunner().invoke(command, ["-d", seconds])
    assert done.exit_code == 2
    assert "is not from 0.01" in done.output
