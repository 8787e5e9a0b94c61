"""Giving privileges up once the probe's descriptors are held."""

import contextlib
import ctypes
import grp
import os
import pwd
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from irqwatch.errors import IrqwatchError, UsageError
from irqwatch.source.capabilities import CAP_BPF, effective

# include/uapi/linux/prctl.h
PR_SET_KEEPCAPS = 8
PR_SET_NO_NEW_PRIVS = 38
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_CLEAR_ALL = 4
# include/uapi/linux/capability.h: version 3 has each set in two words of 32 bits.
CAPABILITY_VERSION_3 = 0x20080522

# Of /proc/self/status (proc_pid_status(5)), each in hexadecimal.
GIVEN_UP = {"CapInh": 0, "CapPrm": 0, "CapEff": 0, "CapAmb": 0, "NoNewPrivs": 1}
KEPT = ("CapPrm", "CapEff")

OWN_USER = "irqwatch"
# Those that no range of systemd's or of a distribution's has (systemd, docs/UIDS-GIDS.md).
OWN_NUMBERS = range(61183, 60577, -1)

NONE = 0
BPF = 1 << CAP_BPF  # what reading maps needs before Linux 5.19 (commit c8644cd0efe7)


class _Header(ctypes.Structure):
    """struct __user_cap_header_struct; pid 0 is the calling thread."""

    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


_SETS = ("effective", "permitted", "inheritable", "effective_1", "permitted_1", "inheritable_1")


class _Sets(ctypes.Structure):
    """Two of struct __user_cap_data_struct: effective, permitted and inheritable in each."""

    _fields_ = tuple((name, ctypes.c_uint32) for name in _SETS)


@dataclass(frozen=True, slots=True)
class Account:
    name: str
    uid: int
    gid: int


def account(user: str | None) -> Account | None:
    """Whom root is to become: ``user``; without one irqwatch, or where there is no such user a
    number that no account has, so that no other program runs as the same one, as many do as nobody.
    None when not root, who alone becomes another. Raises UsageError when there is no such user, or
    when it is root again."""
    if os.geteuid() != 0:
        return None
    if user is None and not _exists(pwd.getpwnam, OWN_USER):
        return _nobody_elses()
    user = user or OWN_USER
    try:
        entry = pwd.getpwnam(user)
    except (KeyError, ValueError):  # ValueError: a zero byte in it
        raise UsageError(f"there is no user {user!r}: name another with --user") from None
    if entry.pw_uid == 0:
        raise UsageError(f"{user!r} is root, with privileges to give up: name another with --user")
    return Account(user, entry.pw_uid, entry.pw_gid)


def _exists(lookup: Callable[[Any], object], key: str | int) -> bool:
    try:
        lookup(key)
    except KeyError:
        return False
    return True


def _nobody_elses() -> Account:
    for number in OWN_NUMBERS:
        if not _exists(pwd.getpwuid, number) and not _exists(grp.getgrgid, number):
            return Account(str(number), number, number)
    raise UsageError(f"there is no user {OWN_USER!r}: make one, or name another with --user")


def to_keep(user: Account | None, reads: Callable[[], bool]) -> tuple[int, str]:
    """The capabilities without which ``reads`` is no longer true, and what to say of it: NONE or
    BPF. Where that is not held, for CAP_SYS_ADMIN may load the probe too, nothing is kept all the
    same: that one is far more than reading takes."""
    if _reads_without(user, reads):
        return NONE, ""
    if effective() & BPF:
        return BPF, "keeps CAP_BPF, without which this kernel lets nobody read the probe"
    return NONE, "cannot read the probe: this kernel asks for CAP_BPF to do so"


def _reads_without(user: Account | None, reads: Callable[[], bool]) -> bool:
    """Tried out in a child, for what is given up does not come back; the kernel's version would not
    tell, as it depends on kernel.unprivileged_bpf_disabled too."""
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            drop(user)
            os._exit(0 if reads() else 1)
        os._exit(1)
    _, status = os.waitpid(child, 0)
    return status == 0


def drop(user: Account | None, keep: int = NONE) -> str:
    """Become that user for good, and whoever it then is, hold no capability but ``keep`` (a mask)
    and gain none.

    The change of ids alone would not do: it leaves ambient capabilities of a start as another
    user, and all of them under SECBIT_NO_SETUID_FIXUP (capabilities(7)). Gives why it is still
    the same user ("" where it is as wished): a container may lack CAP_SETUID or CAP_SETGID.
    Raises IrqwatchError where a capability stays.
    """
    kept = _become(user) if user else ""
    _clear_capabilities(keep)
    return kept


def _become(user: Account) -> str:
    # Else they go with root's id; _clear_capabilities() sees to those that are not to stay.
    _prctl(ctypes.CDLL(None, use_errno=True), PR_SET_KEEPCAPS, 1)
    try:
        os.setgroups([])
        os.setresgid(user.gid, user.gid, user.gid)
        os.setresuid(user.uid, user.uid, user.uid)
    except OSError as error:
        return f"still root, but without capabilities: cannot become {user.name}: " + (
            error.strerror or str(error)
        )
    return ""


def _clear_capabilities(keep: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    _prctl(libc, PR_SET_NO_NEW_PRIVS, 1)
    _prctl(libc, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)
    _prctl(libc, PR_SET_KEEPCAPS, 0)
    low, high = keep & 0xFFFFFFFF, keep >> 32
    sets = _Sets(low, low, 0, high, high, 0)
    if libc.capset(ctypes.byref(_Header(CAPABILITY_VERSION_3, 0)), ctypes.byref(sets)):
        reason = os.strerror(ctypes.get_errno())
        raise IrqwatchError(f"capabilities cannot be given up: {reason}")
    if left := _left(keep):
        raise IrqwatchError(f"capabilities were not given up: {', '.join(left)}")


def _prctl(libc: ctypes.CDLL, option: int, argument: int) -> None:
    """What came of it is read from the kernel's account."""
    libc.prctl(option, *map(ctypes.c_ulong, (argument, 0, 0, 0)))


def _left(keep: int) -> list[str]:
    """The fields that are not as in GIVEN_UP and ``keep``; those that the kernel does not show are
    taken as given up, for capset() has succeeded."""
    try:
        status = Path("/proc/self/status").read_text(errors="replace")
    except OSError:
        return []
    fields = dict(re.findall(r"^(\w+):\s*([0-9a-f]+)$", status, re.MULTILINE))
    wanted = {**GIVEN_UP, **dict.fromkeys(KEPT, keep)}
    return [
        f"{name} {fields[name]}"
        for name, value in wanted.items()
        if name in fields and int(fields[name], 16) != value
    ]
