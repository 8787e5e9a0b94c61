"""What the probe must have counted, computed from the events themselves.

Written from the rules in words, not from the probe: it imports nothing of irqwatch and keeps every
single value, so that it can be read in one sitting and cannot share a mistake. The rules:

- A hard interrupt is the time from an action's entry to its exit on a CPU; answered with 0
  (IRQ_NONE) it was "not mine". The architecture's own vectors are hard interrupts too, from their
  entry to their exit; one hard interrupt of either kind is open at a time on a CPU. arm64's IPIs
  (ipi_entry, ipi_exit) come inside a line's handler, whose time they are.
- A softirq waits from the oldest raise on its CPU that no entry has served yet. The kernel takes
  the bits of all raised vectors off before it runs the first (handle_softirqs(), kernel/softirq.c),
  so a raise shortly before an entry may be for the next one: an entry that has no raise of its own
  serves the last one before the entry before. It runs from entry to exit, less the hard interrupts
  inside.
- What is raised or queued on a CPU inside a hard interrupt has that as its cause; inside a softirq,
  what that softirq has; else none. A softirq's cause is that of the raise it serves, and a work
  item's that of the queueing it serves. An interrupt that was never seen to end is nobody's cause.
- A run of NET_RX polls several NAPI instances; a poll takes from the end of the one before, or the
  start of the run, to its own end. Each raise but a run's own schedules one instance, and they are
  polled in the order of the raises; so an instance of a device is the line's in whose handler its
  raise was. The order is lost when a poll uses up its budget, a run raises NET_RX, a device's
  instance is polled for no line's raise, or more than eight wait; it is known again when a run ends
  and nothing is raised. Then an instance is the line's that it was last known to be. What an
  instance takes that is another line's than the run's cause is that line's, once it has been seen
  to end on the CPU; of one run, eight polls at most. A poll without a budget only sends, inside
  another.
- On PREEMPT_RT each task of a CPU may be in a softirq: an exit is of the one that its task is in.
- A work item waits from its queueing to its start, on whichever CPU, and runs from start to end
  in one thread, which for work in softirqs is any that they interrupt. What was not queued (a
  flush's barrier, put right into the list) has no waiting time. An item that starts again before it
  is queued again had been queued anew just before the first start: that one serves the queueing
  before. It was stalled if its activation is
  not the very next event on the CPU that queued it: the kernel queues and activates at once with
  interrupts off (__queue_work(), kernel/workqueue.c), so nothing can come between.
- A run's time on a CPU is without the times in which its thread was switched away from. If it never
  was, hard interrupts and softirqs inside are not its time either; if it was, the scheduler may
  have counted those that came while it ran, or not. A switch that is missing was between two events
  of the CPU that are not of one thread.
"""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from tests.events import X86_VECTORS, Event

VECTORS = (
    "HI",
    "TIMER",
    "NET_TX",
    "NET_RX",
    "BLOCK",
    "IRQ_POLL",
    "TASKLET",
    "SCHED",
    "HRTIMER",
    "RCU",
)

NET_RX = VECTORS.index("NET_RX")
ON_LIST = 8
MOVES = 8

# The least whole number in each bucket: 0, then what is above 2**(n/4) seconds, 29.8 ns to 64 s.
EDGES_NS = [0, *(int(1e9 * 2 ** (quarter / 4)) + 1 for quarter in range(-100, 25))]

# ("hardirq", irq, action, cpu, "handled" or "not_mine")
# ("vector", name, cpu, "run")
# ("cause", *interrupt, "softirq", vector, cpu, "run"); "polled": out of runs with other causes
# ("cause", *interrupt, "work", via, function, workqueue, cpu, "run")
# ("softirq", vector, cpu, "latency" or "run" or "ksoftirqd")
# ("work", function, workqueue, "latency" or "run" or "stall"); "run" also with its CPU before it,
# and so "on_cpu"; of a cause is the time on a CPU too
Series = tuple[str | int, ...]

# The interrupt that something follows from: (irq, action), (-1, vector), or none.
Cause = tuple[int, str]
NO_CAUSE: Cause = (-1, "")


class Raise(NamedTuple):
    event: Event
    cause: Cause


class Queueing(NamedTuple):
    event: Event
    via: str  # "" a hard interrupt, a softirq's vector, "task"
    cause: Cause


class Span(NamedTuple):
    """One value, and the events that it was computed from: ``ns`` is the time from ``start`` to
    ``end`` less what is ``inside``, from one event to another each. Of what is in ``perhaps`` it is
    not known whether it is taken off too. ``scheduled`` is how often the scheduler, by a clock of
    its own, put the thread back on a CPU. ``start`` is the oldest of several raises where there are
    ``raised_again``; ``entry_before`` is the vector's entry before them."""

    ns: int
    start: Event
    end: Event
    inside: tuple[tuple[Event, Event], ...] = ()
    perhaps: tuple[tuple[Event, Event], ...] = ()
    scheduled: int = 0
    entry_before: Event | None = None
    raised_again: tuple[Event, ...] = ()


@dataclass
class Run:
    """Of a work item that has started. ``queueing`` is that which it serves."""

    start: Event
    workqueue: str
    queueing: Queueing | None
    came: int  # where the interrupts since it came on its CPU begin, among those of the CPU
    perhaps: list[tuple[Event, Event]] = field(default_factory=list)  # of its times before
    off: list[tuple[Event, Event]] = field(default_factory=list)
    left: Event | None = None  # the switch away from it


class Poll(NamedTuple):
    """Of a run of NET_RX. ``line`` is the instance's, where it is known and another than the run's
    cause; ``inside`` are the hard interrupts."""

    start: Event
    end: Event
    line: Cause | None
    inside: tuple[tuple[Event, Event], ...]


class Distribution(NamedTuple):
    """A series as the probe keeps it."""

    events: int
    sum_ns: int
    buckets: dict[int, int]


def distribution(values: Sequence[int]) -> Distribution:
    return Distribution(len(values), sum(values), dict(Counter(map(bucket, values))))


def bucket(ns: int) -> int:
    return bisect_right(EDGES_NS, ns) - 1


def worst(spans: Iterable[Span]) -> Span | None:
    """The longest; of equals the one that ended first; None where nothing took any time."""
    longest = max(spans, key=lambda span: span.ns, default=None)
    return longest if longest and longest.ns else None


class Reference:
    """Fed with the events in order; then ``series`` and ``losses`` (collector.reason → count) hold
    what should have been counted."""

    def __init__(self, *, is_rt: bool = False) -> None:
        self._is_rt = is_rt
        # On PREEMPT_RT: softirqs that are open in other tasks of a CPU, by CPU and task.
        self._aside: dict[tuple[int, int], tuple[Event, Cause]] = {}
        self.series: dict[Series, list[Span]] = defaultdict(list)
        self.losses: Counter[str] = Counter()
        self.unraised: dict[Series, list[Event]] = defaultdict(list)  # entries that nobody raised
        self.interrupts: dict[int, list[tuple[Event, Event]]] = defaultdict(list)  # by CPU
        self.line_of: dict[int, Cause] = {}  # by NAPI instance, as last known
        self._interrupt_open: dict[int, Event] = {}  # by CPU
        self._ipi_open: dict[int, Event] = {}  # by CPU
        self._ended: set[tuple[int, Cause]] = set()  # by CPU
        self._raised: dict[tuple[int, int], list[Raise]] = {}  # by CPU and vector, not served
        self._raised_again: dict[
            tuple[int, int], Raise
        ] = {}  # … and the last, if it was not served
        self._entered: dict[tuple[int, int], Event] = {}  # the last, by CPU and vector
        self._softirq_open: dict[int, Event] = {}  # by CPU
        self._softirq_cause: dict[int, Cause] = {}  # by CPU
        # By CPU, whose instances are on NAPI's list; None: their order is not known.
        self._scheduled: dict[int, list[Cause] | None] = {}
        self._polls: dict[int, list[Poll]] = defaultdict(list)  # of the open run, by CPU
        self._inside: dict[int, list[tuple[Event, Event]]] = defaultdict(list)  # by CPU
        self._queued: dict[int, Queueing] = {}  # by work item
        self._queued_before: dict[int, Queueing] = {}  # by work item, not started either
        self._queued_anew: set[int] = set()  # starts, by their place among all events
        self._place = 0
        self._stalls: dict[int, Span] = {}  # by work item
        self._running: dict[int, dict[int, Run]] = defaultdict(dict)  # by thread and work item
        # By CPU: interrupts that are over; of softirqs those that are inside only while it is open.
        self._over: dict[int, list[tuple[Event, Event]]] = defaultdict(list)
        self._over_at_softirq: dict[int, int] = {}  # how many there were when it began, by CPU
        self._previous: dict[int, Event] = {}  # by CPU, switches aside
        self._last: dict[int, Event] = {}  # by CPU
        self._current: dict[int, int] = {}  # the thread, by CPU
        self._knows_switches = False
        self._rules: dict[str, Callable[[Event], None]] = {
            "irq_handler_entry": self._irq_handler_entry,
            "irq_handler_exit": self._irq_handler_exit,
            "softirq_raise": self._softirq_raise,
            "softirq_entry": self._softirq_entry,
            "softirq_exit": self._softirq_exit,
            "workqueue_queue_work": self._queue_work,
            "workqueue_activate_work": self._activate_work,
            "workqueue_execute_start": self._execute_start,
            "workqueue_execute_end": self._execute_end,
            "napi_poll": self._napi_poll,
            "sched_switch": self._switch,
            "ipi_entry": self._ipi_entry,
            "ipi_exit": self._ipi_exit,
        }
        for name in X86_VECTORS:
            self._rules[f"{name}_entry"] = self._vector_entry
            self._rules[f"{name}_exit"] = self._vector_exit

    def feed(self, events: Iterable[Event]) -> "Reference":
        events = list(events)
        self._queued_anew = starts_before_starts(events)
        self._knows_switches = any(event.name == "sched_switch" for event in events)
        for self._place, event in enumerate(events):
            if self._knows_switches:
                self._find_missing_switch(event)
                self._last[event.cpu] = event
                self._current[event.cpu] = thread(event)
            self._rules[event.name](event)
            if event.name != "sched_switch":
                self._previous[event.cpu] = event
        return self

    def _irq_handler_entry(self, event: Event) -> None:
        if event.cpu in self._interrupt_open:
            self.losses["hardirq.entry_overwritten"] += 1
        self._interrupt_open[event.cpu] = event

    def _irq_handler_exit(self, event: Event) -> None:
        irq, action, answer = event.args
        entry = self._interrupt_open.get(event.cpu)
        if entry is None or len(entry.args) != 3 or entry.args[:2] != (irq, action):
            self.losses["hardirq.exit_without_entry"] += 1
            return
        self._end_interrupt(entry, event)
        kind = "handled" if answer else "not_mine"
        self.series["hardirq", irq, entry.args[2], event.cpu, kind].append(between(entry, event))

    def _vector_entry(self, event: Event) -> None:
        if event.cpu in self._interrupt_open:
            self.losses["vector.entry_overwritten"] += 1
        self._interrupt_open[event.cpu] = event

    def _vector_exit(self, event: Event) -> None:
        entry = self._interrupt_open.get(event.cpu)
        if entry is None or stem(entry) != stem(event):
            self.losses["vector.exit_without_entry"] += 1
            return
        self._end_interrupt(entry, event)
        self.series["vector", stem(event), event.cpu, "run"].append(between(entry, event))

    def _end_interrupt(self, entry: Event, exit: Event) -> None:
        del self._interrupt_open[exit.cpu]
        self._ended.add((exit.cpu, interrupt(entry)))
        self._inside[exit.cpu].append((entry, exit))
        self._over[exit.cpu].append((entry, exit))
        self.interrupts[exit.cpu].append((entry, exit))

    def _ipi_entry(self, event: Event) -> None:
        if event.cpu in self._ipi_open:
            self.losses["vector.entry_overwritten"] += 1
        self._ipi_open[event.cpu] = event

    def _ipi_exit(self, event: Event) -> None:
        entry = self._ipi_open.pop(event.cpu, None)
        if entry is None:
            self.losses["vector.exit_without_entry"] += 1
            return
        self.series["vector", event.args[0], event.cpu, "run"].append(between(entry, event))

    def _now(self, cpu: int) -> tuple[str, Cause]:
        """What is raised or queued now is by what, and because of which interrupt."""
        if cpu in self._interrupt_open:
            return "", interrupt(self._interrupt_open[cpu])
        if cpu in self._softirq_open:
            return VECTORS[int(self._softirq_open[cpu].args[0])], self._softirq_cause[cpu]
        return "task", NO_CAUSE

    def _softirq_raise(self, event: Event) -> None:
        vector = int(event.args[0])
        if vector >= len(VECTORS):
            self.losses["softirq.unknown_raise"] += 1
        else:
            raised = Raise(event, self._now(event.cpu)[1])
            waiting = self._raised.setdefault((event.cpu, vector), [])
            waiting.append(raised)
            if vector == NET_RX:
                self._schedule(event.cpu)

    def _schedule(self, cpu: int) -> None:
        running, handler = self._softirq_open.get(cpu), self._interrupt_open.get(cpu)
        scheduled = self._scheduled.get(cpu)
        by_line = handler is not None and interrupt(handler)[0] >= 0
        if handler is None and running and running.args[0] == NET_RX:
            self._scheduled[cpu] = None
        elif scheduled is not None:
            scheduled.append(interrupt(handler) if handler and by_line else NO_CAUSE)
            if len(scheduled) > ON_LIST:
                self._scheduled[cpu] = None

    def _napi_poll(self, event: Event) -> None:
        napi, device, work, budget = event.args
        cpu, entry = event.cpu, self._softirq_open.get(event.cpu)
        if entry is None or entry.args[0] != NET_RX or int(budget) <= 0:
            return
        polls, cause = self._polls[cpu], self._softirq_cause[cpu]
        scheduled = self._scheduled.get(cpu)
        line = scheduled.pop(0) if scheduled else None
        if int(work) >= int(budget) or (device and line == NO_CAUSE):
            self._scheduled[cpu] = None
        if line is None or line == NO_CAUSE:
            line = self.line_of.get(int(napi), NO_CAUSE)
        elif device:
            self.line_of[int(napi)] = line
        is_moved = line not in (NO_CAUSE, cause)
        start = polls[-1].end if polls else entry
        before = sum(len(poll.inside) for poll in polls)
        inside = tuple(self._inside[cpu][before:])
        polls.append(Poll(start, event, line if is_moved else None, inside))

    def _softirq_entry(self, event: Event) -> None:
        vector = int(event.args[0])
        if vector >= len(VECTORS):
            self.losses["softirq.unknown_entry"] += 1
            return
        if event.cpu in self._softirq_open and not self._put_aside(event):
            self.losses["softirq.entry_overwritten"] += 1
        self._softirq_open[event.cpu] = event
        self._inside[event.cpu] = []
        self._over_at_softirq[event.cpu] = len(self._over[event.cpu])
        self._polls[event.cpu] = []
        entry_before = self._entered.get((event.cpu, vector))
        self._entered[event.cpu, vector] = event
        raises = self._raises_served(event.cpu, vector)
        raised = raises[0] if raises else None
        self._softirq_cause[event.cpu] = raised.cause if raised else NO_CAUSE
        key = ("softirq", VECTORS[vector], event.cpu, "latency")
        if raised is None:
            self.losses["softirq.entry_without_raise"] += 1
            self.unraised[key].append(event)
            return
        waited = between(raised.event, event)
        again = tuple(one.event for one in raises[1:])
        self.series[key].append(waited._replace(entry_before=entry_before, raised_again=again))

    def _raises_served(self, cpu: int, vector: int) -> list[Raise]:
        again = self._raised_again.pop((cpu, vector), None)
        raises = self._raised.pop((cpu, vector), [])
        if len(raises) > 1:
            self._raised_again[cpu, vector] = raises[-1]
        return raises or ([again] if again else [])

    def _put_aside(self, event: Event) -> bool:
        """Whether another task than the event's has a softirq open on its CPU, which goes on when
        that task does. What is on NAPI's list is not known then."""
        open_one = self._softirq_open.get(event.cpu)
        if not self._is_rt or open_one is None or open_one.pid == event.pid:
            return False
        self._aside[event.cpu, open_one.pid] = (open_one, self._softirq_cause[event.cpu])
        self._scheduled[event.cpu] = None
        return True

    def _take_back(self, event: Event) -> bool:
        """Whether the event's task has a softirq open, which then is the one of its CPU."""
        cpu, open_one = event.cpu, self._softirq_open.get(event.cpu)
        if open_one is not None and open_one.pid == event.pid:
            return True
        if (cpu, event.pid) not in self._aside:
            return False
        self._put_aside(event)
        entry, self._softirq_cause[cpu] = self._aside.pop((cpu, event.pid))
        self._softirq_open[cpu] = entry
        self._polls[cpu] = []
        self._scheduled[cpu] = None
        self._inside[cpu] = [
            pair for pair in self.interrupts[cpu] if pair[0].time_ns >= entry.time_ns
        ]
        self._over_at_softirq[cpu] = len(self._over[cpu])
        return True

    def _softirq_exit(self, event: Event) -> None:
        if self._is_rt and not self._take_back(event):
            self.losses["softirq.exit_without_entry"] += 1
            return
        entry = self._softirq_open.get(event.cpu)
        if entry is None or entry.args != event.args:
            self.losses["softirq.exit_without_entry"] += 1
            return
        del self._softirq_open[event.cpu]
        self._over[event.cpu][self._over_at_softirq[event.cpu] :] = [(entry, event)]
        if event.args[0] == NET_RX and not self._raised.get((event.cpu, NET_RX)):
            self._scheduled[event.cpu] = []
        key = ("softirq", VECTORS[int(event.args[0])], event.cpu)
        span = between(entry, event, self._inside[event.cpu])
        self.series[(*key, "run")].append(span)
        if event.is_kthread and event.comm.startswith("ksoftirqd/"):
            self.series[(*key, "ksoftirqd")].append(span)
        cause = self._softirq_cause[event.cpu]
        if cause != NO_CAUSE and (event.cpu, cause) not in self._ended:
            self.losses["softirq.cause_lost"] += 1
            cause = NO_CAUSE
        moved = [poll for poll in self._polls[event.cpu] if poll.line][:MOVES]
        moved = [poll for poll in moved if (event.cpu, poll.line) in self._ended]
        for poll in moved:
            assert poll.line
            polled = between(poll.start, poll.end, poll.inside)
            self.series[("cause", *poll.line, *key, "polled")].append(polled)
        outside = set(self._inside[event.cpu]).difference(*(poll.inside for poll in moved))
        taken = (*outside, *((poll.start, poll.end) for poll in moved))
        self.series[("cause", *cause, *key, "run")].append(between(entry, event, taken))

    def _queue_work(self, event: Event) -> None:
        work = int(event.args[4])
        self._queued_before.pop(work, None)
        if work in self._queued:
            self._queued_before[work] = self._queued[work]
        self._queued[work] = Queueing(event, *self._now(event.cpu))
        self._stalls.pop(work, None)

    def _activate_work(self, event: Event) -> None:
        work = int(event.args[0])
        queueing = self._queued.get(work)
        at_once = queueing is not None and self._previous.get(event.cpu) is queueing.event
        if queueing is not None and not at_once:
            self._stalls[work] = between(queueing.event, event)

    def _execute_start(self, event: Event) -> None:
        work, function = int(event.args[0]), event.args[1]
        before = self._queued_before.pop(work, None)
        if self._place in self._queued_anew:
            queueing, stall = before, None
        else:
            queueing, stall = self._queued.pop(work, None), self._stalls.pop(work, None)
        workqueue = "" if queueing is None else str(queueing.event.args[3])
        came = len(self._over[event.cpu])
        self._running[thread(event)][work] = Run(event, workqueue, queueing, came)
        if queueing is None:
            return
        self.series["work", function, workqueue, "latency"].append(between(queueing.event, event))
        if stall and stall.ns:
            self.series["work", function, workqueue, "stall"].append(stall)

    def _switch(self, event: Event) -> None:
        comes = int(event.args[2]) or -1 - event.cpu
        self._current[event.cpu] = comes
        self._leave(thread(event), event)
        self._come(comes, event)

    def _find_missing_switch(self, event: Event) -> None:
        last, current = self._last.get(event.cpu), self._current.get(event.cpu)
        if last is not None and current is not None and current != thread(event):
            for run in (*self._leave(current, event), *self._come(thread(event), last)):
                run.perhaps.append((last, event))

    def _leave(self, thread: int, when: Event) -> list[Run]:
        """The runs of the thread that was on the CPU until ``when``."""
        runs = [run for run in self._running[thread].values() if not run.left]
        for run in runs:
            run.perhaps += self._over[when.cpu][run.came :]
            run.left = when
        return runs

    def _come(self, thread: int, when: Event) -> list[Run]:
        """The runs of the thread that had been off until ``when``."""
        runs = [run for run in self._running[thread].values() if run.left]
        for run in runs:
            assert run.left
            run.off.append((run.left, max(run.left, when, key=lambda event: event.time_ns)))
            run.came, run.left = len(self._over[when.cpu]), None
        return runs

    def _execute_end(self, event: Event) -> None:
        run = self._running[thread(event)].pop(int(event.args[0]), None)
        if run is None:
            self.losses["work.end_without_start"] += 1
            return
        queueing = run.queueing
        via, cause = (queueing.via, queueing.cause) if queueing else ("task", NO_CAUSE)
        key, span = ("work", run.start.args[1], run.workqueue), between(run.start, event)
        self.series[(*key, "run")].append(span)
        self.series[(*key, event.cpu, "run")].append(span)
        over = self._over[event.cpu][run.came :]
        if run.off:
            on_cpu = between(run.start, event, run.off)._replace(
                perhaps=(*run.perhaps, *over), scheduled=len(run.off)
            )
        else:
            on_cpu = between(run.start, event, over)
        self.series[(*key, event.cpu, "on_cpu")].append(on_cpu)
        caused = ("cause", *cause, "work", via, *key[1:], event.cpu, "run")
        self.series[caused].append(on_cpu)


def starts_before_starts(events: Sequence[Event]) -> set[int]:
    """The places of those after which the item starts again before it is queued."""
    found = set()
    last: dict[int, int] = {}  # by work item, the place of its start with no queueing since
    for place, event in enumerate(events):
        if event.name == "workqueue_queue_work":
            last.pop(int(event.args[4]), None)
        elif event.name == "workqueue_execute_start":
            if int(event.args[0]) in last:
                found.add(last[int(event.args[0])])
            last[int(event.args[0])] = place
    return found


def thread(event: Event) -> int:
    """The thread's id; each CPU has its idle task."""
    return event.pid or -1 - event.cpu


def stem(event: Event) -> str:
    """ "local_timer" of "local_timer_entry"."""
    return event.name.rpartition("_")[0]


def interrupt(entry: Event) -> Cause:
    """What is entered."""
    if entry.name == "irq_handler_entry":
        return int(entry.args[0]), str(entry.args[2])
    return -1, stem(entry)


def between(start: Event, end: Event, inside: Iterable[tuple[Event, Event]] = ()) -> Span:
    """Time does not run backwards: what seems negative is 0."""
    inside = tuple(inside)
    inside_ns = sum(max(0, exit.time_ns - entry.time_ns) for entry, exit in inside)
    return Span(max(0, end.time_ns - start.time_ns - inside_ns), start, end, inside)
