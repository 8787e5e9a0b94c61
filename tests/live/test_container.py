"""``serve`` as deploy/kubernetes runs it, as far as namespaces go: its capabilities, the host's
/proc and /sys at other places, everything read-only, and /proc/interrupts masked."""

import signal
from pathlib import Path

import pytest
import yaml

from tests.e2e.serving import serving

MANIFEST = Path(__file__).resolve().parents[2] / "deploy" / "kubernetes" / "daemonset.yaml"

# {host} is empty; what it has is the host's, as hostPath gives it. Masked is as container runtimes
# do it (OCI runtime spec, maskedPaths): /dev/null bound over it.
NAMESPACE = """\
set -e
mount -t tmpfs tmpfs {host}
mkdir {host}/proc {host}/sys
mkdir -m 1777 {host}/tmp
export TMPDIR={host}/tmp
mount --rbind /proc {host}/proc
mount --rbind /sys {host}/sys
mount -o remount,bind,ro {host}/sys
mount --bind /dev/null /proc/interrupts
mount -o remount,bind,ro /
exec "$@"
"""


def under(host: Path) -> list[str]:
    pod = yaml.safe_load(MANIFEST.read_text(encoding="utf-8"))["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    added = container["securityContext"]["capabilities"]["add"]
    sets = ",".join(["-all", *(f"+{name.lower()}" for name in added)])
    # No fork: the signals of a test are to reach serve itself.
    return [
        *("unshare", "--mount", "sh", "-c", NAMESPACE.format(host=host), "sh"),
        *("setpriv", f"--bounding-set={sets}", "--inh-caps=-all", "--no-new-privs"),
    ]


@pytest.fixture
def host() -> Path:
    """A folder that everybody may pass through, as pytest's own are not."""
    path = Path("/srv")
    if not path.is_dir():
        pytest.skip(f"{path} is not there to mount over")
    return path


@pytest.mark.live
def test_it_times_with_the_hosts_files(host: Path) -> None:
    paths = (f"--path.procfs={host}/proc", f"--path.sysfs={host}/sys")
    with serving(*paths, under=under(host)) as server:
        metrics = server.get()

    assert "timing hardirq, softirq, work" in server.said
    assert "masked" not in server.said
    assert 'irqwatch_collector_success{collector="interrupts"} 1.0' in metrics
    assert "irqwatch_softirq_duration_seconds_bucket{" in metrics


@pytest.mark.live
def test_where_interrupts_are_masked_it_says_so_and_times_the_rest(host: Path) -> None:
    with serving(under=under(host)) as server:
        metrics = server.get()
        server.process.send_signal(signal.SIGTERM)

    assert "/proc/interrupts is masked" in server.said
    assert 'irqwatch_collector_success{collector="interrupts"} 0.0' in metrics
    assert "irqwatch_softirq_duration_seconds_bucket{" in metrics
