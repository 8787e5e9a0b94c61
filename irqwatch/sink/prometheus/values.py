"""From snapshots to the value of every sample: pure, but for what must be remembered between
scrapes so that counters stay monotonic and the worst events are not lost."""

from collections.abc import Collection, Mapping

from irqwatch.base.fold import HistogramDetail, LongestLately, choose_detail
from irqwatch.base.measures import NS
from irqwatch.base.names import behind_names, device_names
from irqwatch.base.sheet import Exporting, Sheet
from irqwatch.collectors import ALL, follows, lines_of, without_blind
from irqwatch.model.snapshot import Probe, Snapshot

# So many reasons at most: they are text, and each is a series.
REASONS = 32


class Accountant:
    """Turns each snapshot into values. ``collectors`` are those asked for; the shape of the series
    follows the host as the first snapshot shows it."""

    def __init__(
        self, first: Snapshot, collectors: Collection[str], histograms: HistogramDetail = "auto"
    ) -> None:
        lines = lines_of(first.probe) | {line.irq for line in first.lines if line.irq is not None}
        cpus = max(map(len, (first.topology.cpus, first.cpu_times, first.line_cpus)))
        self.detail = choose_detail(len(lines), cpus, histograms)
        self._collectors = collectors
        self._exporting = Exporting(self.detail, follows)
        self._longest = LongestLately()
        self._monotonic_ns = first.monotonic_ns

    def update(self, snapshot: Snapshot, coverage: Mapping[str, float]) -> Sheet:
        """All values of ``snapshot``; ``coverage`` is that of a recent interval by collector."""
        sheet = Sheet()
        snapshot = without_blind(snapshot)
        self._exporting.devices = device_names(snapshot.devices)
        self._exporting.behind = behind_names(snapshot.behind)
        self._exporting.interval_ns = snapshot.monotonic_ns - self._monotonic_ns
        self._monotonic_ns = snapshot.monotonic_ns
        for collector in ALL:
            if collector.export:
                collector.export(sheet, snapshot, self._exporting)
        if snapshot.probe:
            _show_probe(sheet, snapshot.probe)
        for (name, labels), ns in self._longest.update(
            snapshot.monotonic_ns, sheet.longest
        ).items():
            sheet.values[name][labels] = ns / NS
        sheet.values["irqwatch_coverage_ratio"] = {(name,): r for name, r in coverage.items()}
        _show_collectors(sheet, snapshot, self._collectors)
        return sheet


def _show_probe(sheet: Sheet, probe: Probe) -> None:
    for collector, reasons in probe.losses.items():
        for reason, count in reasons.items():
            sheet.values["irqwatch_lost_events_total"][collector, reason] = count
    for program in probe.programs:
        name = (program.name,)
        if (misses := program.recursion_misses) is not None:
            sheet.values["irqwatch_program_recursion_misses_total"][name] = misses
        if program.run_count:
            sheet.values["irqwatch_program_runs_total"][name] = program.run_count
            sheet.values["irqwatch_program_run_seconds_total"][name] = program.run_ns / NS


def _show_collectors(sheet: Sheet, snapshot: Snapshot, wanted: Collection[str]) -> None:
    probe = snapshot.probe
    lacking = {part.part for part in snapshot.unavailable}
    success = sheet.values["irqwatch_collector_success"]
    for part in sorted({*snapshot.durations_ns, *lacking} - {"probe"}):
        success[part,] = part not in lacking
    for collector in sorted(wanted):
        success[collector,] = probe is not None and collector in probe.collectors
    durations = sheet.values["irqwatch_collector_duration_seconds"]
    durations.update({(part,): ns / NS for part, ns in snapshot.durations_ns.items()})
    if probe:
        durations["probe",] = probe.read_ns / NS
    for lack in snapshot.unavailable[:REASONS]:
        sheet.values["irqwatch_unavailable_info"][lack.part, lack.reason] = 1
