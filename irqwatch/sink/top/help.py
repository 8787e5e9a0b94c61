"""The help screen."""

from irqwatch.cells import Line, Span

TEXT = """\
views     1 all  2 hardirq  3 softirq  4 work  5 cpus  6 cause  7 timer
          8 tasklet  9 napi  v V on, back: signal exception syscall thread blame
sort by   c cpu share  r rate  m p50 (median)  t p99 (tail)  w worst
          l latency p99  n name                             s S next, previous
rows      up down j k  page up page down  g G first, last
filter    / then text: kind, name, device, queue or irqN    esc clears
replay    , . step   [ ] jump a tenth   { } first, last   - + slower, faster
other     p space pause   q quit   ? h this help

hardirq   one action of an interrupt line; P50, P99 and WORST are of the runs it
          took as its own, RATE/S and CPU also of those it answered "not mine"
vector    the local timer, other CPUs   thread  LAT99: its wake to its run
softirq   LAT99 is from its raise to its run; times leave out interrupts inside
work      LAT99 is from queueing to start; its time includes sleep
timer     one that fires; LAT99 is how late     napi   polls of a network device
signal    LAT99: to delivery   exception  by process   syscall  with its sleep
cause     interrupts, what followed: WHOLE   blame  whose time they took
CPU       part of one CPU's time   HARDIRQ  with vectors if VECTOR has no room
CPUS      where it ran; one that took at least half comes first   -   not known
WORST     of this interval; the last lines say when, where and over which task
coverage  events the probe saw / events the kernel counted
lost      events that the probe could not use, by reason
"""


def lines() -> list[Line]:
    made: list[Line] = [(Span("irqwatch top", "title"), Span("  any key goes back", "dim")), ()]
    for line in TEXT.splitlines():
        made.append((Span(line[:10], "heading"), Span(line[10:])))
    return made
