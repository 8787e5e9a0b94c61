"""In CI a skip is a failure (tests/conftest.py)."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).resolve().parents[1] / "conftest.py"

TESTS = {
    "a test": 'import pytest\ndef test_it(): pytest.skip("no kernel")\n',
    "a mark": 'import pytest\n@pytest.mark.skip("no kernel")\ndef test_it(): pass\n',
    "a module": 'import pytest\npytest.skip("no kernel", allow_module_level=True)\n',
}
EXPECTED_FAILURE = "import pytest\n@pytest.mark.xfail\ndef test_it(): assert False\n"


def run_pytest(folder, test, no_skip):
    (folder / "conftest.py").write_text(CONFTEST.read_text())
    (folder / "test_one.py").write_text(test)
    environment = {k: v for k, v in os.environ.items() if k != "IRQWATCH_NO_SKIP"} | no_skip
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_one.py"],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("test", TESTS.values(), ids=TESTS)
def test_a_skip_is_a_failure_with_its_reason(tmp_path, test):
    done = run_pytest(tmp_path, test, {"IRQWATCH_NO_SKIP": "1"})

    assert done.returncode != 0
    assert "no kernel" in done.stdout


@pytest.mark.parametrize("test", TESTS.values(), ids=TESTS)
def test_a_skip_is_a_skip_elsewhere(tmp_path, test):
    done = run_pytest(tmp_path, test, {})

    assert "1 skipped" in done.stdout
    assert "failed" not in done.stdout


def test_an_expected_failure_is_no_skip(tmp_path):
    done = run_pytest(tmp_path, EXPECTED_FAILURE, {"IRQWATCH_NO_SKIP": "1"})

    assert done.returncode == 0, done.stdout
    assert "1 xfailed" in done.stdout
