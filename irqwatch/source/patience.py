"""How long FIFOs are waited for. A host's files are never FIFOs, but what stands in for them may
be: a test's, a container's, ``<(ssh host cat /proc/interrupts)``."""

# For one that nobody has open to write to; and for all of them in any minute, which one that
# somebody has may take alone. A scrape that has to wait for thousands is late by no more, and the
# next not at all.
ONE_NS = 10**9
ALL_NS = 4 * 10**9
PERIOD_NS = 60 * 10**9

# So many that were waited for in vain are remembered.
MOST_LATE = 4096


class Patience:
    """Times are nanoseconds of one clock."""

    def __init__(self) -> None:
        self._left_ns = ALL_NS
        self._asked_ns = 0
        self._late: dict[str, int] = {}  # path → until when it is not waited for

    def of(self, path: str, now_ns: int, *, has_writer: bool) -> int:
        """How long ``path`` may be waited for, all in all."""
        regained_ns = (now_ns - self._asked_ns) * ALL_NS // PERIOD_NS
        self._left_ns = min(ALL_NS, self._left_ns + regained_ns)
        self._asked_ns = now_ns
        if self._late.get(path, now_ns) > now_ns:
            return 0
        return max(0, min(ALL_NS if has_writer else ONE_NS, self._left_ns))

    def spend(self, path: str, waited_ns: int, now_ns: int, *, in_vain: bool) -> None:
        """``path`` was waited for; one that had all the time there is for one is not again soon."""
        self._left_ns -= waited_ns
        if not in_vain:
            self._late.pop(path, None)
        elif waited_ns >= ONE_NS and (path in self._late or len(self._late) < MOST_LATE):
            self._late[path] = now_ns + PERIOD_NS
