"""Every metric of irqwatch: those of its collectors, by their records, and those of irqwatch
itself. docs/metrics.md is made of this table."""

from urllib.parse import parse_qs

from irqwatch.base.collector import Metric
from irqwatch.collectors import ALL
from irqwatch.errors import UsageError

OWN = (
    Metric(
        name="irqwatch_coverage_ratio",
        kind="gauge",
        labels=("collector",),
        help="Events seen by the probe divided by those the kernel counted: 1 is all of them.",
        unit="ratio",
        meaning=(
            "Events the probe saw / events the kernel counted, over the last interval of ten "
            "seconds or more between two scrapes: 1 is all. The two are read one after the "
            "other, so that an event in between makes it a little less or more than 1. Lines "
            "of which the probe has never seen an interrupt are left out, unless its map was "
            "full or it saw no line at all: those nested behind an I2C or SPI chip have no "
            "tracepoint. `collector` is `hardirq` or `softirq`; the kernel does not count work "
            "items."
        ),
        example="min by (instance) (irqwatch_coverage_ratio)",
    ),
    Metric(
        name="irqwatch_lost_events_total",
        kind="counter",
        labels=("collector", "reason"),
        help="Events that the probe saw and could not use.",
        unit="events",
        meaning="Events that the probe saw and could not use, by reason.",
        example="sum by (collector, reason) (rate(irqwatch_lost_events_total[5m])) > 0",
    ),
    Metric(
        name="irqwatch_program_recursion_misses_total",
        kind="counter",
        labels=("program",),
        help=(
            "Runs of a BPF program that the kernel skipped because it was running on that "
            "CPU already."
        ),
        unit="runs",
        meaning=(
            "Runs that the kernel skipped because the program was running on that CPU "
            "already: events the probe did not see."
        ),
        example="rate(irqwatch_program_recursion_misses_total[5m]) > 0",
    ),
    Metric(
        name="irqwatch_program_runs_total",
        kind="counter",
        labels=("program",),
        help="Runs of a BPF program while kernel.bpf_stats_enabled was set.",
        unit="runs",
        meaning="Runs of a program; only while `kernel.bpf_stats_enabled` is set.",
        example="rate(irqwatch_program_runs_total[5m])",
    ),
    Metric(
        name="irqwatch_program_run_seconds_total",
        kind="counter",
        labels=("program",),
        help="Time spent in a BPF program while kernel.bpf_stats_enabled was set.",
        unit="seconds",
        meaning="What the probe itself costs; only while `kernel.bpf_stats_enabled` is set.",
        example="sum by (instance) (rate(irqwatch_program_run_seconds_total[5m]))",
    ),
    Metric(
        name="irqwatch_collector_success",
        kind="gauge",
        labels=("collector",),
        help="1 if this part of the picture could be had, 0 if not.",
        unit="–",
        meaning=(
            "1 if the part could be had, 0 if not; one that sees events and can read none of "
            "them could not. `collector` is one of the probe's that was asked for, or a part of "
            "/proc."
        ),
        example="irqwatch_collector_success == 0",
    ),
    Metric(
        name="irqwatch_collector_duration_seconds",
        kind="gauge",
        labels=("collector",),
        help="Time it took to read this part for this scrape.",
        unit="seconds",
        meaning=("Time it took to read the part for this scrape; `probe` is all of the probe's."),
        example="irqwatch_collector_duration_seconds",
    ),
    Metric(
        name="irqwatch_unavailable_info",
        kind="info",
        labels=("part", "reason"),
        help="A part of the picture that cannot be had, and why.",
        unit="–",
        meaning="Why a part cannot be had, in words; at most 32 of them. Always 1.",
        example="irqwatch_unavailable_info",
    ),
    Metric(
        name="irqwatch_build_info",
        kind="info",
        labels=("version", "python"),
        help="The version of irqwatch and of the Python that runs it.",
        unit="–",
        meaning="The versions of irqwatch and of the Python that runs it. Always 1.",
        example="count by (version) (irqwatch_build_info)",
    ),
)

QUERY_FIELDS = 100

METRICS = (*(metric for collector in ALL for metric in collector.metrics), *OWN)


def metrics_of(collectors: frozenset[str] | None) -> tuple[Metric, ...]:
    """Those of ``collectors``, and irqwatch's own; all where it is None."""
    if collectors is None:
        return METRICS
    chosen = (one for one in ALL if one.name in collectors)
    return (*(metric for collector in chosen for metric in collector.metrics), *OWN)


def chosen(query: str) -> frozenset[str] | None:
    """The collectors whose metrics a URL asks for with ``collect[]`` and ``exclude[]``, as other
    exporters have them; None for all. Other names in the query mean nothing here. Raises UsageError
    where there is no such collector."""
    try:
        asked = parse_qs(query, keep_blank_values=True, max_num_fields=QUERY_FIELDS)
    except ValueError:
        raise UsageError(f"the URL asks for more than {QUERY_FIELDS} things") from None
    having = {one.name for one in ALL if one.metrics}
    collect, exclude = (asked.get(f"{name}[]", []) for name in ("collect", "exclude"))
    for name in (*collect, *exclude):
        if name not in having:
            raise UsageError(f"there is no collector {name!r}: {', '.join(sorted(having))}")
    if collect and exclude:
        raise UsageError("collect[] and exclude[] are not for the same request")
    if not collect and not exclude:
        return None
    return frozenset(collect) if collect else frozenset(having.difference(exclude))
