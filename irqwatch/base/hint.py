"""Whether a line runs where its driver wishes (affinity_hint). Pure."""

from collections.abc import Set

from irqwatch.model.snapshot import LineSetting


def is_followed(setting: LineSetting, seen: Set[int]) -> bool | None:
    """A wish for several CPUs is followed on any of them. ``seen`` are the CPUs on which interrupts
    of the line came: that is where it runs where the kernel does not say so. None: there is no
    wish, or it is not known where the line runs."""
    if setting.hint is None:
        return None
    where = setting.effective or seen
    if where:
        return where <= setting.hint
    asked = setting.affinity
    if asked is None or (asked & setting.hint and asked - setting.hint):
        return None
    return bool(asked & setting.hint)
