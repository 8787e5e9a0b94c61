"""What a collector is: a record of all that is its own, which the engines read.

``irqwatch.collectors`` has a file for each, and the registry. A collector is its C file in bpf/
and this record: what it attaches and which maps it fills (``Probed``), the parts of a Snapshot that
those decode to, how parts become sources of a View, and what each face says of it.
"""

import enum
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Literal, NamedTuple

from irqwatch.base.follows import Follows
from irqwatch.base.interval import Interval
from irqwatch.base.parts import Part
from irqwatch.base.reading import Reading
from irqwatch.base.series import Bound
from irqwatch.base.sheet import Exporting, Sheet
from irqwatch.model.snapshot import Probe, Snapshot
from irqwatch.model.view import Source


class Default(enum.Enum):
    """Whether it is on unless it is named. What costs no more than the interrupts it watches is on;
    what fires with each context switch, page fault or system call is not."""

    ON = "on"
    OFF = "off"
    # Forced threads take most of the time that interrupts cost there.
    WHERE_THREADS_ARE_FORCED = "on where the kernel forces interrupts into threads, else off"


class Room(enum.Enum):
    """How room is made in a table whose keys come and go for ever."""

    IDLE = enum.auto()  # what has not changed for a minute goes, when it gets crowded
    OF_PROCESSES = enum.auto()  # the same with less patience: a compilation has hundreds a second
    ABANDONED = (
        enum.auto()
    )  # values start with when they were made; what nothing takes out goes by age


class Size(NamedTuple):
    """Of a host, which limits of maps follow. ``is_taken_at_once``: a table takes the memory for
    all its entries when it is made, as it must on kernels before 6.1, and not as it fills."""

    lines: int
    cpus: int
    is_taken_at_once: bool = False

    def on_each_cpu(self, entries: int) -> int:
        """Room for so many on each CPU; for a quarter of them where it is taken at once, for most
        CPUs of a large host need little of theirs."""
        return entries * self.cpus // (4 if self.is_taken_at_once else 1)

    def on_each_line(self) -> int:
        """Room for lines on the CPUs that each has been on: those that are moved about on more than
        one, which most never are."""
        return self.lines * min(self.cpus, 2 if self.is_taken_at_once else 16)


class Table(NamedTuple):
    """A hash map. Its limit of entries is the macro MAX_ and its name. One that is not ``is_read``
    only the programs look at. ``is_of_line`` says of a key whether its entry is of a line
    (key.irq), whose action is the value's ``name``: it goes when the line is freed.
    """

    name: str
    limit: Callable[[Size], int]
    room: Room | None = None
    is_read: bool = True
    is_of_line: Callable[[Any], bool] | None = None


class Field(NamedTuple):
    """A field of the kernel's that programs read: ``path`` in ``struct``, such as "node.expires".
    ``types`` are those that it may have here, as ``irqwatch.source.kernel_types`` tells them. The
    source has where it stands as the macro OFFSET_STRUCT_PATH, and its size, where that is not
    always the same, as SIZE_STRUCT_PATH."""

    struct: str
    path: str
    types: tuple[str, ...]


class Hook(NamedTuple):
    """A program on a raw tracepoint. Its name has at most 15 characters. ``arguments`` are the
    types of the tracepoint's first ones, "" where it does not read one: a raw tracepoint hands
    over words, and nothing but this tells that they are what the program takes them for.

    Hooks of one program and one tracepoint are alternatives: the first that fits the kernel is
    taken, with its ``fields`` and with ``macro`` defined, if it has one.
    """

    program: str
    tracepoint: str
    arguments: tuple[str, ...] = ()
    fields: tuple[Field, ...] = ()
    macro: str = ""


class Probed(NamedTuple):
    """What the loader has to know. ``hooks`` have exits before entries: an exit that comes first is
    one event to ignore, where an entry without its exit would stay open.

    ``file`` is its C file; None where bpf/irqwatch.bpf.c includes it, for others call into it.
    ``needs`` are the collectors of which it must have one, since it sees only what they do.
    ``is_partial``: any of its tracepoints is enough. ``fields`` are those of the kernel that it
    reads. ``optional_fields`` are those that it does without where the kernel has not all of them:
    then none is defined. ``constants`` are (name, value) of the kernel's enums that it counts on.
    ``formats`` are the maps that hold the format with which
    bpf_snprintf() writes names of functions. ``arrays`` are its per-CPU arrays of one entry,
    ``others`` maps that the agent reads in a way of its own. ``losses_in`` is the array whose
    member ``losses`` counts, in the order of the constants LOSS_NAME_REASON, what it could not use.
    ``counted_by`` names the program that runs once for each event, where that is not the first of
    ``hooks``.
    """

    file: str | None
    hooks: tuple[Hook, ...] = ()
    needs: tuple[str, ...] = ()
    is_partial: bool = False
    fields: tuple[Field, ...] = ()
    optional_fields: tuple[Field, ...] = ()
    constants: tuple[tuple[str, int], ...] = ()
    formats: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    arrays: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    losses_in: str | None = "cpus"
    counted_by: str = ""


class Key(NamedTuple):
    """A key of the JSON, which is a field of the collector's Source. ``is_left_out`` where it is
    None: recordings of before it was there have none."""

    name: str
    unit: str
    meaning: str
    is_left_out: bool = False


class Metric(NamedTuple):
    """``help`` goes out with each scrape; the rest is for docs/metrics.md."""

    name: str
    kind: Literal["counter", "gauge", "histogram", "info"]
    labels: tuple[str, ...]
    help: str
    unit: str
    meaning: str
    example: str


class Column(NamedTuple):
    """Of top's table: one that only this collector's view has."""

    title: str
    width: int
    text: Callable[[Any], str]
    from_width: int = 0
    at_left: bool = False


# What a view's rows can say; each is some columns of top.
LINE, TIME, RUN, WAIT = "line", "time", "run", "wait"


class Shown(NamedTuple):
    """In top. ``view`` is the one that has it ("" is one by its own name), ``digit`` the key of its
    own view. ``help`` is one item of the help screen."""

    help: str
    view: str = ""
    digit: str = ""
    says: frozenset[str] = frozenset({TIME, RUN})
    columns: tuple[Column, ...] = ()
    colour: str = ""  # of its kind: "red", "green", "yellow", "blue", "magenta", "cyan"
    in_all: bool = True  # where its time is that of other rows it is not


class Folded(NamedTuple):
    """A row of "What is shown apart" in docs/metrics.md: names of which there are at most ``most``
    apart, ``at_once`` says which of them whatever they take."""

    what: str
    most: Bound
    at_once: str = ""


class Words(NamedTuple):
    """For docs/metrics.md, docs/json.md and the README: Markdown. ``event`` and ``cost`` are a row
    of the table of costs, ``before`` and ``after`` stand around the table of metrics, ``json``
    before that of keys."""

    title: str
    event: str
    cost: str
    before: str = ""
    after: str = ""
    json: str = ""
    folded: tuple[Folded, ...] = ()


class Collector(NamedTuple):
    """``is_hidden``: nobody chooses it. ``is_interrupt``: other things follow from what it times;
    ``is_needed_for_causes``: without it all would seem to follow from nothing.

    ``decode`` gives parts by their names; ``sources`` those of an interval, in order; ``quiet``
    (interval, line, name) the source of an interrupt that did not come in the interval, None if it
    is not of this collector: what it caused before may run now. ``follows`` gives what of its parts
    followed from what; ``coverage`` (counted by the kernel, seen) over an interval; ``cpu_ns``
    (CPU, nanoseconds) that it took of CPUs' time. ``cgroups`` gives (id, nanoseconds) of those that
    parts are of. ``chosen_by`` is the label whose values a user may have shown apart or not: the
    first of its metrics. ``slow_kinds`` are the kinds of single events that ``trace`` reports of
    it. ``stimulus`` names what doctor gives it to see.
    """

    name: str
    what: str
    probed: Probed
    words: Words | None = None
    default: Default = Default.ON
    is_hidden: bool = False
    is_interrupt: bool = False
    is_needed_for_causes: bool = False
    parts: tuple[Part[Any], ...] = ()
    decode: Callable[[Reading], Mapping[str, tuple[Any, ...]]] | None = None
    sources: Callable[[Interval], Iterable[Source]] | None = None
    quiet: Callable[[Interval, int | None, str], Source | None] | None = None
    follows: Callable[[Probe], Iterator[Follows]] | None = None
    coverage: Callable[[Interval], tuple[int, int]] | None = None
    cpu_ns: Callable[[Probe], Iterable[tuple[int, int]]] | None = None
    keys: tuple[Key, ...] = ()
    metrics: tuple[Metric, ...] = ()
    export: Callable[[Sheet, Snapshot, Exporting], None] | None = None
    shown: Shown | None = None
    cgroups: Callable[[Probe], Iterable[tuple[int, int]]] | None = None
    chosen_by: str = ""
    slow_kinds: tuple[str, ...] = ()
    stimulus: str = ""
