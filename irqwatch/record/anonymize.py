"""Takes a host's own names out of Snapshots; what the kernel named stays.

A name becomes a keyed hash of itself (BLAKE2b). The key is random, of one recording, and kept
nowhere: the same name is the same pseudonym throughout a recording and another one in the next, and
nobody can try out names. docs/recording.md says what is replaced and what is not.
"""

import functools
import hashlib
import re
from dataclasses import replace

from irqwatch.base.parts import Naming
from irqwatch.collectors import PARTS
from irqwatch.model.snapshot import Line, LineDevice, Probe, Snapshot, Unavailable
from irqwatch.model.tuning import Tuning

# Words of drivers and of the kernel, as they stand in names of interrupts and workqueues. None
# names one device among others, and none is what a person called one.
_KERNEL_WORDS = """
    acpi ahci amd backlog balloon bnxt cascade cfg80211 config control conversion deflate device dm
    ctrl dmar edac efficient ehci ena error ext4 fault fdir fence flush freezable fs ged gp gve hcd
    high highpri hotplug hpet i2c i40e i801 i8042 iavf ice igb igc inet inflate intel iommu irq
    ixgbe kblockd kcryptd kintegrityd kthrotld kvfree kvm linkwatch long mei mgmnt mld mlx4 mlx5 mm
    mmc mpt3sas msi netns notify nvme ohci ordered par pch pci pcie pciehp percpu perf pm pme
    pmu power psi rcu reclaim reporting reset rpciod rsv sata scsi smbus stats sync system tc
    tick timer tlb ucsi uhci unbound usb vi virtio vmstat vq vsock wg wq writeback xfs xhci
    xprtiod zswap
"""
# With the number of a queue after them: "comp40", "rx3".
_QUEUE_WORDS = """
    admin async ce comp config control controlq cq eq event events fp g input io msix ntfy output
    page pages port q queue reply req request requests ring rx rxq rxtx slice sq tx txc txq txrx
"""
# Of kernel threads; the rest of a name after "-" is that of a workqueue or an interrupt.
_KERNEL_THREADS = re.compile(
    r"(?:swapper|ksoftirqd|migration|cpuhp|idle_inject|irq_work|rcuc|rcub|rcuop|rcuog|rcuos"
    r"|ktimers|backlog_napi)/\d+"
    r"|kthreadd|rcu_(?:preempt|sched|bh|tasks\w*)|rcu_exp_\w+|kswapd\d+|kcompactd\d+|khugepaged"
    r"|ksmd|kauditd|kdevtmpfs|khungtaskd|oom_reaper|swapper|irqbalance"
    r"|kworker/[\w:]+"
)
_THREAD_OF = re.compile(r"(?P<kept>(?:irq/\d+|kworker/[\w:]+)[-+])(?P<name>.*)", re.DOTALL)

_TOKEN = re.compile(
    r"(?P<pci>\b[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]\b)|(?P<word>[A-Za-z0-9]+)"
)
_KERNEL_WORD = re.compile(
    rf"{'|'.join(_KERNEL_WORDS.split())}|(?:{'|'.join(_QUEUE_WORDS.split())})\d*", re.IGNORECASE
)
_QUEUE_OF = re.compile(r"(?P<device>\w+?)(?P<queue>q\d+)")  # "nvme0q3"

# A path says who lives here; one of these says only what Linux it is.
_OWN_PATH = re.compile(r"(?<!\S)/(?!proc\b|sys\b|dev\b|usr/(?!local\b)|lib|boot\b)[^\s:;,]*")


class Anonymizer:
    """``key`` is random bytes, at most 64 of them."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._pseudonym = functools.lru_cache(maxsize=4096)(self._hash)
        self._renames = {Naming.DEVICE: self._name, Naming.TASK: self._task}

    def snapshot(self, snapshot: Snapshot) -> Snapshot:
        host = snapshot.host
        return replace(
            snapshot,
            host=replace(
                host,
                hostname=host.hostname and f"host-{self._pseudonym(host.hostname)}",
                boot_id=host.boot_id and self._pseudonym(host.boot_id),
            ),
            lines=tuple(self._line(line) for line in snapshot.lines),
            devices=tuple(self._device(device) for device in snapshot.devices),
            behind={
                self._name(adapter): tuple(map(self._name, names))
                for adapter, names in snapshot.behind.items()
            },
            threads=tuple(replace(t, name=self._task(t.name)) for t in snapshot.threads),
            probe=snapshot.probe and self._probe(snapshot.probe),
            tuning=snapshot.tuning and self._tuning(snapshot.tuning),
            cgroups={of: self._cgroup(path) for of, path in snapshot.cgroups.items()},
            unavailable=tuple(
                Unavailable(lack.part, _OWN_PATH.sub("/...", lack.reason))
                for lack in snapshot.unavailable
            ),
        )

    def _line(self, line: Line) -> Line:
        if line.irq is None:  # a row of the architecture's own
            return line
        return replace(line, actions=tuple(self._name(action) for action in line.actions))

    def _device(self, device: LineDevice) -> LineDevice:
        return replace(
            device, device=self._name(device.device), bus_address=self._name(device.bus_address)
        )

    def _probe(self, probe: Probe) -> Probe:
        parts = {
            part.name: tuple(part.anonymous(one, self._renames) for one in part.of(probe))
            for part in PARTS
            if part.name in probe.parts
        }
        return replace(probe, parts=parts)

    def _tuning(self, tuning: Tuning) -> Tuning:
        return replace(
            tuning,
            net=tuple(replace(net, device=self._name(net.device)) for net in tuning.net),
            tasks=tuple(replace(task, name=self._task(task.name)) for task in tuning.tasks),
        )

    def _cgroup(self, path: str) -> str:
        """Folder by folder: services and containers are named by whoever runs them."""
        return "/".join(folder and self._pseudonym(folder) for folder in path.split("/"))

    def _task(self, comm: str) -> str:
        if _KERNEL_THREADS.fullmatch(comm):
            return comm
        if thread := _THREAD_OF.fullmatch(comm):
            return thread["kept"] + self._name(thread["name"])
        return f"task-{self._pseudonym(comm)}"

    def _name(self, name: str) -> str:
        """The name of a device, an interrupt or a workqueue, word by word: so what a device is
        called is the same in each."""
        end, parts, after_kept = 0, [], False
        for token in _TOKEN.finditer(name):
            separator, end = name[end : token.start()], token.end()
            last = end == len(name)
            kept = bool(token["pci"]) or _is_kernels(token[0], after_kept or last)
            parts += [separator, token[0] if kept else self._word(token[0])]
            after_kept = kept
        return "".join([*parts, name[end:]])

    def _word(self, word: str) -> str:
        if queue := _QUEUE_OF.fullmatch(word):
            return self._pseudonym(queue["device"]) + queue["queue"]
        return self._pseudonym(word)

    def _hash(self, name: str) -> str:
        # Starts with a letter, and no kernel name does so: "x" and 32 bits. Of a thousand names two
        # become one in one recording of ten thousand.
        digest = hashlib.blake2b(name.encode(), digest_size=4, key=self._key)
        return f"x{digest.hexdigest()}"


def _is_kernels(word: str, may_count: bool) -> bool:
    """Whether a word stays. A number does as that of a queue: at the end, or after a word that
    stays; elsewhere it may be part of an address."""
    return may_count if word.isdigit() else bool(_KERNEL_WORD.fullmatch(word))
