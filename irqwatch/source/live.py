"""The live host as a source of Snapshots: /proc and /sys, and the probe where it can be had."""

from collections.abc import Collection, Mapping
from types import TracebackType

from irqwatch import clock
from irqwatch.collectors import DEFAULT_COLLECTORS, actions_of
from irqwatch.errors import LayoutError, ProbeError
from irqwatch.model.snapshot import SCHEMA, Line, Probe, Snapshot, Unavailable
from irqwatch.source import bpf_syscalls, loader
from irqwatch.source.capabilities import why_no_bpf
from irqwatch.source.cgroups import CgroupsReader
from irqwatch.source.host import HostReader, HostReading, read_host
from irqwatch.source.probe import Capture, ProbeReader
from irqwatch.source.root import Root, shown


class LiveSource:
    """Owns the probe for as long as it is open; a context manager.

    What the host lacks raises nothing: each Snapshot says it in ``unavailable``. With
    ``settings_max_age_ns`` Snapshots hold /proc/irq too, no older than that, with
    ``tuning_max_age_ns`` what is set beside it.
    """

    def __init__(
        self,
        root: Root,
        collectors: Collection[str] = DEFAULT_COLLECTORS,
        settings_max_age_ns: int | None = None,
        tuning_max_age_ns: int | None = None,
    ) -> None:
        self._host = HostReader(root)
        self._settings_max_age_ns = settings_max_age_ns
        self._tuning_max_age_ns = tuning_max_age_ns
        self._probe: ProbeReader | None = None
        self._lacking: list[Unavailable] = []
        self._listed: set[int] = set()
        self._cgroups = CgroupsReader(root)
        if collectors:
            self._open_probe(root, collectors)

    def __enter__(self) -> "LiveSource":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Take the probe out of the kernel."""
        if self._probe:
            self._probe.close()
            self._probe = None

    def sample(self) -> Snapshot:
        """Everything as it is now."""
        monotonic_ns, wall_ns = clock.monotonic_ns(), clock.wall_ns()
        captured = self._capture()
        reading = self._host.read()
        probe, lacking = self._read_probe(captured, reading)
        max_age_ns, tuning_max_age_ns = self._settings_max_age_ns, self._tuning_max_age_ns
        settings = (
            ()
            if max_age_ns is None
            else self._host.settings(reading.lines, monotonic_ns, max_age_ns)
        )
        tuning = (
            None
            if tuning_max_age_ns is None
            else self._host.tuning(reading.topology, monotonic_ns, tuning_max_age_ns)
        )
        devices = self._host.devices(reading.lines, monotonic_ns)
        threads = self._host.threads(monotonic_ns)
        return Snapshot(
            schema=SCHEMA,
            monotonic_ns=monotonic_ns,
            wall_ns=wall_ns,
            host=reading.host,
            topology=reading.topology,
            lines=reading.lines,
            softirq_counts=reading.softirq_counts,
            cpu_times=reading.cpu_times,
            settings=settings,
            devices=devices.devices,
            behind=devices.behind,
            softnet=reading.softnet,
            threads=threads,
            probe=probe,
            unavailable=(*lacking, *reading.unavailable, *self._host.lacking()),
            durations_ns=reading.durations_ns,
            tuning=tuning,
            cgroups=self._cgroups.paths(probe, monotonic_ns),
            line_cpus=reading.line_cpus,
            softirq_cpus=reading.softirq_cpus,
        )

    def _open_probe(self, root: Root, collectors: Collection[str]) -> None:
        """Load what can be had of the probe; what cannot goes to ``_lacking``."""
        reading = self._host.read()
        possible = reading.topology.possible
        reason = why_no_bpf() or why_another_kernel(root)
        if reason:
            self._lacking.append(Unavailable("probe", reason))
            return
        try:
            bpf_syscalls.check_possible(possible)
            limits = loader.sizes(len(reading.lines), possible)
            loaded, refused = loader.load(collectors, limits)
        except ProbeError as error:
            self._lacking.append(Unavailable("probe", str(error)))
            return
        self._lacking += [Unavailable(name, why) for name, why in sorted(refused.items())]
        try:
            self._probe = ProbeReader(loaded, possible)
        except (ProbeError, LayoutError) as error:
            loaded.close()
            self._lacking.append(Unavailable("probe", str(error)))
            return
        if why := self._probe.why_unnamed():
            self._lacking.append(Unavailable("functions", why))

    def why_no_probe(self) -> str:
        """Empty where there is one, whatever collectors it lacks."""
        if self._probe:
            return ""
        return next(
            (lack.reason for lack in self._lacking if lack.part == "probe"), "none asked for"
        )

    def may_read(self) -> bool:
        """Whether this process may read the probe's maps; not where there is no probe."""
        return self._probe is not None and self._probe.may_read()

    def _capture(self) -> Capture | Unavailable | None:
        """The maps, copied before all else, so that the kernel's own counts are read right after
        them (decision 5)."""
        try:
            return self._probe.capture() if self._probe else None
        except ProbeError as error:
            return Unavailable("probe", str(error))

    def _forget_gone(self, reader: ProbeReader, probe: Probe, reading: HostReading) -> None:
        """Entries of lines that were freed; not where the list of lines is incomplete."""
        if any(lack.part == "interrupts" for lack in reading.unavailable):
            return
        lines = {line.irq: line for line in reading.lines if line.irq is not None}
        self._listed |= lines.keys()
        listed = self._listed
        actions = actions_of(probe)
        if any(is_gone(lines, listed, irq, action) for irq, action in actions):
            reader.forget_lines(lambda irq, action: is_gone(lines, listed, irq, action))

    def _read_probe(
        self, captured: Capture | Unavailable | None, reading: HostReading
    ) -> tuple[Probe | None, list[Unavailable]]:
        if self._probe is None or captured is None:
            return None, self._lacking
        if isinstance(captured, Unavailable):
            return None, [*self._lacking, captured]
        try:
            probe = self._probe.read(captured)
            self._forget_gone(self._probe, probe, reading)
        except ProbeError as error:
            return None, [*self._lacking, Unavailable("probe", str(error))]
        return probe, self._lacking


def is_gone(lines: Mapping[int, Line], listed: Collection[int], irq: int, action: str) -> bool:
    """Whether an action is no longer on its line. ``listed`` are the numbers that some sample had:
    a line that never was in the list is hidden (IPIs on arm64, kernel/irq/proc.c show_interrupts),
    not gone. The probe's copy of a name may be cut short, and a name may itself hold what the
    kernel puts between two, so this asks only whether the row has it."""
    line = lines.get(irq)
    if line is None:
        return irq in listed
    return action not in ", ".join(line.actions)


def why_another_kernel(root: Root) -> str:
    """Why the probe, which is of this kernel, has no place beside ``root``; empty where it has: its
    files may well be this kernel's, mounted elsewhere."""
    there, here = read_host(root).boot_id, read_host(Root()).boot_id
    return "" if there == here else f"{shown(root.procfs)} is not of the running kernel"
