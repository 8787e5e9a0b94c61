"""Whether the host is still the one that was planned for."""

import re
from collections.abc import Iterable
from itertools import pairwise

from irqwatch.affinity.lines import Lines
from irqwatch.cells import cpu_list
from irqwatch.errors import AffinityError
from irqwatch.model.plan import Move, Plan
from irqwatch.model.snapshot import Snapshot

# Names of irqbalance's option for a line it is to leave alone (irqbalance.c, parse_command_line).
BAN = (b"--banirq", b"-i")

_NUMBER = re.compile(rb"[0-9]{1,10}")


def check_host(plan: Plan, now: Snapshot) -> None:
    """Raises AffinityError where ``now``, which holds settings, is not what was planned for:
    rebooted, a line gone or another's, a mask changed, a CPU offline."""
    if now.host.boot_id != plan.host.boot_id:
        raise AffinityError("this is not the host, or not the boot, that the plan was made for")
    lines, online = Lines(now), frozenset(now.topology.online)
    for move in plan.moves:
        if reason := _why_not(move, lines, online):
            raise AffinityError(
                f"the host has changed since it was measured: {move.line.irq} "
                f"({move.line.device}) {reason}; nothing was written: run advise again"
            )


def _why_not(move: Move, lines: Lines, online: frozenset[int]) -> str:
    setting = lines.setting(move.line)
    if setting is None:
        return "is gone or another device's"
    effective = (setting.effective or frozenset()) & online
    for name, planned, found in (
        ("is asked to run on", move.requested, setting.affinity),
        ("runs on", move.effective, effective or None),
    ):
        if found is not None and found != planned:
            return f"{name} CPU {cpu_list(found)}, not {cpu_list(planned)}"
    if not move.to <= online:
        return f"is planned for CPU {cpu_list(move.to - online)}, which is offline"
    return ""


def check_irqbalance(plan: Plan, commands: Iterable[tuple[int, bytes]]) -> None:
    """``commands``: pid and /proc/PID/cmdline of each irqbalance. Raises AffinityError for one
    that has not been told to leave the plan's lines alone: within seconds it would move them."""
    wanted = {move.line.irq for move in plan.moves}
    for pid, cmdline in commands:
        if missing := sorted(wanted - banned(cmdline)):
            bans = " ".join(f"--banirq={irq}" for irq in missing)
            raise AffinityError(
                f"irqbalance (pid {pid}) would move them again: "
                f"stop it (systemctl stop irqbalance) or start it with {bans}"
            )


def check_irqbalance_bans(commands: Iterable[tuple[int, bytes]]) -> None:
    """Of any plan: raises AffinityError for an irqbalance that was told to leave no line alone."""
    for pid, cmdline in commands:
        if not banned(cmdline):
            raise AffinityError(
                f"irqbalance (pid {pid}) would move them again: stop it (systemctl stop "
                "irqbalance) or ban what is to move, which advise without --apply names"
            )


def banned(cmdline: bytes) -> frozenset[int]:
    """The lines that irqbalance leaves alone by its command line: ``--banirq=9``, ``-i 9``,
    ``-i9``."""
    words = cmdline.split(b"\0")
    values = [after for word, after in pairwise(words) if word in BAN]
    for word in words:
        if word.startswith(b"--banirq="):
            values.append(word.removeprefix(b"--banirq="))
        elif word.startswith(b"-i"):
            values.append(word.removeprefix(b"-i"))
    return frozenset(int(value) for value in values if _NUMBER.fullmatch(value))
