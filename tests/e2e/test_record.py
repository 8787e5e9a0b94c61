"""``irqwatch record``, and what it wrote read by the other verbs. The real commands, which only
count here, so that no privilege is needed."""

import contextlib
import hashlib
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.utils import floatToGoString

from irqwatch.source.replay import Replay
from tests import golden_file
from tests.e2e.serving import LIMIT_SECONDS, serving
from tests.e2e.test_top_terminal import A_FRAME, Terminal
from tests.started import started

IRQWATCH = Path(sys.executable).with_name("irqwatch")
RECORD = (IRQWATCH, "record", "--collector.disable-defaults")
RECORDINGS = Path(__file__).resolve().parents[1] / "fixtures" / "recordings"
VIRTIO = RECORDINGS / "v1-virtio-2cpu.irqw"


def run(*arguments: object, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [str(argument) for argument in arguments],
        input=stdin,
        capture_output=True,
        timeout=LIMIT_SECONDS,
        check=False,
        env={**os.environ, "TZ": "UTC", "LC_ALL": "C.UTF-8"},
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "host.irqw"


def samples(path: Path) -> int:
    with Replay(path) as replay:
        number = len(list(replay))
        assert replay.cut_off == ""
    return number


def test_what_it_wrote_is_read(path: Path):
    done = run(*RECORD, "-n", 4, "-d", 0.02, path)

    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    frames = run(IRQWATCH, "top", "--json", "--from", path).stdout.splitlines()
    assert len(frames) == 3
    assert json.loads(frames[0])["host"]["kernel"] == os.uname().release


def test_through_pipes(path: Path):
    recording = run(*RECORD, "-n", 3, "-d", 0.02, "-").stdout
    path.write_bytes(recording)

    assert samples(path) == 3
    from_pipe = run(IRQWATCH, "top", "-b", "--from", "-", stdin=recording)
    assert (from_pipe.returncode, from_pipe.stderr) == (0, b"")
    assert from_pipe.stdout == run(IRQWATCH, "top", "-b", "--from", path).stdout


def test_a_fifo_is_said_to_be_waited_for(tmp_path: Path):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    top = (IRQWATCH, "top", "--json", "--from")
    with started([*top, fifo]) as program:
        assert select.select([program.stderr], [], [], LIMIT_SECONDS)[0]
        with started(["sh", "-c", 'cat <"$0" >"$1"', VIRTIO, fifo]):
            frames, said = program.communicate(timeout=LIMIT_SECONDS)
    assert said.decode() == f"irqwatch: waiting for what is written to {fifo}, a FIFO\n"
    assert (program.returncode, frames) == (0, run(*top, VIRTIO).stdout)


def test_a_pipe_that_has_its_writer_is_read_without_a_word():
    script = 'cat <"$1" | "$0" top -b --from /dev/fd/3 3<&0'
    done = run("sh", "-c", script, IRQWATCH, VIRTIO)
    expected = run(IRQWATCH, "top", "-b", "--from", VIRTIO).stdout
    assert (done.returncode, done.stderr, done.stdout) == (0, b"", expected)


def test_a_file_that_is_there_is_not_replaced_unasked(path: Path):
    path.write_bytes(b"precious")

    refused = run(*RECORD, "-n", 1, path)
    assert (refused.returncode, path.read_bytes()) == (1, b"precious")
    assert refused.stderr.decode() == f"irqwatch: {path} exists already; --force replaces it\n"

    assert run(*RECORD, "-n", 1, "--force", path).returncode == 0
    assert samples(path) == 1


def test_a_full_disk_is_said_in_a_line():
    done = run(*RECORD, "-n", 1, "--force", "/dev/full")

    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.decode() == (
        "irqwatch: /dev/full: No space left on device; 0 samples before that can be read\n"
    )


def test_no_such_folder(tmp_path: Path):
    done = run(*RECORD, tmp_path / "no" / "host.irqw")

    assert done.returncode == 1
    assert done.stderr.endswith(b"host.irqw: No such file or directory\n")


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_well(path: Path, signum: int):
    command = [*RECORD, "-d", "0.02", path]
    with started(command) as program:
        wait_for_bytes(path, 10_000, program)
        program.send_signal(signum)
        assert program.stderr
        assert (program.wait(LIMIT_SECONDS), program.stderr.read()) == (0, b"")

    assert samples(path) > 1


def test_a_kill_leaves_what_was_written(path: Path):
    with started([*RECORD, "-d", "0.02", path]) as program:
        wait_for_bytes(path, 10_000, program)
        program.kill()

    assert samples(path) > 1


def wait_for_bytes(path: Path, number: int, program: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + LIMIT_SECONDS
    while not path.exists() or path.stat().st_size < number:
        assert program.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)


def test_a_reader_that_goes_away_ends_it_quietly():
    command = [*RECORD, "-d", "0.01", "-"]
    with started(command) as program:
        assert program.stdout and program.stderr
        assert program.stdout.read(8) == b"irqwatch"
        program.stdout.close()
        assert (program.wait(LIMIT_SECONDS), program.stderr.read()) == (0, b"")


def test_a_terminal_is_told_how_it_goes(path: Path):
    master, slave = pty.openpty()
    done = subprocess.run(
        [*RECORD, "-n", "2", "-d", "0.02", path], stderr=slave, timeout=LIMIT_SECONDS, check=False
    )
    os.close(slave)
    said = read_to_the_end(master).decode()
    os.close(master)

    assert done.returncode == 0
    assert "\r1 sample, " in said
    assert re.search(r"\r2 samples, .* kB, 0:0\d:\d\d  \r\n$", said)


def read_to_the_end(master: int) -> bytes:
    """What was written to a terminal that is closed by now comes piece by piece, then EIO."""
    said = b""
    with contextlib.suppress(OSError):
        while piece := os.read(master, 4096):
            said += piece
    return said


def test_a_terminal_is_not_sent_a_recording():
    master, slave = pty.openpty()
    done = subprocess.run(
        [*RECORD, "-"], stdout=slave, stderr=subprocess.PIPE, timeout=LIMIT_SECONDS, check=False
    )
    os.close(slave)
    os.close(master)

    assert done.returncode == 2
    assert b"not for a terminal" in done.stderr


def test_anonymize(path: Path):
    assert run(*RECORD, "-n", 1, "--anonymize", path).returncode == 0

    with Replay(path) as replay:
        host = next(iter(replay)).host
    assert host.hostname.startswith("host-x")
    assert host.hostname != os.uname().nodename


@pytest.mark.live
def test_the_probe_is_in_a_recording(path: Path):
    assert run(IRQWATCH, "record", "-n", 3, "-d", 0.1, path).returncode == 0

    with Replay(path) as replay:
        probes = [snapshot.probe for snapshot in replay]
    assert all(probe and probe.parts["softirqs"] for probe in probes)
    assert path.stat().st_size < 3 * 20_000


# Recordings of earlier versions. A fixture never changes: what it is read as may.


def test_recordings_are_as_they_were_taken():
    sums = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in fixtures()}

    assert sums == {
        "v1-virtio-2cpu.irqw": "2c75b27bdc4d08e8fc1469208c716ae37d3cd10232021832fe4ce52d6af0b79d",
    }


def fixtures() -> list[Path]:
    return sorted(RECORDINGS.glob("*.irqw"))


@pytest.mark.parametrize("path", fixtures(), ids=lambda path: path.stem)
def test_golden_replay(path: Path):
    plain = run(IRQWATCH, "top", "-b", "-n", 3, "--from", path)
    one_object = run(IRQWATCH, "top", "--json", "-n", 1, "--from", path)

    assert (plain.stderr, one_object.stderr) == (b"", b"")
    golden_file.check(f"replay-{path.stem}.txt", plain.stdout.decode())
    pretty = json.dumps(json.loads(one_object.stdout), indent=1)
    golden_file.check(f"replay-{path.stem}.json", pretty + "\n")


@pytest.mark.parametrize(
    "verb", [["top", "-b"], ["top", "--json"], ["serve", "--once"]], ids=" ".join
)
def test_a_replay_is_the_same_each_time(verb: list[str]):
    once, again = (run(IRQWATCH, *verb, "--from", VIRTIO) for _ in range(2))

    assert (once.returncode, once.stderr) == (0, b"")
    assert len(once.stdout) > 10_000
    assert once.stdout == again.stdout


def test_serve_once_is_the_last_sample():
    with Replay(VIRTIO) as replay:
        *_, last = replay
    expected = floatToGoString(sum(last.softirq_counts["TIMER"].values()))

    exposition = run(IRQWATCH, "serve", "--once", "--from", VIRTIO).stdout.decode()

    assert f'irqwatch_softirqs_total{{vector="TIMER"}} {expected}\n' in exposition
    assert "process_" not in exposition


def test_serve_replays_in_real_time():
    with Replay(VIRTIO) as replay:
        hostname = next(iter(replay)).host.hostname
        assert hostname
    with serving("--from", str(VIRTIO)) as server:
        assert "timing hardirq, softirq, work" in server.said
        assert "irqwatch_softirqs_total" in server.get()
        assert server.end(signal.SIGTERM) == (0, "")


def test_damage_is_said_after_what_is_before_it(path: Path):
    raw = bytearray(VIRTIO.read_bytes())
    raw[-100] ^= 1
    path.write_bytes(raw)

    done = run(IRQWATCH, "top", "--json", "--from", path)

    assert done.returncode == 1
    assert len(done.stdout.splitlines()) == 10
    assert done.stderr.decode().startswith(f"irqwatch: {path}: damaged at byte ")
    assert done.stderr.decode().endswith(" (sample 12): checksum\n")


def test_a_recording_that_was_cut_off_is_read_up_to_there(path: Path):
    path.write_bytes(VIRTIO.read_bytes()[:-100])

    done = run(IRQWATCH, "top", "--json", "--from", path)

    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 10
    assert done.stderr.decode().startswith(f"irqwatch: {path}: cut off at byte ")
    assert done.stderr.decode().endswith(" (sample 12); read up to there\n")


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["top", "-b", "--from", __file__], 1, f"{__file__}: not an irqwatch recording"),
        (["top", "-b", "--from", "/none"], 1, "/none: No such file or directory"),
        (["serve", "--once"], 2, "--once is for --from."),
        (["top", "--from", str(VIRTIO), "-d", "2"], 2, "--delay is of a live host"),
        (["serve", "--from", str(VIRTIO), "--path.procfs", "/x"], 2, "--path.procfs is of a live"),
        (["top", "--from", str(VIRTIO), "--no-collector.work"], 2, "is of a live host"),
    ],
)
def test_wrong_use_of_from(arguments: list[str], status: int, message: str):
    done = run(IRQWATCH, *arguments)

    assert (done.returncode, done.stdout) == (status, b"")
    assert message in done.stderr.decode()
    assert done.stderr.count(b"\n") == 1


def test_one_sample_is_no_interval(path: Path):
    run(*RECORD, "-n", 1, path)

    done = run(IRQWATCH, "top", "-b", "--from", path)

    assert done.returncode == 1
    assert done.stderr.decode() == f"irqwatch: {path}: an interval needs two samples\n"


@pytest.fixture
def screen() -> Iterator[Terminal]:
    command = [str(IRQWATCH), "top", "--from", str(VIRTIO)]
    terminal = Terminal(command, columns=160, lines=24, term="xterm-256color", no_color="")
    yield terminal
    terminal.close()


def test_the_screen_plays_a_recording(screen: Terminal):
    screen.wait_for(A_FRAME)
    screen.wait_for(b"/11 x1")
    screen.press(b"}")
    screen.wait_for(b"PAUSED")
    # The screen writes only what is not there yet: from the help back it is all.
    for keys, shown in ((b"", b"11/11 x1"), (b"++", b"11/11 x4"), (b"{.--", b"2/11 x1 ")):
        screen.press(keys + b"?")
        screen.wait_for(b"any key goes back")
        screen.press(b"x")
        screen.wait_for(shown)
    screen.press(b"q")
    assert screen.wait_for_end() == 0
    assert screen.is_as_before()
