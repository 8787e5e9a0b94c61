"""From snapshots to the value of every sample: pure, but for what must be remembered between
scrapes so that counters stay monotonic and the worst events are not lost."""

from collections import defaultdict
from collections.abc import Collection, Mapping

from irqwatch.base.fold import (
    BLAMES_SHOWN_APART,
    CAUSES_SHOWN_APART,
    DEVICES_SHOWN_APART,
    NOTHING_TO_BOUNDS,
    OTHER,
    SYSCALLS_SHOWN_APART,
    TASKLETS_SHOWN_APART,
    WORKS_SHOWN_APART,
    CpuSums,
    Groups,
    HistogramDetail,
    Labels,
    LongestLately,
    Vector,
    add,
    choose_detail,
    to_bounds,
)
from irqwatch.model.histogram import merge
from irqwatch.model.snapshot import Line, Probe, Snapshot, SoftirqTime
from irqwatch.sink.prometheus.blame_values import show_blames
from irqwatch.sink.prometheus.cause_values import show_causes
from irqwatch.sink.prometheus.exception_values import show_exceptions
from irqwatch.sink.prometheus.napi_values import show_napis
from irqwatch.sink.prometheus.sheet import Sheet
from irqwatch.sink.prometheus.signal_values import show_signals
from irqwatch.sink.prometheus.syscall_values import show_syscalls
from irqwatch.sink.prometheus.tasklet_values import show_tasklets
from irqwatch.sink.prometheus.thread_values import show_threads
from irqwatch.sink.prometheus.timer_values import show_timers
from irqwatch.sink.prometheus.vector_values import show_vectors

NS = 1e9

# The most that any architecture allows (arch/x86/Kconfig: NR_CPUS_RANGE_END with CPUMASK_OFFSTACK).
NR_CPUS = 8192

# So many reasons at most: they are text, and each is a series.
REASONS = 32


class Accountant:
    """Turns each snapshot into values. ``collectors`` are those asked for; the shape of the series
    follows the host as the first snapshot shows it."""

    def __init__(
        self, first: Snapshot, collectors: Collection[str], histograms: HistogramDetail = "auto"
    ) -> None:
        self.detail = choose_detail(first, histograms)
        self._collectors = collectors
        other = (OTHER, OTHER, OTHER) if self.detail.by_line else ("", "", OTHER)
        self._hardirqs = Groups(self.detail.hardirqs, other)
        self._cpus = Groups(NR_CPUS, (OTHER,))
        self._irq_threads = Groups(self.detail.hardirqs, other[1:])
        self._works = Groups(WORKS_SHOWN_APART, (OTHER, OTHER))
        self._causes = Groups(CAUSES_SHOWN_APART, ("", OTHER, OTHER, OTHER, OTHER))
        self._tasklets = Groups(TASKLETS_SHOWN_APART, (OTHER,))
        self._napis = Groups(DEVICES_SHOWN_APART, (OTHER,))
        self._syscalls = Groups(SYSCALLS_SHOWN_APART, (OTHER,))
        self._threads = Groups(self.detail.hardirqs, other)
        self._blames = Groups(BLAMES_SHOWN_APART, (OTHER, OTHER, OTHER))
        self._line_sums = CpuSums()
        self._vector_sums = CpuSums()
        self._longest = LongestLately()

    def update(self, snapshot: Snapshot, coverage: Mapping[str, float]) -> Sheet:
        """All values of ``snapshot``; ``coverage`` is that of a recent interval by collector."""
        sheet = Sheet()
        devices = _devices(snapshot)
        self._count_interrupts(sheet, snapshot, devices)
        self._count_softirqs(sheet, snapshot)
        self._time_threads(sheet, snapshot, devices)
        _count_packets(sheet, snapshot)
        if snapshot.probe:
            self._time_hardirqs(sheet, snapshot.probe, devices)
            _time_softirqs(sheet, snapshot.probe, by_vector=self.detail.by_cpu)
            self._time_works(sheet, snapshot.probe)
            show_vectors(sheet, snapshot.probe)
            show_causes(sheet, snapshot.probe, devices, self._causes, by_line=self.detail.by_line)
            show_timers(sheet, snapshot.probe, self.detail)
            show_tasklets(sheet, snapshot.probe, self._tasklets)
            show_napis(sheet, snapshot.probe, self._napis)
            show_exceptions(sheet, snapshot.probe, by_cpu=self.detail.by_cpu)
            show_signals(sheet, snapshot.probe)
            show_syscalls(sheet, snapshot.probe, self._syscalls)
            by_line = self.detail.by_line
            show_threads(sheet, snapshot.probe, devices, self._threads, by_line=by_line)
            show_blames(sheet, snapshot, devices, self._blames)
            _show_probe(sheet, snapshot.probe)
        for (name, labels), ns in self._longest.update(
            snapshot.monotonic_ns, sheet.longest
        ).items():
            sheet.values[name][labels] = ns / NS
        sheet.values["irqwatch_coverage_ratio"] = {(name,): r for name, r in coverage.items()}
        _show_collectors(sheet, snapshot, self._collectors)
        return sheet

    def _count_interrupts(
        self, sheet: Sheet, snapshot: Snapshot, devices: Mapping[int, str]
    ) -> None:
        samples = sheet.values["irqwatch_interrupts_total"]
        for line in snapshot.lines:
            labels = _line_labels(line, devices)
            if line.irq is None:
                many = not self.detail.by_cpu
            else:
                many = len(line.counts) > self.detail.cpus_per_line
            samples.update(_by_cpu(self._line_sums, labels, line.counts, many))
            if line.total:
                samples[(*labels, "")] = line.total
        self._line_sums.keep_only(labels[:-1] for labels in samples)

    def _count_softirqs(self, sheet: Sheet, snapshot: Snapshot) -> None:
        samples = sheet.values["irqwatch_softirqs_total"]
        for vector, counts in snapshot.softirq_counts.items():
            samples.update(_by_cpu(self._vector_sums, (vector,), counts, not self.detail.by_cpu))

    def _time_threads(self, sheet: Sheet, snapshot: Snapshot, devices: Mapping[int, str]) -> None:
        members: dict[Labels, tuple[Labels, Vector]] = {}
        for thread in snapshot.threads:
            if thread.kind == "ksoftirqd" and thread.cpu is not None:
                name = "irqwatch_ksoftirqd_cpu_seconds_total"
                sheet.values[name][str(thread.cpu),] = thread.cpu_ns / NS
            elif thread.kind == "irq_thread" and thread.irq is not None:
                irq = str(thread.irq) if self.detail.by_line else ""
                group = (irq, devices.get(thread.irq, ""))
                members[str(thread.pid),] = group, (thread.cpu_ns,)
        for labels, (cpu_ns,) in self._irq_threads.update(members).items():
            sheet.values["irqwatch_irq_thread_cpu_seconds_total"][labels] = cpu_ns / NS

    def _time_hardirqs(self, sheet: Sheet, probe: Probe, devices: Mapping[int, str]) -> None:
        members: dict[Labels, tuple[Labels, Vector]] = {}
        by_cpu: dict[Labels, tuple[Labels, Vector]] = {}
        for time in probe.hardirqs:
            member = (str(time.irq), time.action)
            device = devices.get(time.irq, "")
            group: Labels = (*member, device) if self.detail.by_line else ("", "", device)
            counters = (
                time.not_mine_count,
                time.not_mine_ns,
                *to_bounds(time.handled),
            )
            before = members.get(member)
            members[member] = group, add(before[1], counters) if before else counters
            part, ns = (*member, str(time.cpu)), time.handled.sum_ns + time.not_mine_ns
            before = by_cpu.get(part)
            by_cpu[part] = part[-1:], add(before[1], (ns,)) if before else (ns,)
        for labels, (ns,) in self._cpus.update(by_cpu).items():
            sheet.values["irqwatch_hardirq_seconds_total"][labels] = ns / NS
        for labels, (count, ns, *handled) in self._hardirqs.update(members).items():
            sheet.histograms["irqwatch_hardirq_duration_seconds"][labels] = tuple(handled)
            if count:
                sheet.values["irqwatch_hardirq_not_mine_total"][labels] = count
                sheet.values["irqwatch_hardirq_not_mine_seconds_total"][labels] = ns / NS
        for time in probe.hardirqs:
            group = self._hardirqs.group((str(time.irq), time.action))
            sheet.note("irqwatch_hardirq_duration_max_seconds", group, time.worst)

    def _time_works(self, sheet: Sheet, probe: Probe) -> None:
        members: dict[Labels, tuple[Labels, Vector]] = {}
        for time in probe.works:
            member = (time.function, time.workqueue)
            latency, run = to_bounds(time.latency), to_bounds(time.run)
            members[member] = member, (time.stall_count, time.stall_ns, *latency, *run)
        for labels, (count, ns, *both) in self._works.update(members).items():
            half = len(NOTHING_TO_BOUNDS)
            sheet.histograms["irqwatch_work_latency_seconds"][labels] = tuple(both[:half])
            sheet.histograms["irqwatch_work_duration_seconds"][labels] = tuple(both[half:])
            if count:
                sheet.values["irqwatch_work_stalls_total"][labels] = count
                sheet.values["irqwatch_work_stall_seconds_total"][labels] = ns / NS
        for time in probe.works:
            group = self._works.group((time.function, time.workqueue))
            sheet.note("irqwatch_work_latency_max_seconds", group, time.worst_latency)
            sheet.note("irqwatch_work_duration_max_seconds", group, time.worst_run)


def _devices(snapshot: Snapshot) -> dict[int, str]:
    """The names of a line's devices: more than one where they share it."""
    names: defaultdict[int, list[str]] = defaultdict(list)
    for device in snapshot.devices:
        names[device.irq].append(device.device)
    return {irq: ", ".join(sorted(of_line)) for irq, of_line in names.items()}


def _by_cpu(
    sums: CpuSums, row: Labels, counts: Mapping[int, int], many: bool
) -> dict[Labels, float]:
    """A sample a CPU; their sum where they are ``many``, or once were."""
    if counts and (many or row in sums):
        return {(*row, ""): sums.update(row, counts)}
    return {(*row, str(cpu)): count for cpu, count in counts.items() if count}


def _line_labels(line: Line, devices: Mapping[int, str]) -> Labels:
    if line.irq is None:
        return line.label, "", ""
    return str(line.irq), ", ".join(line.actions), devices.get(line.irq, "")


def _count_packets(sheet: Sheet, snapshot: Snapshot) -> None:
    for row in snapshot.softnet:
        cpu = (str(row.cpu),)
        # Zeros stay: the first drop must be a change, not the birth of a series.
        sheet.values["irqwatch_softnet_processed_total"][cpu] = row.processed
        sheet.values["irqwatch_softnet_dropped_total"][cpu] = row.dropped
        sheet.values["irqwatch_softnet_time_squeezed_total"][cpu] = row.time_squeeze


def _time_softirqs(sheet: Sheet, probe: Probe, *, by_vector: bool) -> None:
    """The time of each CPU is ``by_vector``, or of all vectors together."""
    seconds = sheet.values["irqwatch_softirq_seconds_total"]
    for vector in dict.fromkeys(time.vector for time in probe.softirqs):
        times = [time for time in probe.softirqs if time.vector == vector]
        run = merge(time.run for time in times)
        if not run.count:
            continue
        labels = (vector,)
        latency = merge(time.latency for time in times)
        sheet.histograms["irqwatch_softirq_latency_seconds"][labels] = to_bounds(latency)
        sheet.histograms["irqwatch_softirq_duration_seconds"][labels] = to_bounds(run)
        in_ksoftirqd = sum(time.ksoftirqd_count for time in times)
        in_ksoftirqd_ns = sum(time.ksoftirqd_ns for time in times)
        sheet.values["irqwatch_ksoftirqd_softirqs_total"][labels] = in_ksoftirqd
        sheet.values["irqwatch_ksoftirqd_softirq_seconds_total"][labels] = in_ksoftirqd_ns / NS
        _show_inline(sheet, times, labels)
        for time in times:
            if time.run.sum_ns:
                cpu: Labels = (vector if by_vector else "", str(time.cpu))
                seconds[cpu] = seconds.get(cpu, 0) + time.run.sum_ns / NS
            sheet.note("irqwatch_softirq_latency_max_seconds", labels, time.worst_latency)
            sheet.note("irqwatch_softirq_duration_max_seconds", labels, time.worst_run)


def _show_inline(sheet: Sheet, times: Collection[SoftirqTime], labels: Labels) -> None:
    """Those that did not run in ksoftirqd, by what they came after."""
    count = sum(time.interrupt_count for time in times)
    ns = sum(time.interrupt_ns for time in times)
    rest = sum(time.run.count - time.ksoftirqd_count for time in times) - count
    rest_ns = sum(time.run.sum_ns - time.ksoftirqd_ns for time in times) - ns
    for after, (n, total_ns) in {"interrupt": (count, ns), "task": (rest, rest_ns)}.items():
        sheet.values["irqwatch_inline_softirqs_total"][(*labels, after)] = n
        sheet.values["irqwatch_inline_softirq_seconds_total"][(*labels, after)] = total_ns / NS
    restarts = sum(time.restarts for time in times)
    sheet.values["irqwatch_softirq_restarts_total"][labels] = restarts


def _show_probe(sheet: Sheet, probe: Probe) -> None:
    for collector, reasons in probe.losses.items():
        for reason, count in reasons.items():
            sheet.values["irqwatch_lost_events_total"][collector, reason] = count
    for program in probe.programs:
        name = (program.name,)
        sheet.values["irqwatch_program_recursion_misses_total"][name] = program.recursion_misses
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
