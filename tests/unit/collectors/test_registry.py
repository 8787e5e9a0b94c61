"""What the engines ask of all collectors together."""

from irqwatch.collectors import follows, lines_of
from irqwatch.collectors.hardirq import HardirqTime
from irqwatch.collectors.thread import ThreadTime
from irqwatch.collectors.work import WorkCause
from irqwatch.model.snapshot import CountAndTime
from tests.probes import a_probe

UNCAUSED = WorkCause(None, "", "task", "flush", "events", 0, CountAndTime(3, 900))


def test_where_interrupts_are_not_timed_it_is_unknown_what_follows_from_them() -> None:
    """All work would seem to follow from nothing."""
    assert not list(follows(None))
    assert not list(follows(a_probe({"work"}, 1, work_causes=(UNCAUSED,))))
    (found,) = follows(a_probe({"work", "hardirq"}, 1, work_causes=(UNCAUSED,)))
    assert (found.name, found.runs) == ("flush", UNCAUSED.runs)


def test_the_lines_are_those_of_every_collector() -> None:
    of_none = WorkCause(None, "local_timer", "", "flush", "events", 0)
    probe = a_probe(
        {"hardirq", "thread", "work"},
        1,
        hardirqs=(HardirqTime(34, "eth0", 0),),
        irq_threads=(ThreadTime(40, "i801_smbus", 0),),
        work_causes=(of_none,),
    )
    assert lines_of(probe) == {34, 40}
    assert lines_of(None) == set()
