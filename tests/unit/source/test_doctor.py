"""Reading what doctor judges."""

import gzip
import os
import platform
import signal
import sys

import pytest

from irqwatch.base.collector import Hook
from irqwatch.collectors import BY_NAME, COLLECTORS, running
from irqwatch.errors import ProbeError
from irqwatch.source import doctor, live, loader, stimuli
from irqwatch.source.host import HostReader
from tests.btf import Btf
from tests.fixtures.proc.trees import unpack


@pytest.mark.parametrize(
    ("uid_map", "mapped"),
    [
        ("         0          0 4294967295\n", False),
        ("         0       1000          1\n", True),
        ("         0     100000      65536\n", True),
        ("", False),
    ],
)
def test_user_namespace(uid_map, mapped):
    assert doctor.is_mapped(uid_map) is mapped


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("none [integrity] confidentiality\n", "integrity"),
        ("[none] integrity confidentiality\n", "none"),
        ("", None),
    ],
)
def test_lockdown(text, word):
    assert doctor.chosen(text) == word


def test_files_are_as_every_verb_reads_them(tmp_path):
    root = unpack("masked_container", tmp_path)
    (root.procfs / "softirqs").write_text("CPU0 CPU1\n")

    files = doctor.files_of(HostReader(root).read())

    assert {part: file.has_any for part, file in files.items()} == {
        "interrupts": False,
        "softirqs": False,
        "cpu_times": True,
    }
    assert "is masked" in files["interrupts"].lack
    assert "no row but its header" in files["softirqs"].lack
    assert files["cpu_times"].lack == ""


def tracepoints(*collectors):
    return [hook for name in collectors for hook in BY_NAME[name].probed.hooks]


def types(tmp_path, hooks):
    """Of alternatives the first is what the kernel has."""
    btf = Btf()
    for name, arguments in {hook.tracepoint: hook.arguments for hook in reversed(hooks)}.items():
        btf.tracepoint(name, *map(btf.typed, arguments))
    path = tmp_path / "vmlinux"
    path.write_bytes(btf.raw())
    return str(path)


def test_a_kernel_with_all_tracepoints(tmp_path):
    path = types(tmp_path, tracepoints(*COLLECTORS))

    assert doctor.find_untraced(path, running(COLLECTORS)) == {}


def test_tracepoints_are_found_by_whole_names(tmp_path):
    path = types(tmp_path, [*tracepoints("softirq"), Hook("", "hrtimer_expire_entry_x")])

    assert doctor.find_untraced(path, running({"softirq", "timer"})) == {
        "timer": "this kernel has no tracepoint hrtimer_expire_entry"
    }


def test_a_tracepoint_with_other_arguments_is_told(tmp_path):
    path = types(tmp_path, [Hook("", "hrtimer_expire_entry", ("u32",))])

    found = doctor.find_untraced(path, running({"timer"}))

    assert "has other arguments than irqwatch knows: u32" in found["timer"]


def test_types_of_a_whole_kernel_are_read(tmp_path):
    """Larger than any other file that is read whole."""
    btf = Btf()
    btf.strings += b"x" * (8 << 20) + b"\0"
    btf.tracepoint("hrtimer_expire_entry", *map(btf.typed, ("struct hrtimer *", "s64")))
    (tmp_path / "vmlinux").write_bytes(btf.raw())

    assert doctor.find_untraced(str(tmp_path / "vmlinux"), running({"timer"})) == {}


def test_types_that_cannot_be_read_are_none(tmp_path):
    (tmp_path / "vmlinux").write_bytes(b"garbage")

    assert doctor.find_untraced(str(tmp_path / "vmlinux"), running(COLLECTORS)) is None


def test_a_partial_collector_lacks_its_tracepoints_only_where_there_is_none(tmp_path):
    one, *_ = tracepoints("exception")
    chosen = running({"exception"})

    assert doctor.find_untraced(types(tmp_path, [one]), chosen) == {}
    assert "exception" in doctor.find_untraced(types(tmp_path, []), chosen)


def test_tracepoints_without_types(tmp_path):
    assert doctor.find_untraced(str(tmp_path / "none"), running(COLLECTORS)) is None


def test_every_stimulus_that_a_collector_asks_for_there_is():
    assert {BY_NAME[name].stimulus for name in COLLECTORS} - {""} == set(stimuli.STIMULI)


def test_a_stimulus_that_cannot_be_given_is_not_said_to_be(monkeypatch):
    def no_loopback():
        raise OSError

    monkeypatch.setattr(stimuli, "STIMULI", {"packet": no_loopback, "fault": lambda: None})

    assert stimuli.give(["packet", "fault"]) == {"fault"}


def test_stimuli_leave_signals_as_they_were():
    before = signal.getsignal(signal.SIGURG)

    assert stimuli.give(stimuli.STIMULI) == set(stimuli.STIMULI)
    assert signal.getsignal(signal.SIGURG) is before


def test_where_not_all_can_be_loaded_together_those_that_are_on_are_tried_alone(monkeypatch):
    asked = []

    def load(names, limits):
        asked.append(frozenset(names))
        raise ProbeError(f"try {len(asked)}")

    monkeypatch.setattr(live, "why_no_bpf", str)
    monkeypatch.setattr(live.bpf_syscalls, "check_possible", lambda possible: None)
    monkeypatch.setattr(loader, "load", load)

    trial = doctor.try_probe(frozenset({"hardirq", "timer"}))

    reasons = {lack.part: lack.reason for lack in trial.snapshot.unavailable}
    assert asked == [set(COLLECTORS), {"hardirq", "timer"}]
    assert reasons["probe"] == "try 2"
    assert reasons["softirq"] == "try 1"
    assert reasons.keys().isdisjoint({"hardirq", "timer"})
    assert trial.on == {"hardirq", "timer"}


def test_container(tmp_path):
    assert doctor.find_container(str(tmp_path)) is None
    (tmp_path / ".dockerenv").touch()
    assert doctor.find_container(str(tmp_path)) == "docker"
    (tmp_path / "run/systemd").mkdir(parents=True)
    (tmp_path / "run/.containerenv").touch()
    assert doctor.find_container(str(tmp_path)) == "podman"
    (tmp_path / "run/systemd/container").write_text("systemd-nspawn\n")
    assert doctor.find_container(str(tmp_path)) == "systemd-nspawn"
    (tmp_path / "run/systemd/container").write_text("\033[2Jx\n")
    assert doctor.find_container(str(tmp_path)) == "\\x1b[2Jx"


CONFIG = b"#\nCONFIG_IRQ_TIME_ACCOUNTING=y\n# CONFIG_OTHER is not set\n"


def test_option_from_a_compressed_configuration(tmp_path):
    (tmp_path / "config.gz").write_bytes(gzip.compress(CONFIG))

    assert doctor.find_option("CONFIG_IRQ_TIME_ACCOUNTING", [str(tmp_path / "config.gz")]) is True


def test_option_from_the_first_configuration_that_can_be_read(tmp_path):
    (tmp_path / "config.gz").write_bytes(gzip.compress(CONFIG)[:-12])
    (tmp_path / "config").write_bytes(CONFIG)
    paths = [str(tmp_path / name) for name in ("none.gz", "config.gz", "config")]

    assert doctor.find_option("CONFIG_IRQ_TIME_ACCOUNTING", paths) is True
    assert doctor.find_option("CONFIG_OTHER", paths) is False
    assert doctor.find_option("CONFIG_OTHER", paths[:2]) is None


def test_distribution(monkeypatch):
    release = {"PRETTY_NAME": "My \033[31mLinux", "ID": "mine", "ID_LIKE": "ubuntu debian"}
    monkeypatch.setattr(platform, "freedesktop_os_release", lambda: release)

    assert doctor.read_distribution() == ("My \\x1b[31mLinux", ("mine", "ubuntu", "debian"))


def test_distribution_without_a_name(monkeypatch):
    def refuse():
        raise OSError

    monkeypatch.setattr(platform, "freedesktop_os_release", refuse)

    assert doctor.read_distribution() == ("an unknown distribution", ())


def interpreter(tmp_path, script):
    path = tmp_path / "python3"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize(
    ("script", "answer"),
    [
        ("echo 0.26.0", ("0.26.0", "")),
        ("echo Traceback >&2; echo 'Error: no bcc' >&2; exit 1", (None, "Error: no bcc")),
        ("exit 3", (None, "importing bcc ended with 3")),
        ("kill -SEGV $$", (None, "importing bcc ended with -11")),
    ],
)
def test_bcc_version(tmp_path, script, answer):
    assert doctor.read_bcc_version(interpreter(tmp_path, script)) == answer


def test_bcc_version_of_an_interpreter_that_hangs(tmp_path, monkeypatch):
    monkeypatch.setattr(doctor, "BCC_TIMEOUT_SECONDS", 0.01)

    version, why = doctor.read_bcc_version(interpreter(tmp_path, "exec sleep 60"))

    assert version is None
    assert "took more than" in why


def test_bcc_version_of_no_interpreter(tmp_path):
    assert doctor.read_bcc_version(str(tmp_path / "none")) == (None, "No such file or directory")


def test_library():
    assert doctor.find_library(["libnone.so.7", "libc.so.6"]) == "libc.so.6"
    assert doctor.find_library(["libnone.so.7"]) is None


def test_the_live_host_can_be_read_by_anyone():
    facts = doctor.read_facts()

    assert facts.kernel == platform.release()
    assert facts.is_root == (os.geteuid() == 0)
    assert facts.command.startswith("/")
    assert facts.has_terminal == sys.stdout.isatty()
