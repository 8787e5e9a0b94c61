"""The reference's rules, each by a sequence short enough to work out by hand."""

from itertools import pairwise

from tests.events import Event
from tests.oracle.reference import (
    EDGES_NS,
    Reference,
    Series,
    Span,
    bucket,
    distribution,
    worst,
)

A, B = 0xA000, 0xB000  # two actions on line 9
W, X = 0x1000, 0x2000  # two work items


def at(
    time_ns: int, name: str, *args: int | str, cpu: int = 0, comm: str = "", pid: int = 7
) -> Event:
    return Event(time_ns, cpu, pid, comm, name, args, is_kthread=bool(comm))


def entry(time_ns: int, action: int = A, cpu: int = 0, pid: int = 7) -> Event:
    return at(time_ns, "irq_handler_entry", 9, action, f"action {action:x}", cpu=cpu, pid=pid)


def exit(time_ns: int, action: int = A, ret: int = 1, cpu: int = 0, pid: int = 7) -> Event:
    return at(time_ns, "irq_handler_exit", 9, action, ret, cpu=cpu, pid=pid)


def queue(time_ns: int, work: int = W, workqueue: str = "events", cpu: int = 0) -> Event:
    return at(time_ns, "workqueue_queue_work", 0, 1, 1, workqueue, work, "f", cpu=cpu)


def activate(time_ns: int, work: int = W, cpu: int = 0) -> Event:
    return at(time_ns, "workqueue_activate_work", work, cpu=cpu)


def start(time_ns: int, work: int = W, pid: int = 7, cpu: int = 0) -> Event:
    return at(time_ns, "workqueue_execute_start", work, "f", pid=pid, cpu=cpu)


def end(time_ns: int, work: int = W, pid: int = 7, cpu: int = 0) -> Event:
    return at(time_ns, "workqueue_execute_end", work, "f", pid=pid, cpu=cpu)


def softirq(time_ns: int, what: str, vector: int = 3, cpu: int = 0, comm: str = "") -> Event:
    return at(time_ns, f"softirq_{what}", vector, cpu=cpu, comm=comm)


def switch(time_ns: int, leaves: int, comes: int, cpu: int = 0) -> Event:
    return at(time_ns, "sched_switch", 0, leaves, comes, 0, cpu=cpu, pid=leaves)


def on_cpu(*events: Event, cpu: int = 0) -> Span:
    """Of the only run."""
    (span,) = Reference().feed(events).series["work", "f", "", cpu, "on_cpu"]
    return span


def values(*events: Event) -> dict[Series, list[int]]:
    reference = Reference().feed(events)
    return {
        series: [span.ns for span in spans]
        for series, spans in reference.series.items()
        if series[0] != "cause"
    }


def causes(*events: Event) -> dict[Series, list[int]]:
    """Without the "cause" before and the "run" behind."""
    series = Reference().feed(events).series
    return {
        key[1:-1]: [span.ns for span in spans] for key, spans in series.items() if key[0] == "cause"
    }


def vector(time_ns: int, what: str, name: str = "local_timer") -> Event:
    return at(time_ns, f"{name}_{what}", 236)


def losses(*events: Event) -> dict[str, int]:
    return dict(Reference().feed(events).losses)


def test_a_hard_interrupt_lasts_from_entry_to_exit_on_its_cpu() -> None:
    assert values(entry(100), entry(105, cpu=1), exit(130), exit(145, cpu=1)) == {
        ("hardirq", 9, "action a000", 0, "handled"): [30],
        ("hardirq", 9, "action a000", 1, "handled"): [40],
    }


def test_actions_of_a_shared_line_are_apart_and_so_is_not_mine() -> None:
    assert values(entry(100, A), exit(130, A, ret=0), entry(131, B), exit(151, B)) == {
        ("hardirq", 9, "action a000", 0, "not_mine"): [30],
        ("hardirq", 9, "action b000", 0, "handled"): [20],
    }


def test_hard_interrupts_that_do_not_fit_are_lost() -> None:
    assert losses(exit(1)) == {"hardirq.exit_without_entry": 1}
    assert losses(entry(1, A), exit(2, B)) == {"hardirq.exit_without_entry": 1}
    assert losses(entry(1), entry(2), exit(5)) == {"hardirq.entry_overwritten": 1}
    assert values(entry(1), entry(2), exit(5)) == {("hardirq", 9, "action a000", 0, "handled"): [3]}


def test_the_oldest_raise_wins_and_is_served_once() -> None:
    events = [softirq(100, "raise"), softirq(150, "raise"), softirq(180, "entry")]
    events += [softirq(190, "exit"), softirq(200, "raise"), softirq(230, "entry")]
    assert values(*events)["softirq", "NET_RX", 0, "latency"] == [80, 30]


def test_an_entry_with_no_raise_of_its_own_serves_the_last_before_the_entry_before() -> None:
    events = [softirq(100, "raise"), softirq(140, "raise"), softirq(150, "raise")]
    events += [softirq(180, "entry"), softirq(190, "exit"), softirq(200, "entry")]
    events += [softirq(210, "exit"), softirq(220, "entry")]
    assert values(*events)["softirq", "NET_RX", 0, "latency"] == [80, 50]
    assert losses(*events) == {"softirq.entry_without_raise": 1}


def test_hard_interrupts_inside_a_softirq_are_not_its_time() -> None:
    events = [softirq(100, "raise"), softirq(110, "entry"), entry(120), exit(150)]
    events += [entry(151), exit(161), softirq(200, "exit"), entry(210), exit(220)]
    assert values(*events)["softirq", "NET_RX", 0, "run"] == [90 - 30 - 10]


def test_what_runs_in_ksoftirqd_is_counted_there_too() -> None:
    events = [
        softirq(time_ns, what, comm=comm)
        for time_ns, what, comm in (
            (1, "entry", "ksoftirqd/0"),
            (4, "exit", "ksoftirqd/0"),
            (5, "entry", "swapper/0"),
            (7, "exit", "swapper/0"),
        )
    ]
    found = values(*events)
    assert found["softirq", "NET_RX", 0, "run"] == [3, 2]
    assert found["softirq", "NET_RX", 0, "ksoftirqd"] == [3]


def test_a_process_that_calls_itself_ksoftirqd_is_none() -> None:
    exit_of_a_process = Event(4, 0, 7, "ksoftirqd/0", "softirq_exit", (3,), is_kthread=False)
    assert ("softirq", "NET_RX", 0, "ksoftirqd") not in values(
        softirq(1, "entry"), exit_of_a_process
    )


def test_softirqs_that_do_not_fit_are_lost() -> None:
    assert losses(softirq(1, "exit")) == {"softirq.exit_without_entry": 1}
    assert losses(softirq(1, "raise", 10)) == {"softirq.unknown_raise": 1}
    assert losses(softirq(1, "entry", 10)) == {"softirq.unknown_entry": 1}
    assert losses(softirq(1, "raise"), softirq(2, "entry"), softirq(3, "exit", 1)) == {
        "softirq.exit_without_entry": 1
    }


def test_work_waits_and_runs_across_cpus() -> None:
    events = [queue(100), activate(101), start(150, pid=8, cpu=1), end(170, pid=8, cpu=1)]
    assert values(*events) == {
        ("work", "f", "events", "latency"): [50],
        ("work", "f", "events", "run"): [20],
        ("work", "f", "events", 1, "run"): [20],
        ("work", "f", "events", 1, "on_cpu"): [20],
    }


def test_work_that_requeues_itself_keeps_both_times_apart() -> None:
    events = [queue(100), start(150), queue(160), end(170), start(180), end(190)]
    found = values(*events)
    assert found["work", "f", "events", "latency"] == [50, 20]
    assert found["work", "f", "events", "run"] == [20, 10]


def test_work_in_softirqs_may_run_on_top_of_other_work_and_in_idle_tasks() -> None:
    on_top = [queue(100), start(110), queue(120, X), start(130, X), end(140, X), end(170)]
    assert values(*on_top)["work", "f", "events", "run"] == [10, 60]
    idle = [start(100, pid=0), start(110, X, pid=0, cpu=1), end(130, pid=0), end(150, X, 0, 1)]
    assert values(*idle)["work", "f", "", "run"] == [30, 40]


def test_work_is_stalled_if_anything_came_before_its_activation() -> None:
    other_is_queued = [queue(100), queue(110, X), activate(130), start(150), end(170)]
    other_ends = [start(90, X), queue(100), end(110, X), activate(130), start(150)]
    elsewhere = [queue(100), activate(130, cpu=1), start(150)]
    at_once = [queue(100), activate(101), start(150)]
    key = ("work", "f", "events", "stall")
    assert [values(*events).get(key) for events in (other_is_queued, other_ends, elsewhere)] == [
        [30],
        [30],
        [30],
    ]
    assert key not in values(*at_once)


def test_work_that_was_cancelled_and_queued_again_counts_from_then() -> None:
    assert values(queue(100), queue(200), start(210))["work", "f", "events", "latency"] == [10]


def test_interrupts_inside_work_are_not_its_time_on_a_cpu() -> None:
    inner = [softirq(120, "entry"), entry(125), exit(130), softirq(140, "exit")]
    found = on_cpu(start(100), entry(105), exit(110), *inner, end(200))
    assert (found.ns, found.perhaps) == (100 - 5 - 20, ())


def test_hard_interrupts_inside_work_in_a_softirq_are_not_its_time_on_a_cpu() -> None:
    events = [softirq(90, "entry"), entry(91), exit(92), start(100), entry(105), exit(110)]
    assert on_cpu(*events, end(200), softirq(210, "exit")).ns == 100 - 5


def test_work_whose_thread_is_switched_away_from_is_on_no_cpu() -> None:
    """Whether its interrupts are counted with it is the scheduler's business; those that came while
    it was off are not its."""
    events = [start(100), entry(105), exit(110), switch(120, 7, 8)]
    events += [entry(130, pid=8), exit(140, pid=8)]
    found = on_cpu(*events, switch(500, 8, 7), entry(510), exit(530), end(600))
    assert (found.ns, found.scheduled) == (20 + 100, 1)
    assert [out.time_ns - into.time_ns for into, out in found.perhaps] == [5, 20]


def test_work_whose_thread_comes_back_on_another_cpu() -> None:
    events = [start(100), switch(120, 7, 8), switch(500, 9, 7, cpu=1), end(600, cpu=1)]
    assert on_cpu(*events, cpu=1).ns == 20 + 100


def test_a_switch_that_is_missing_was_since_the_last_event_of_the_cpu() -> None:
    events = [start(100), switch(120, 7, 8), entry(300, cpu=1, pid=9), exit(310, cpu=1, pid=9)]
    found = on_cpu(*events, end(400), cpu=0)
    assert (found.ns, [(a.time_ns, b.time_ns) for a, b in found.perhaps]) == (300, [(120, 400)])
    found = on_cpu(*events, end(400, cpu=1), cpu=1)
    assert (found.ns, [(a.time_ns, b.time_ns) for a, b in found.perhaps]) == (110, [(310, 400)])


def test_switches_of_one_idle_task_are_not_those_of_another() -> None:
    events = [start(100, pid=0), switch(120, 0, 8, cpu=1), switch(150, 8, 0, cpu=1)]
    assert on_cpu(*events, end(200, pid=0)).ns == 100


def test_work_that_does_not_fit_is_lost() -> None:
    assert losses(start(1)) == {}
    assert losses(end(1)) == {"work.end_without_start": 1}
    assert losses(queue(1), start(2), end(3, X)) == {"work.end_without_start": 1}
    assert values(start(1), end(4)) == {
        ("work", "f", "", "run"): [3],
        ("work", "f", "", 0, "run"): [3],
        ("work", "f", "", 0, "on_cpu"): [3],
    }


def test_time_that_runs_backwards_is_none() -> None:
    assert values(entry(100), exit(90)) == {("hardirq", 9, "action a000", 0, "handled"): [0]}


def test_each_edge_opens_its_bucket() -> None:
    assert len(EDGES_NS) == 126
    for number, (edge, following) in enumerate(pairwise(EDGES_NS)):
        assert bucket(edge) == bucket(following - 1) == number
    assert (bucket(64 * 10**9), bucket(64 * 10**9 + 1), bucket(2**60)) == (124, 125, 125)
    assert all(after - edge <= 0.19 * edge + 1 for edge, after in pairwise(EDGES_NS[1:]))


def test_the_worst_is_the_first_of_the_longest() -> None:
    spans = Reference().feed([entry(1), exit(5), entry(6), exit(10), entry(11), exit(12)])
    longest = worst(spans.series["hardirq", 9, "action a000", 0, "handled"])
    assert longest and (longest.ns, longest.end.time_ns) == (4, 5)
    assert worst([]) is None
    assert worst(Reference().feed([entry(1), exit(1)]).series.popitem()[1]) is None


def test_a_distribution_has_all_values() -> None:
    assert distribution([0, 29, 30, 100]) == (4, 159, {0: 2, 1: 1, bucket(100): 1})


def test_a_vector_is_a_hard_interrupt_and_takes_time_from_a_softirq() -> None:
    inside = vector(120, "entry"), vector(150, "exit")
    found = values(softirq(99, "raise"), softirq(100, "entry"), *inside, softirq(200, "exit"))
    assert found["vector", "local_timer", 0, "run"] == [30]
    assert found["softirq", "NET_RX", 0, "run"] == [70]
    assert losses(vector(1, "entry"), entry(2), exit(3)) == {"hardirq.entry_overwritten": 1}
    assert losses(vector(1, "entry"), vector(2, "exit", "reschedule")) == {
        "vector.exit_without_entry": 1
    }


def test_what_is_raised_in_an_interrupt_or_in_what_it_caused_is_its_doing() -> None:
    run = softirq(120, "entry"), softirq(125, "raise", 9), softirq(130, "exit")
    more = softirq(140, "entry", 9), softirq(145, "exit", 9)
    assert causes(entry(100), softirq(105, "raise"), exit(110), *run, *more) == {
        (9, "action a000", "softirq", "NET_RX", 0): [10],
        (9, "action a000", "softirq", "RCU", 0): [5],
    }
    assert causes(softirq(105, "raise"), *run, *more) == {
        (-1, "", "softirq", "NET_RX", 0): [10],
        (-1, "", "softirq", "RCU", 0): [5],
    }


def test_work_is_the_doing_of_what_queued_it_and_says_through_what() -> None:
    run = start(200, pid=8), end(220, pid=8)
    by_hardirq = entry(100), queue(105), exit(110), *run
    assert causes(*by_hardirq) == {(9, "action a000", "work", "", "f", "events", 0): [20]}
    raised = vector(100, "entry"), softirq(105, "raise"), vector(110, "exit")
    in_softirq = softirq(120, "entry"), queue(125), softirq(130, "exit")
    timer = (-1, "local_timer")
    assert causes(*raised, *in_softirq, *run) == {
        (*timer, "softirq", "NET_RX", 0): [10],
        (*timer, "work", "NET_RX", "f", "events", 0): [20],
    }


def test_an_interrupt_that_did_not_end_is_nobodys_cause() -> None:
    events = entry(1), softirq(2, "raise"), softirq(10, "entry"), softirq(15, "exit")
    assert losses(*events) == {"softirq.cause_lost": 1}
    assert causes(*events) == {(-1, "", "softirq", "NET_RX", 0): [5]}
