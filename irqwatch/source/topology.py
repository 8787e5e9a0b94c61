"""CPUs, cores, packages and NUMA nodes, from /sys/devices/system; isolated CPUs."""

from irqwatch.model.topology import Cpu, Topology
from irqwatch.parse import cpulist, numbers
from irqwatch.source.root import Root, read_parsed


class TopologyReader:
    """Reads the folders of single CPUs and nodes again only when CPUs come or go."""

    def __init__(self, root: Root) -> None:
        self._system = root.sysfs / "devices" / "system"
        # Of all isolated partitions, in the root cgroup of version 2 (kernel/cgroup/cpuset.c since
        # 877c737db935, "Expose cpuset.cpus.isolated").
        self._partitions = root.sysfs / "fs" / "cgroup" / "cpuset.cpus.isolated"
        self._read_of: tuple[frozenset[int], ...] = ()
        self._cpus: dict[int, Cpu] = {}
        self._distances: dict[int, tuple[int, ...]] = {}

    def read(self) -> Topology | None:
        """None where the host does not say which CPUs there are."""
        possible = self._cpus_in("possible")
        online = self._cpus_in("online")
        if not possible or not online:
            return None
        if self._read_of != (possible, online):
            nodes = self._nodes()
            self._cpus = {cpu: self._cpu(cpu, cpu in online, nodes) for cpu in sorted(possible)}
            self._distances = self._node_distances()
            self._read_of = (possible, online)
        return Topology(
            cpus=self._cpus,
            isolated=self._isolated(),
            nohz_full=self._cpus_in("nohz_full") or frozenset(),
            node_distances=self._distances,
        )

    def _isolated(self) -> frozenset[int]:
        """By the command line, and by cpuset partitions, which come and go."""
        partitions = read_parsed(self._partitions, cpulist.parse)
        return (self._cpus_in("isolated") or frozenset()) | (partitions or frozenset())

    def _cpus_in(self, name: str) -> frozenset[int] | None:
        return read_parsed(self._system / "cpu" / name, cpulist.parse)

    def _cpu(self, number: int, online: bool, nodes: dict[int, int]) -> Cpu:
        """An offline CPU has no topology folder (drivers/base/topology.c)."""
        folder = self._system / "cpu" / f"cpu{number}" / "topology"
        return Cpu(
            number=number,
            online=online,
            # -1 where the architecture does not know.
            package=read_parsed(folder / "physical_package_id", numbers.id_or_none),
            core=read_parsed(folder / "core_id", numbers.id_or_none),
            node=nodes.get(number),
            siblings=read_parsed(folder / "thread_siblings_list", cpulist.parse) or frozenset(),
        )

    def _node_numbers(self) -> list[int]:
        return sorted(read_parsed(self._system / "node" / "online", cpulist.parse) or ())

    def _nodes(self) -> dict[int, int]:
        """CPU → node; a node lists only CPUs that are online."""
        nodes = {}
        for node in self._node_numbers():
            path = self._system / "node" / f"node{node}" / "cpulist"
            nodes.update(dict.fromkeys(read_parsed(path, cpulist.parse) or (), node))
        return nodes

    def _node_distances(self) -> dict[int, tuple[int, ...]]:
        distances = {}
        for node in self._node_numbers():
            row = read_parsed(self._system / "node" / f"node{node}" / "distance", _distance_row)
            if row:
                distances[node] = row
        return distances


def _distance_row(raw: bytes) -> tuple[int, ...]:
    return tuple(numbers.decimal(field) for field in raw.split())
