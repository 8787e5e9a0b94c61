"""Which series exist: which names are shown apart, and what the rest has counted, which is "other"
(docs/decisions/018-what-is-shown-apart.md). Pure. What a series says is decided elsewhere."""

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Set
from itertools import repeat
from operator import lt
from typing import NamedTuple

from irqwatch.base.counters import cpu_counts
from irqwatch.model.histogram import EMPTY, Histogram
from irqwatch.model.snapshot import CpuCounts

OTHER = "other"

# What takes this part of one CPU's time over a minute is shown apart. The second half of the room
# is for what takes ten times as much, so that it finds some whatever came before it.
LEAST_SHARE = 0.001
LARGE_SHARE = 0.01
WINDOW_NS = 60 * 10**9

# What is counted and not timed is weighed as if each took this long.
COUNTED_NS = 1000

Labels = tuple[str, ...]

# What tells one member of a group from the others.
MemberKey = tuple[Hashable, ...]


class Bound(NamedTuple):
    """At most so many names apart: ``small`` on a host of up to four CPUs, more on a larger one,
    never more than ``most``."""

    small: int
    most: int

    def on(self, cpus: int) -> int:
        """On a host of so many CPUs."""
        times = 1 if cpus <= 4 else 2 if cpus <= 16 else 4 if cpus <= 64 else 8
        return min(self.most, times * self.small)


class Filter(NamedTuple):
    """What the user wants shown apart, by the first label: what ``include`` finds, from the start;
    nothing that ``exclude`` finds. Where there is no pattern, what takes time."""

    include: re.Pattern[str] | None = None
    exclude: re.Pattern[str] | None = None

    def allows(self, group: Labels) -> bool:
        """Whether it may be shown apart."""
        if self.exclude and self.exclude.search(group[0]):
            return False
        return self.include is None or self.include.search(group[0]) is not None


ANY = Filter()


class Member(NamedTuple):
    """One of those that a group is the sum of, with what it has counted until now. ``ns`` is its
    time, by which its group is chosen; what ``counts`` and ``times`` are is the caller's."""

    group: Labels
    ns: int
    counts: tuple[int, ...] = ()
    times: tuple[Histogram, ...] = ()


class Total(NamedTuple):
    """Of the members of a group, since it is shown apart."""

    counts: tuple[int, ...]
    times: tuple[Histogram, ...]


class Groups:
    """Sums of counters by group. At most ``limit`` are shown apart; the others' sum is the group
    that ``other`` gives of a group.

    No sum ever falls, and what the members count is counted once: what a group counted until it is
    shown apart stays in "other", and its own sum begins at zero. A group that is shown apart stays
    so. Where its last member goes it keeps its sum, until another needs its place.
    ``since_ns`` is when its counters began.
    """

    def __init__(
        self,
        limit: int,
        other: Callable[[Labels], Labels],
        since_ns: int,
        wanted: Filter = ANY,
    ) -> None:
        self.limit = limit
        self._other = other
        self._wanted = wanted
        self._last: dict[MemberKey, Member] = {}
        self._sums: dict[Labels, _Sum] = {}
        self._shown: dict[Labels, None] = {}  # in the order in which they came
        self._window_ns = since_ns
        self._grown: dict[Labels, int] = {}  # in this window, of those that are not shown apart
        self._is_first = True

    def update(
        self,
        members: Mapping[MemberKey, Member],
        now_ns: int,
        always: Collection[Labels] = (),
        *,
        from_now: Collection[Labels] = (),
        keeps_gone: bool = False,
    ) -> dict[Labels, Total]:
        """The sum of each group. A member stays in the group that it was first seen in. Groups in
        ``always`` are shown apart whatever they take, while there is room; those in ``from_now``
        too, with what they count from now on. ``keeps_gone``: a member that is missing goes on
        where it was when it is back, as a CPU that was offline does."""
        grown = self._take(members, keeps_gone=keeps_gone)
        in_use = {member.group for member in self._last.values()}
        at_once = in_use if self._wanted.include else in_use.intersection(always)
        if self._is_first:
            at_once = at_once | in_use.intersection(from_now)
        for group in sorted(at_once - self._shown.keys()):
            self._show(group, in_use)
        for member, before in grown:
            if member.group not in self._shown:
                ns = _step(member.ns, before.ns if before else 0)
                self._grown[member.group] = self._grown.get(member.group, 0) + ns
        if self._is_first:  # nothing has been said of "other" yet, so all goes to its own
            self._choose(now_ns, in_use)
        for member, before in grown:
            self._sum(self.shown_as(member.group), member).add(member, before)
        if not self._is_first:
            self._choose(now_ns, in_use)
        for group in sorted(in_use.intersection(from_now) - self._shown.keys()):
            self._show(group, in_use)
        self._is_first = False
        return {group: total.total() for group, total in self._sums.items()}

    def shown_as(self, group: Labels) -> Labels:
        """The group itself, or the one that it is a part of."""
        return group if group in self._shown else self._other(group)

    def group(self, member: MemberKey) -> Labels:
        """Where a member of the last update is counted."""
        return self.shown_as(self._last[member].group)

    @property
    def shown(self) -> Set[Labels]:
        return self._shown.keys()

    def _take(
        self, members: Mapping[MemberKey, Member], *, keeps_gone: bool
    ) -> list[tuple[Member, Member | None]]:
        """Those that differ from the last update, each with what it was then."""
        last, self._last = self._last, dict(self._last) if keeps_gone else {}
        grown = []
        for key, member in members.items():
            before = last.get(key)
            if before and before.group != member.group:
                member = member._replace(group=before.group)  # noqa: PLW2901
            self._last[key] = member
            if member != before:
                grown.append((member, before))
        return grown

    def _sum(self, group: Labels, like: Member) -> "_Sum":
        if group not in self._sums:
            self._sums[group] = _Sum(like)
        return self._sums[group]

    def _choose(self, now_ns: int, in_use: Set[Labels]) -> None:
        """Show apart what took enough time in a window that has ended."""
        elapsed_ns = now_ns - self._window_ns
        if elapsed_ns < WINDOW_NS:
            return
        for group, ns in sorted(self._grown.items(), key=lambda item: (-item[1], item[0])):
            is_first_half = len(self._shown) < (self.limit + 1) // 2
            if ns < elapsed_ns * (LEAST_SHARE if is_first_half else LARGE_SHARE):
                break
            if group in in_use:
                self._show(group, in_use)
        self._grown = {}
        self._window_ns = now_ns

    def _show(self, group: Labels, in_use: Set[Labels]) -> None:
        if group == self._other(group) or not self._wanted.allows(group):
            return
        if len(self._shown) >= self.limit:
            gone = next((one for one in self._shown if one not in in_use), None)
            if gone is None:
                return
            del self._shown[gone]
            self._sums.pop(gone, None)
        self._shown[group] = None
        self._grown.pop(group, None)
        if like := next((one for one in self._last.values() if one.group == group), None):
            self._sums[group] = _Sum(like)


class _Sum:
    """Of one group, as it grows."""

    __slots__ = ("_counts", "_times")

    def __init__(self, like: Member) -> None:
        self._counts = [0] * len(like.counts)
        self._times: list[tuple[defaultdict[int, int], list[int]]] = [
            (defaultdict(int), [0]) for _ in like.times
        ]

    def add(self, now: Member, before: Member | None) -> None:
        """What a member has counted since; all, where it is new or has begun again."""
        if before is None or now.ns < before.ns or _has_fallen(now, before):
            before = Member(now.group, 0, (0,) * len(now.counts), (EMPTY,) * len(now.times))
        for place, (count, then) in enumerate(zip(now.counts, before.counts, strict=True)):
            self._counts[place] += count - then
        for (buckets, sum_ns), time, old in zip(self._times, now.times, before.times, strict=True):
            if time is old:
                continue
            sum_ns[0] += time.sum_ns - old.sum_ns
            had = old.buckets.get
            for bucket, count in time.buckets.items():
                if step := count - had(bucket, 0):
                    buckets[bucket] += step

    def total(self) -> Total:
        times = (Histogram(dict(buckets), sum_ns) for buckets, (sum_ns,) in self._times)
        return Total(tuple(self._counts), tuple(times))


def _has_fallen(now: Member, before: Member) -> bool:
    """Whether any of its counters is lower than before."""
    return any(map(lt, now.counts, before.counts)) or any(
        time is not old and _is_lower(time, old)
        for time, old in zip(now.times, before.times, strict=True)
    )


def _is_lower(time: Histogram, old: Histogram) -> bool:
    now = map(time.buckets.get, old.buckets, repeat(0))
    return time.sum_ns < old.sum_ns or any(map(lt, now, old.buckets.values()))


def _step(now: int, before: int) -> int:
    """Of a counter; all, where it has begun again."""
    return now - before if now >= before else now


class Growing:
    """Sums of single counters by group, all of which are shown. They never fall: what is gone stays
    in them."""

    def __init__(self) -> None:
        self._last: dict[MemberKey, int] = {}
        self._sums: dict[Labels, int] = {}

    def update(self, members: Iterable[tuple[MemberKey, Labels, int]]) -> dict[Labels, int]:
        """From (member, its group, its counter), each member once."""
        last, now = self._last, dict[MemberKey, int]()
        for member, group, count in members:
            now[member] = count
            step = _step(count, last.get(member, 0))
            self._sums[group] = self._sums.get(group, 0) + step
        self._last = now
        return dict(self._sums)


class RowCounts:
    """What each row of the kernel's 32-bit counters has counted on all CPUs, under the name that it
    had then: a line that is freed may be set up again as another's. When a counter wraps or a CPU
    goes offline it does not fall. What is unknown (``irqwatch.base.counters``: a counter that was
    reset, a CPU that came) adds nothing."""

    def __init__(self) -> None:
        self._rows: dict[Labels, tuple[Labels, int, CpuCounts, Set[int]]] = {}

    def update(
        self, row: Labels, name: Labels, counts: CpuCounts, cpus: Set[int], interval_ns: int
    ) -> int:
        """The sum of ``row`` since it has its name; ``cpus`` are those that it has a column for."""
        if row not in self._rows:
            total = sum(counts.values())
        else:
            name_before, total, last, last_cpus = self._rows[row]
            steps = cpu_counts(counts, last, cpus & last_cpus, interval_ns)
            grown = sum((steps or {}).values())
            total = total + grown if name == name_before else grown
        self._rows[row] = name, total, counts, cpus
        return total

    def keep_only(self, rows: Iterable[Labels]) -> None:
        """Forget the rows that the kernel no longer has."""
        for gone in self._rows.keys() - set(rows):
            del self._rows[gone]
