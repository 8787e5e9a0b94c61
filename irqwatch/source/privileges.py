"""Giving privileges up once the probe's descriptors are held."""

import os
import pwd

from irqwatch.errors import UsageError


def drop(user: str) -> None:
    """Become ``user`` for good, with no group of root's and no capability: a change of all three
    user ids away from 0 clears the permitted set (capabilities(7)). Does nothing when not root.
    Raises UsageError when there is no such user."""
    if os.geteuid() != 0:
        return
    try:
        entry = pwd.getpwnam(user)
    except KeyError:
        raise UsageError(f"there is no user {user!r}: name another with --user") from None
    os.setgroups([])
    os.setresgid(entry.pw_gid, entry.pw_gid, entry.pw_gid)
    os.setresuid(entry.pw_uid, entry.pw_uid, entry.pw_uid)
