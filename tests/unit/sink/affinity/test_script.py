import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from irqwatch.model.plan import Plan
from irqwatch.sink.affinity.script import to_script
from tests import affinity, golden_file
from tests.affinity import FakeHost

PLAN = affinity.plan(affinity.move(31, 1), affinity.move(30, 2))


def script_of(plan: Plan) -> str:
    reasons = {move.line.irq: "CPU 0 is full" for move in plan.moves}
    return to_script(plan, "busiest CPU 65% now, 40% planned, 2 moves", reasons)


class Script:
    """A plan's script beside the host that it is for."""

    def __init__(self, folder: Path, plan: Plan = PLAN, idle: frozenset[int] = frozenset()) -> None:
        self.host = FakeHost(folder / "host", idle)
        self.path = folder / "plan.sh"
        self.path.write_text(script_of(plan))

    def run(self, *words: str, shell: str = "sh", **env: str) -> tuple[int, list[str]]:
        """Exit code, and what it said on either stream without its own path."""
        done = subprocess.run(
            [shell, str(self.path), *words],
            env={"PATH": "/usr/bin:/bin", "PROC": str(self.host.root.procfs), **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        self.host.follow()
        return done.returncode, done.stdout.replace(f"{self.path}: ", "").splitlines()


@pytest.fixture
def script(tmp_path: Path) -> Script:
    return Script(tmp_path)


def test_golden() -> None:
    golden_file.check("affinity_script.sh", script_of(PLAN))


def test_shellcheck_finds_nothing(script: Script) -> None:
    if not shutil.which("shellcheck"):
        pytest.skip("shellcheck is not installed")
    done = subprocess.run(
        ["shellcheck", str(script.path)], stdout=subprocess.PIPE, check=False, text=True
    )
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_applies_verifies_and_undoes(script: Script, shell: str) -> None:
    assert script.run("check", shell=shell) == (0, [])
    assert script.host.masks()[31] == "0-3"

    status, said = script.run(shell=shell)
    assert status == 0
    assert said[:2] == ["30 dev30-queue: CPU 0-3 -> 2", "31 dev31-queue: CPU 0-3 -> 1"]
    assert script.host.masks() == {30: "2", 31: "1", 32: "0-3", 33: "0-3"}

    assert script.run("verify", shell=shell) == (
        0,
        ["30 dev30-queue: runs on CPU 2", "31 dev31-queue: runs on CPU 1"],
    )
    assert script.run(shell=shell)[1][0] == "30 dev30-queue: is on CPU 2 already"
    assert script.run("undo", shell=shell)[0] == 0
    assert set(script.host.masks().values()) == {"0-3"}


def test_an_idle_line_is_unverified(tmp_path: Path) -> None:
    script = Script(tmp_path, idle=frozenset({30}))
    status, said = script.run()
    assert status == 0
    assert "30 dev30-queue: unverified: moves from CPU 0 with its next interrupt" in said


def test_undo_leaves_what_somebody_else_has_set(script: Script) -> None:
    script.run()
    script.host.set_mask(31, "3")
    status, said = script.run("undo")
    assert status == 1
    assert "31 dev31-queue: somebody else has set CPU 3: left so" in said
    assert script.host.masks()[30] == "0-3" and script.host.masks()[31] == "3"


def test_a_mask_that_was_changed_since_stops_it(script: Script) -> None:
    script.host.set_mask(31, "3")
    assert script.run() == (
        1,
        [
            "31 dev31-queue: is on CPU 3, not on 0-3: changed since this was written",
            "nothing was written",
        ],
    )
    assert script.host.masks()[30] == "0-3"


def test_after_a_reboot_lines_have_other_masks_and_numbers(script: Script) -> None:
    (script.host.root.procfs / "sys/kernel/random/boot_id").write_text("another\n")
    for irq in affinity.LINES:
        script.host.set_mask(irq, "0")
    interrupts = script.host.root.procfs / "interrupts"
    swapped = interrupts.read_text().replace(" 32:", " xx:").replace(" 31:", " 32:")
    interrupts.write_text(swapped.replace(" xx:", " 31:"))
    assert script.run()[0] == 0
    assert script.host.masks() == {30: "2", 31: "0", 32: "1", 33: "0"}


def test_a_process_of_anyone_that_calls_itself_irqbalance_stops_nothing(script: Script) -> None:
    script.host.start_irqbalance()
    status = script.host.root.procfs / "812" / "status"
    status.write_text("Name:\tirqbalance\nUid:\t0\t0\t0\t0\n")
    assert script.run()[0] == 1
    status.write_text("Name:\tirqbalance\nUid:\t0\t0\t0\t1000\n")
    assert script.run()[0] == 0


def test_irqbalance_stops_it_unless_it_was_told(script: Script) -> None:
    script.host.start_irqbalance()
    status, said = script.run()
    assert status == 1 and said[-1] == "nothing was written"
    assert said[0].startswith("irqbalance runs and would move them again")
    assert set(script.host.masks().values()) == {"0-3"}
    assert script.run(IRQBALANCE="told")[0] == 0


def test_a_line_that_is_gone_or_is_there_twice(script: Script) -> None:
    script.host.rename(30, "dev31-queue")
    path = script.host.root.procfs / "interrupts"
    path.write_text(path.read_text().replace("30-edge", "31-edge"))
    status, said = script.run()
    assert status == 1
    assert said == [
        "dev30-queue: not exactly one line is called so: left alone",
        "dev31-queue: not exactly one line is called so: left alone",
        "nothing was written",
    ]


def test_a_longer_name_is_another_line(script: Script) -> None:
    """ "x dev31-queue" ends in the name, too; it is the kernel's two spaces that begin one."""
    script.host.rename(31, "x dev31-queue")
    assert script.run()[0] == 1


@pytest.mark.parametrize("name", ["it's; touch $(pwd)/x `id`", 'a "b" * $HOME', "-n", "nvme 0 io5"])
def test_names_are_only_names(name: str, tmp_path: Path) -> None:
    move = affinity.move(31, 1)
    plan = affinity.plan(replace(move, line=replace(move.line, actions=(name,))))
    script = Script(tmp_path, plan)
    script.host.rename(31, name)
    assert script.run()[0] == 0
    assert script.host.masks()[31] == "1"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["host", "plan.sh"]


def test_a_name_that_is_not_plain_text_is_left_out(tmp_path: Path) -> None:
    move = affinity.move(31, 1)
    plan = affinity.plan(replace(move, line=replace(move.line, actions=("a\\x1b[31m",))))
    script = Script(tmp_path, plan)
    assert "# left out, its name is not plain text: 31" in script.path.read_text()
    assert script.run() == (0, ["nothing to move"])


def test_wrong_usage(script: Script) -> None:
    assert script.run("redo")[0] == 2


def twins(folder: Path, controller: str) -> Script:
    """Lines 30 and 31 are of one name and hardware number, at two addresses."""
    move = affinity.move(31, 1)
    line = replace(move.line, actions=("xhci_hcd",), hwirq="0", controller=controller)
    script = Script(folder, affinity.plan(replace(move, line=line)))
    interrupts = script.host.root.procfs / "interrupts"
    for irq in (30, 31):
        script.host.rename(irq, "xhci_hcd")
        text = interrupts.read_text().replace(f"03.0  {irq}-edge", f"{irq - 25:02}.0  0-edge")
        interrupts.write_text(text)
    return script


def test_two_controllers_of_one_name(tmp_path: Path) -> None:
    script = twins(tmp_path, "PCI-MSIX-0000:00:06.0")
    status, said = script.run()
    assert (status, said[0]) == (0, "31 xhci_hcd: CPU 0-3 -> 1")
    assert script.host.masks() == {30: "0-3", 31: "1", 32: "0-3", 33: "0-3"}


@pytest.mark.parametrize("controller", ["", "PCI-MSIX-0000:00:06", "MSIX-0000:00:06.0"])
def test_a_controller_is_matched_whole_or_not_at_all(controller: str, tmp_path: Path) -> None:
    script = twins(tmp_path, controller)
    assert script.run("check")[0] == 1
