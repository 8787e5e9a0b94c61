"""The Debian package's life in a minimal system, on the running kernel: installed, started as its
unit says, scraped, upgraded, removed and purged, with nothing left of it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.debian.make import make
from irqwatch import __version__
from tests.vm.systems import CLONE, System, system

SHARED = Path("/root")
LOWER, HIGHER = "0.0.1", "0.0.2"
DATE = 1_700_000_000
INSTALL = "apt-get install -qq -y --no-install-recommends -o Dpkg::Use-Pty=0"

# What dpkg, apt, ldconfig and systemd-sysusers keep for themselves, and the tests' own.
NOT_THE_PACKAGES = (
    "-path /proc -o -path /sys -o -path /dev -o -path /root -o -path /tmp -o -path /var/lib/dpkg"
    " -o -path /var/lib/apt -o -path /var/cache -o -path /var/log -o -path /etc/.pwd.lock"
)
LIST = f"find / \\( {NOT_THE_PACKAGES} \\) -prune -o -print | sort"
ACCOUNTS = "getent passwd irqwatch; getent group irqwatch"

FETCH = (
    "import urllib.request as r;print(r.urlopen('http://127.0.0.1:9919/metrics').read().decode())"
)
SERVE = f"""\
unshare --mount python3 {CLONE}/tests/vm/as_the_unit_says.py /lib/systemd/system/irqwatch.service \
    >/root/said 2>&1 & server=$!
for _ in $(seq 300); do grep -q listening /root/said && break; sleep 0.1; done
cat /root/said
echo --status--; cat /proc/$server/status
echo --metrics--; python3 -c "{FETCH}"
kill $server; wait $server
"""


@pytest.fixture(scope="module")
def debian() -> Iterator[System]:
    with system("Debian 12") as made:
        done = made.run(
            f"apt-get update -qq && {INSTALL} python3-bpfcc python3-click python3-psutil"
            " python3-prometheus-client systemd python3-seccomp init-system-helpers util-linux",
        )
        if done.status:
            pytest.fail(done.output[-2000:])
        yield made


@pytest.fixture(scope="module")
def packages(debian: System, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("deb")
    for version in (LOWER, HIGHER):
        package = make(folder, version, DATE)
        shutil.copy(package, debian.root / SHARED.relative_to("/"))


def said(debian: System, command: str) -> str:
    done = debian.run(command, seconds=300)
    assert done.status == 0, done.output[-3000:]
    return done.output


@pytest.mark.usefixtures("packages")
def test_its_life(debian: System) -> None:
    before = said(debian, LIST).splitlines()

    said(debian, f"{INSTALL} {SHARED}/irqwatch_{LOWER}_all.deb")
    assert said(debian, "irqwatch --version") == f"irqwatch, version {__version__}\n"
    assert "/usr/sbin/nologin" in said(debian, ACCOUNTS)
    assert (
        debian.root / "etc/systemd/system/multi-user.target.wants/irqwatch.service"
    ).is_symlink()

    text, _, rest = said(debian, SERVE).partition("--status--")
    status, _, metrics = rest.partition("--metrics--")
    assert "timing hardirq, softirq, work" in text
    uid = said(debian, "id -u irqwatch").strip()
    assert f"Uid:\t{uid}\t{uid}\t{uid}\t{uid}\n" in status
    assert "Seccomp:\t2\n" in status
    assert "CapEff:\t0000000000000000\n" in status
    assert "irqwatch_softirq_duration_seconds_bucket{" in metrics
    assert 'irqwatch_collector_success{collector="hardirq"} 1.0' in metrics

    said(debian, "echo '# mine' >>/etc/default/irqwatch")
    said(debian, f"{INSTALL} {SHARED}/irqwatch_{HIGHER}_all.deb")
    assert HIGHER in said(debian, "dpkg-query -W irqwatch")
    assert "# mine" in said(debian, "cat /etc/default/irqwatch")
    assert "timing hardirq, softirq, work" in said(debian, SERVE)

    said(debian, "dpkg --remove irqwatch")
    kept = set(said(debian, LIST).splitlines()) - set(before)
    assert "/etc/default/irqwatch" in kept
    assert not any(name.startswith("/usr/") for name in kept), kept

    said(debian, "dpkg --purge irqwatch")
    assert said(debian, LIST).splitlines() == before
    assert debian.run(ACCOUNTS).output == ""
