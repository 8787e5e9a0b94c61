"""Giving privileges up once the probe's descriptors are held."""

import ctypes
import os
import pwd
import re
from dataclasses import dataclass
from pathlib import Path

from irqwatch.errors import IrqwatchError, UsageError

# include/uapi/linux/prctl.h
PR_SET_NO_NEW_PRIVS = 38
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_CLEAR_ALL = 4
# include/uapi/linux/capability.h: version 3 has each set in two words of 32 bits.
CAPABILITY_VERSION_3 = 0x20080522

# Of /proc/self/status (proc_pid_status(5)), each in hexadecimal.
GIVEN_UP = {"CapInh": 0, "CapPrm": 0, "CapEff": 0, "CapAmb": 0, "NoNewPrivs": 1}


class _Header(ctypes.Structure):
    """struct __user_cap_header_struct; pid 0 is the calling thread."""

    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Sets(ctypes.Structure):
    """Two of struct __user_cap_data_struct: effective, permitted and inheritable in each."""

    _fields_ = (("words", ctypes.c_uint32 * 6),)


@dataclass(frozen=True, slots=True)
class Account:
    name: str
    uid: int
    gid: int


def account(user: str) -> Account | None:
    """Whom root is to become; None when not root, who alone becomes another. Raises UsageError
    when there is no such user, or when it is root again."""
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam(user)
    except (KeyError, ValueError):  # ValueError: a zero byte in it
        raise UsageError(f"there is no user {user!r}: name another with --user") from None
    if entry.pw_uid == 0:
        raise UsageError(f"{user!r} is root, with privileges to give up: name another with --user")
    return Account(user, entry.pw_uid, entry.pw_gid)


def drop(user: Account | None) -> str:
    """Become that user for good, and whoever it then is, hold no capability and gain none.

    The change of ids alone would not do: it leaves ambient capabilities of a start as another
    user, and all of them under SECBIT_NO_SETUID_FIXUP (capabilities(7)). Gives why it is still
    the same user ("" where it is as wished): a container may lack CAP_SETUID or CAP_SETGID.
    Raises IrqwatchError where a capability stays.
    """
    kept = _become(user) if user else ""
    _clear_capabilities()
    return kept


def _become(user: Account) -> str:
    try:
        os.setgroups([])
        os.setresgid(user.gid, user.gid, user.gid)
        os.setresuid(user.uid, user.uid, user.uid)
    except OSError as error:
        return f"still root, but without capabilities: cannot become {user.name}: " + (
            error.strerror or str(error)
        )
    return ""


def _clear_capabilities() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    _prctl(libc, PR_SET_NO_NEW_PRIVS, 1)
    _prctl(libc, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)
    if libc.capset(ctypes.byref(_Header(CAPABILITY_VERSION_3, 0)), ctypes.byref(_Sets())):
        reason = os.strerror(ctypes.get_errno())
        raise IrqwatchError(f"capabilities cannot be given up: {reason}")
    if left := _left():
        raise IrqwatchError(f"capabilities were not given up: {', '.join(left)}")


def _prctl(libc: ctypes.CDLL, option: int, argument: int) -> None:
    """What came of it is read from the kernel's account."""
    libc.prctl(option, *map(ctypes.c_ulong, (argument, 0, 0, 0)))


def _left() -> list[str]:
    """The fields that are not as in GIVEN_UP; those that the kernel does not show are taken as
    given up, for capset() has succeeded."""
    try:
        status = Path("/proc/self/status").read_text(errors="replace")
    except OSError:
        return []
    fields = dict(re.findall(r"^(\w+):\s*([0-9a-f]+)$", status, re.MULTILINE))
    return [
        f"{name} {fields[name]}"
        for name, value in GIVEN_UP.items()
        if name in fields and int(fields[name], 16) != value
    ]
