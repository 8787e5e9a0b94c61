"""Giving privileges up; what needs root to be shown is in tests/live/test_privileges.py."""

import os
import pwd
import subprocess
import sys

import pytest

from irqwatch.errors import IrqwatchError, UsageError
from irqwatch.source import capabilities, privileges

NOBODY = privileges.Account("nobody", 65534, 65534)


def test_no_user_to_become_unless_root(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    assert privileges.account("nosuch") is None


@pytest.mark.parametrize(("user", "words"), [("nosuch", "no user 'nosuch'"), ("root", "is root")])
def test_who_cannot_be_become_is_wrong_usage(user, words, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)

    with pytest.raises(UsageError, match=words):
        privileges.account(user)


def test_without_a_name_it_is_a_user_of_its_own_and_never_a_shared_one(monkeypatch):
    """Where there is no user irqwatch it is a number that neither an account nor a group has."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    accounts, groups = {}, {61183: "x", 61182: "y"}
    monkeypatch.setattr(privileges.pwd, "getpwnam", accounts.__getitem__)
    monkeypatch.setattr(privileges.pwd, "getpwuid", {61181: "z"}.__getitem__)
    monkeypatch.setattr(privileges.grp, "getgrgid", groups.__getitem__)
    assert privileges.account(None) == privileges.Account("61180", 61180, 61180)

    groups.update(dict.fromkeys(privileges.OWN_NUMBERS, "taken"))
    with pytest.raises(UsageError, match="no user 'irqwatch': make one"):
        privileges.account(None)

    accounts["irqwatch"] = pwd.struct_passwd(("irqwatch", "x", 990, 991, "", "/", "/bin/false"))
    assert privileges.account(None) == privileges.Account("irqwatch", 990, 991)


def test_nothing_is_held_and_nothing_can_be_gained():
    program = """
from pathlib import Path
from irqwatch.source import privileges
assert privileges.drop(None) == ""
print(Path("/proc/self/status").read_text())
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    for field in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
        assert f"{field}:\t0000000000000000\n" in done.stdout
    assert "NoNewPrivs:\t1\n" in done.stdout


@pytest.mark.parametrize(
    ("reads", "held", "expected"),
    [
        (True, privileges.BPF, (privileges.NONE, "")),
        (False, privileges.BPF, (privileges.BPF, "keeps CAP_BPF, without which this kernel")),
        (False, 1 << capabilities.CAP_SYS_ADMIN, (privileges.NONE, "cannot read the probe")),
    ],
    ids=["since 5.19", "before", "of a container with CAP_SYS_ADMIN alone"],
)
def test_what_is_kept_is_tried_out_in_a_child(reads, held, expected, tmp_path, monkeypatch):
    def read():
        (tmp_path / "by").write_text(str(os.getpid()))
        return reads

    monkeypatch.setattr(privileges, "effective", lambda: held)
    tmp_path.chmod(0o777)
    kept, said = privileges.to_keep(None, read)

    keep, words = expected
    assert kept == keep
    assert said.startswith(words)
    assert bool(words) == bool(said)
    assert int((tmp_path / "by").read_text()) != os.getpid()


def test_what_cannot_be_tried_out_is_kept(monkeypatch):
    def read():
        raise KeyError

    monkeypatch.setattr(privileges, "effective", lambda: privileges.BPF)

    assert privileges.to_keep(None, read)[0] == privileges.BPF


def test_who_may_not_become_another_still_gives_up_capabilities(monkeypatch):
    def refuse(groups):
        raise PermissionError(1, "Operation not permitted")

    cleared = []
    monkeypatch.setattr(os, "setgroups", refuse)
    monkeypatch.setattr(privileges, "_clear_capabilities", cleared.append)

    assert privileges.drop(NOBODY) == (
        "still root, but without capabilities: cannot become nobody: Operation not permitted"
    )
    assert cleared == [privileges.NONE]


def test_what_stays_by_the_kernels_account_is_an_error(monkeypatch):
    class Libc:
        """Says yes and does nothing."""

        @staticmethod
        def prctl(*arguments):
            return 0

        @staticmethod
        def capset(*arguments):
            return 0

    monkeypatch.setattr(privileges.ctypes, "CDLL", lambda *a, **k: Libc)
    monkeypatch.setattr(privileges, "GIVEN_UP", {"NoNewPrivs": 2})
    monkeypatch.setattr(privileges, "KEPT", ())

    with pytest.raises(IrqwatchError, match=r"not given up: NoNewPrivs [01]$"):
        privileges.drop(None)


@pytest.mark.parametrize(
    ("release", "words"),
    [
        ("5.4.0-150-generic", "Linux 5.4.0-150-generic is too old: 5.10 is the oldest"),
        ("5.10.0-46-amd64", ""),
        ("next", ""),
    ],
)
def test_no_probe_in_a_kernel_that_it_was_never_checked_on(release, words, monkeypatch):
    monkeypatch.setattr(capabilities.platform, "release", lambda: release)
    monkeypatch.setattr(capabilities, "effective", lambda: 1 << capabilities.CAP_SYS_ADMIN)
    reason = capabilities.why_no_bpf()

    assert words in reason
    assert bool(words) == bool(reason)
    assert "\n" not in reason
