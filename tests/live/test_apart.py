"""Attacks on what the probe is compiled from, by who may write where irqwatch is started."""

import subprocess
from pathlib import Path

import pytest

from tests.e2e.serving import COMMAND

pytestmark = pytest.mark.live

# Where clang and bcc look for headers below the folder they run in, or where CPATH leads.
HEADERS = (
    "bcc/footer.h",
    "bcc/helpers.h",
    "bcc/proto.h",
    "linux/types.h",
    "linux/bpf.h",
    "include/linux/kconfig.h",
    "uapi/linux/bpf.h",
    "asm/page.h",
    "irqwatch.h",
    "histogram.h",
)


@pytest.mark.parametrize("how", ["folder", "CPATH", "C_INCLUDE_PATH", "BCC_KERNEL_SOURCE"])
def test_no_header_of_the_folder_or_environment_is_compiled(tmp_path: Path, how: str) -> None:
    for name in HEADERS:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("#error planted\n")
    in_folder = how == "folder"
    done = subprocess.run(
        [COMMAND, "top", "-b", "-n", "1", "-d", "0.1"],
        cwd=tmp_path if in_folder else "/",
        env={"PATH": "/usr/bin:/bin", **({} if in_folder else {how: str(tmp_path)})},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0
    assert "timed hardirq softirq" in done.stdout, done.stdout + done.stderr
