"""From snapshots to the value of every sample: pure, but for what must be remembered between
scrapes so that counters stay monotonic and the worst events are not lost."""

from collections.abc import Collection, Iterable, Mapping

from irqwatch.base.fold import LongestLately
from irqwatch.base.measures import NS
from irqwatch.base.names import behind_names, device_names
from irqwatch.base.series import (
    COUNTED_NS,
    OTHER,
    Bound,
    Filter,
    Groups,
    Labels,
    Member,
    MemberKey,
    Total,
)
from irqwatch.base.sheet import Exporting, Sheet
from irqwatch.collectors import ALL, follows, without_blind
from irqwatch.model.snapshot import Probe, Snapshot

# So many reasons at most: they are text, and each is a series.
REASONS = 32

# Of what a sound probe has none.
LOSSES_SHOWN_APART = Bound(16, 64)
PROGRAMS_SHOWN_APART = Bound(16, 64)


class Accountant:
    """Turns each snapshot into values. ``collectors`` are those asked for, ``filters`` what is to
    be shown apart of each; how much is follows the host's CPUs, as the first snapshot shows it."""

    def __init__(
        self,
        first: Snapshot,
        collectors: Collection[str],
        filters: Mapping[str, Filter] | None = None,
    ) -> None:
        cpus = max(map(len, (first.topology.cpus, first.cpu_times, first.line_cpus)))
        self._collectors = collectors
        self._exporting = Exporting(cpus, follows, filters or {})
        self._longest = LongestLately()
        self._monotonic_ns = first.monotonic_ns

    def update(self, snapshot: Snapshot, coverage: Mapping[str, float]) -> Sheet:
        """All values of ``snapshot``; ``coverage`` is that of a recent interval by collector."""
        sheet, exporting = Sheet(), self._exporting
        snapshot = without_blind(snapshot)
        exporting.devices = device_names(snapshot.devices)
        exporting.behind = behind_names(snapshot.behind)
        exporting.labels.update(snapshot.lines, snapshot.devices)
        exporting.interval_ns = snapshot.monotonic_ns - self._monotonic_ns
        exporting.now_ns = self._monotonic_ns = snapshot.monotonic_ns
        for collector in ALL:
            if collector.export:
                collector.export(sheet, snapshot, exporting)
        if snapshot.probe:
            _show_probe(sheet, snapshot.probe, exporting)
        for (name, labels), ns in self._longest.update(
            snapshot.monotonic_ns, sheet.longest
        ).items():
            sheet.values[name][labels] = ns / NS
        sheet.values["irqwatch_coverage_ratio"] = {(name,): r for name, r in coverage.items()}
        _show_collectors(sheet, snapshot, self._collectors)
        return sheet


def _show_probe(sheet: Sheet, probe: Probe, exporting: Exporting) -> None:
    _show_losses(sheet, probe, exporting)
    skipping = exporting.groups("", "misses", PROGRAMS_SHOWN_APART, (OTHER,))
    misses: dict[MemberKey, Member] = {
        (one.name,): Member((one.name,), one.recursion_misses * COUNTED_NS, (one.recursion_misses,))
        for one in probe.programs
        if one.recursion_misses is not None
    }
    for name, total in _from_the_second(skipping, misses, exporting):
        sheet.values["irqwatch_program_recursion_misses_total"][name] = total.counts[0]
    for program in probe.programs:
        if program.run_count:
            name = (program.name,)
            sheet.values["irqwatch_program_runs_total"][name] = program.run_count
            sheet.values["irqwatch_program_run_seconds_total"][name] = program.run_ns / NS


def _show_losses(sheet: Sheet, probe: Probe, exporting: Exporting) -> None:
    losses = exporting.groups("", "losses", LOSSES_SHOWN_APART, lambda group: (group[0], OTHER))
    members: dict[MemberKey, Member] = {
        (collector, reason): Member((collector, reason), count * COUNTED_NS, (count,))
        for collector, reasons in probe.losses.items()
        for reason, count in reasons.items()
    }
    for name, total in _from_the_second(losses, members, exporting):
        sheet.values["irqwatch_lost_events_total"][name] = total.counts[0]


def _from_the_second(
    groups: Groups, members: Mapping[MemberKey, Member], exporting: Exporting
) -> Iterable[tuple[Labels, Total]]:
    """The first event of each is in "other", which is there with a zero: it must be a change, not
    the birth of a series."""
    from_now = {one.group for one in members.values() if one.ns}
    return groups.update(members, exporting.now_ns, from_now=from_now).items()


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
