"""A host whose interrupts can be moved: its files in a folder, and plans for it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from irqwatch.affinity.access import Access
from irqwatch.model.plan import Busier, CpuLoad, Improves, Move, Plan, PlannedLine
from irqwatch.model.snapshot import Host
from irqwatch.source.root import Root

BOOT_ID = "11111111-2222-3333-4444-555555555555"
CPUS = 4
ALL = frozenset(range(CPUS))

# Line → the CPU it runs on and its load there. Its name is devN-queue, its hwirq N.
LINES = {30: (0, 0.05), 31: (0, 0.20), 32: (0, 0.40), 33: (1, 0.01)}


def line(irq: int) -> PlannedLine:
    return PlannedLine(irq, (f"dev{irq}-queue",), str(irq), f"dev{irq}-queue")


def move(irq: int, to: int, load: float | None = None, requested: frozenset[int] = ALL) -> Move:
    cpu, known = LINES[irq]
    weight = known if load is None else load
    return Move(line(irq), requested, frozenset({cpu}), frozenset({to}), weight, Busier(0.65, 0.01))


def plan(*moves: Move, eligible: frozenset[int] = ALL) -> Plan:
    """Of ``LINES``, with ``moves`` (31 to CPU 1 and 30 to CPU 2 where there are none)."""
    wanted = moves or (move(31, 1), move(30, 2))
    now = {cpu: sum(load for at, load in LINES.values() if at == cpu) for cpu in ALL}
    planned = dict(now)
    for one in wanted:
        for cpus, load in ((one.effective, -one.load), (one.to, one.load)):
            for cpu in cpus:
                planned[cpu] += load / len(cpus)
    loads = tuple(
        CpuLoad(cpu, round(now[cpu], 6), round(planned[cpu], 6), 0.01, cpu in eligible)
        for cpu in sorted(ALL)
    )
    return Plan(
        host=Host("web-7.example", "6.12.9-amd64", BOOT_ID),
        wall_ns=1_700_000_000 * 10**9,
        goal="throughput",
        windows=3,
        window_s=1.0,
        weighed_by="time",
        verdict=Improves(),
        change=True,
        busiest_now=0.65,
        busiest_planned=0.40,
        spread=0.01,
        lower_bound=0.40,
        gap=0.0,
        exact=True,
        loads=loads,
        moves=wanted,
    )


def measured(before: Plan, loads: Mapping[int, float]) -> Plan:
    """A second plan, whose measurement found ``loads``."""
    return replace(
        before,
        loads=tuple(
            replace(load, now=loads.get(load.cpu, 0.0), planned=load.now) for load in before.loads
        ),
        moves=(),
    )


def as_planned(before: Plan) -> Plan:
    return measured(before, {load.cpu: load.planned for load in before.loads})


@dataclass
class FakeHost:
    """In ``folder``, which is empty. Interrupts follow their masks at once, those of ``idle`` stay
    where they are; the counters move when ``interrupt`` is called."""

    folder: Path
    idle: frozenset[int] = frozenset()

    def __post_init__(self) -> None:
        self.root = Root(self.folder / "proc", self.folder / "sys")
        self._counts = {irq: dict.fromkeys(range(CPUS), 10) for irq in LINES}
        self._put("proc/sys/kernel/random/boot_id", BOOT_ID)
        self._put("proc/irq/default_smp_affinity", "f")
        for name in ("possible", "online"):
            self._put(f"sys/devices/system/cpu/{name}", f"0-{CPUS - 1}")
        for irq, (cpu, _) in LINES.items():
            self._put(f"proc/irq/{irq}/smp_affinity", "f")
            self._put(f"proc/irq/{irq}/smp_affinity_list", f"0-{CPUS - 1}")
            self._put(f"proc/irq/{irq}/effective_affinity_list", str(cpu))
        self._put_interrupts()

    def mask(self, irq: int) -> str:
        return self._file(f"proc/irq/{irq}/smp_affinity_list").read_text().strip()

    def masks(self) -> dict[int, str]:
        return {irq: self.mask(irq) for irq in LINES}

    def effective(self, irq: int) -> int:
        return int(self._file(f"proc/irq/{irq}/effective_affinity_list").read_text())

    def set_mask(self, irq: int, text: str) -> None:
        """As somebody else would."""
        self._put(f"proc/irq/{irq}/smp_affinity_list", text)

    def write(self, irq: int, cpus: frozenset[int]) -> None:
        """What the kernel does with a mask, for those who write without a file."""
        self._put(f"proc/irq/{irq}/smp_affinity_list", kernel_text(cpus))
        self.follow()

    def follow(self) -> None:
        """Each line goes to the first CPU of its mask, or stays where the mask allows that."""
        for irq in LINES.keys() - self.idle:
            cpus = [int(cpu) for part in self.mask(irq).split(",") for cpu in _range(part)]
            if self.effective(irq) not in cpus:
                self._put(f"proc/irq/{irq}/effective_affinity_list", str(cpus[0]))

    def interrupt(self, times: int = 100) -> None:
        """``times`` on each line that is not idle, where it runs."""
        self.follow()
        for irq in LINES.keys() - self.idle:
            self._counts[irq][self.effective(irq)] += times
        self._put_interrupts()

    def rename(self, irq: int, name: str) -> None:
        """The number goes to another device."""
        path = self._file("proc/interrupts")
        path.write_text(path.read_text().replace(f"dev{irq}-queue", name))

    def remove(self, irq: int) -> None:
        path = self._file("proc/interrupts")
        rows = [row for row in path.read_text().splitlines() if not row.startswith(f" {irq}:")]
        path.write_text("\n".join(rows) + "\n")

    def start_irqbalance(self, *words: str) -> None:
        self._put("proc/stat", "btime 1700000000")
        self._put("proc/812/comm", "irqbalance")
        self._put("proc/812/stat", f"812 (irqbalance) S 1 {' '.join(['0'] * 48)}")
        command = "\0".join(("/usr/sbin/irqbalance", *words, ""))
        self._file("proc/812/cmdline").write_text(command)

    def _put_interrupts(self) -> None:
        rows = ["      " + " ".join(f"{f'CPU{cpu}':>10}" for cpu in range(CPUS))]
        for irq, counts in self._counts.items():
            columns = " ".join(f"{counts[cpu]:10}" for cpu in range(CPUS))
            rows.append(f" {irq}: {columns}  PCI-MSIX-0000:00:03.0  {irq}-edge      dev{irq}-queue")
        self._put("proc/interrupts", "\n".join(rows))

    def _file(self, name: str) -> Path:
        return self.folder / name

    def _put(self, name: str, text: str) -> None:
        path = self._file(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")


def moving(access: Access, host: FakeHost) -> Access:
    """Writes to the files as always, and each line goes where it is sent."""

    def write(irq: int, cpus: frozenset[int]) -> None:
        access.write(irq, cpus)
        host.follow()

    return replace(access, write=write)


def refusing(access: Access, irqs: Collection[int]) -> Access:
    """Lines that the kernel manages."""

    def write(irq: int, cpus: frozenset[int]) -> None:
        if irq in irqs:
            raise PermissionError(1, "Operation not permitted")
        access.write(irq, cpus)

    return replace(access, write=write)


def kernel_text(cpus: frozenset[int]) -> str:
    """As the kernel prints a set, written the slow way: consecutive CPUs as a range."""
    words: list[str] = []
    for cpu in sorted(cpus):
        if cpu - 1 in cpus and words:
            words[-1] = f"{words[-1].split('-')[0]}-{cpu}"
        else:
            words.append(str(cpu))
    return ",".join(words)


def _range(text: str) -> range:
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)
