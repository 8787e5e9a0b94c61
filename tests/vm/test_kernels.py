"""The probe under other kernels, on four CPUs of two nodes. A boot takes a minute or two."""

import json
import shlex
import sys
from pathlib import Path

import pytest

from irqwatch.collectors import BY_NAME, COLLECTORS
from tests.vm import guest
from tests.vm.kernels import KERNELS, ONLY_READ

CHECK = Path(__file__).with_name("check_probe.py")


@pytest.mark.parametrize(
    "kernel", [name for name in KERNELS if name not in ONLY_READ and "arm64" not in name]
)
def test_probe_counts_what_the_kernel_counts(kernel: str, tmp_path: Path) -> None:
    script = tmp_path / "run.sh"
    script.write_text(f"#!/bin/sh\nexec {shlex.join([sys.executable, str(CHECK)])} 2>&1\n")
    script.chmod(0o755)
    output = guest.run(kernel, script, timeout_seconds=600)
    (found,) = [line for line in output.splitlines() if line.startswith('{"kernel"')]
    result = json.loads(found)
    print(result)
    assert (result["cpus"], result["nodes"]) == (4, KERNELS[kernel].nodes)
    assert result["net_rx"] >= 3000
    assert result["collectors"].keys() == set(COLLECTORS)
    for name, counted in result["collectors"].items():
        # What a guest has no device for may have seen nothing; what it was given something to see
        # has.
        assert counted or not BY_NAME[name].stimulus, name
