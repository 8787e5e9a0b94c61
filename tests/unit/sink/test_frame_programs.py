"""What programs do to themselves, on the screen: exceptions, signals, system calls."""

from datetime import timezone

from irqwatch.cells import text_of
from irqwatch.collectors.exception import ExceptionCount, sources
from irqwatch.derive.view import derive
from irqwatch.sink.top import detail, frame
from irqwatch.sink.top.row import of_source, under
from irqwatch.sink.top.state import State, rows
from tests import golden_file, hosts
from tests.probes import a_probe, an_interval

VIEW = derive(hosts.busier(2), hosts.busier(1))
UTC = State(zone=timezone.utc)


def details(kind: str, name: str) -> list[str]:
    (row,) = (row for row in rows(VIEW, State(view=kind)) if row.title == name)
    return [text_of(line) for line in detail.lines(row, VIEW, timezone.utc)]


def test_page_faults_say_whose_they_are() -> None:
    assert details("exception", "page_fault_user") == [
        "exception page_fault_user: 1,000 times",
        "by: cc1[812] 45.0%, make[700] 20.0%, others 35.0%",
    ]


def test_processes_are_rows_under_their_exception() -> None:
    shown = rows(VIEW, State(view="exception"))
    assert [(source.name, source.count, source.rate) for source in shown] == [
        ("page_fault_user", 1000, 1000),
        ("  cc1[812]", 450, 450),
        ("  make[700]", 200, 200),
        ("  others", 350, 350),
        ("page_fault_kernel", 7, 7),
        ("  make[700]", 5, 5),
        ("  cc1[812]", 2, 2),
    ]
    assert len({row.identity for row in shown}) == len(shown)
    plain = frame.plain(VIEW, State(view="exception", zone=timezone.utc), None)
    golden_file.check("top-plain-exception.txt", plain)


def test_an_exception_of_nobody_has_no_rows_under_it() -> None:
    probe = a_probe({"exception"}, 0, exceptions=(ExceptionCount("nmi", {0: 3}),))
    (nmi,) = sources(an_interval(probe))
    assert list(under(nmi)) == []


def test_a_signal_says_what_sent_it_and_who_waited() -> None:
    assert details("signal", "SIGALRM (timer)") == [
        "signal SIGALRM (timer): 20 times, 15 delivered, 5 ignored or pending already",
        "worst: not known",
        "longest wait: 47µs at 22:13:21.800 on CPU 0 over make[700]",
    ]


def test_a_system_call_says_who_was_in_it() -> None:
    (line, worst) = details("syscall", "read")
    assert line == "syscall read: 101 times, 1.0s in all"
    assert worst.startswith("worst: ") and worst.endswith("on CPU 0 over cc1[812]")


def test_each_has_a_row_of_its_own() -> None:
    identities = [of_source(source, VIEW).identity for source in VIEW.sources]
    assert len(set(identities)) == len(identities)
    shown = "\n".join(text_of(line) for line in frame.lines(VIEW, UTC, 120, 60))
    for name in ("page_fault_kernel", "SIGALRM (timer)", "SIGALRM (user)", "futex"):
        assert name in shown


def test_a_process_finds_its_exceptions() -> None:
    found = rows(VIEW, State(filter="cc1"))
    assert {source.name for source in found} == {"page_fault_user", "page_fault_kernel"}
