"""Runs the probe natively and reads it as the agent reads the one in the kernel.

    with Native(cpus=2) as native:
        native.feed(events)
        probe = native.read()

or ``replay(events)`` for the two in one. The probe runs in a process of its own (replay.c), so that
one that crashes, or that a sanitizer stops, is an exception here: ``process.Crashed``.
"""

import functools
import itertools
import struct
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import TracebackType

from irqwatch.collectors import running
from irqwatch.model.snapshot import Probe
from irqwatch.source.loader import layouts, request
from irqwatch.source.probe import CPUS, EPOCHS, Loaded, ProbeReader
from tests.events import Event
from tests.native.build import COLLECTORS, OFFSETS, NotBuilt, build, compilers, sanitizers
from tests.native.process import NativeMaps

PF_KTHREAD = 0x00200000
PF_RANDOMIZE = 0x00400000
WORK_STRUCT_PENDING = 1
WORKQUEUE_NAME_BYTES = 32
DEVICE_NAME_BYTES = 16

# Made-up addresses, apart from each other and from those of real kernels.
FUNCTIONS_AT = 0xF1 << 56
NAMES_AT = 0xF2 << 56
TASKS_AT = 0xF3 << 56
DEVICE_AT = 0xF4 << 56
NOW_AT = 0xF5 << 56
TARGETS_AT = 0xF6 << 56
PROCESS_AT = 0xF7 << 56
RUNQUEUES_AT = 0xF8 << 56
MASK_AT = 0xF9 << 56
MASK_WORDS = 4


class Native:
    """The native probe, just loaded, on a host with ``cpus`` possible CPUs."""

    def __init__(
        self, cpus: int, collectors: Iterable[str] = COLLECTORS, program: Path | None = None
    ) -> None:
        self.collectors = frozenset(collectors)
        self.maps = NativeMaps(program or default_program(self.collectors))
        self.now_ns = 0
        self._functions: dict[str, int] = {}
        self._texts: dict[str, int] = {}
        self._memory: dict[int, bytes] = {}
        self._task: tuple[int, str, bool] | None = None
        self._cpu: int | None = None
        self.loaded = self._describe()
        self.reset(cpus)

    def __enter__(self) -> "Native":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is None:
            self.maps.close()
        else:
            self.maps.kill()

    def reset(self, cpus: int) -> None:
        """As just loaded."""
        self.maps.send("reset", cpus)
        for collector in running(self.collectors):
            for name in collector.probed.formats:  # as the loader sets it
                self.maps.send("update", name, bytes(4).hex(), b"%ps".hex())
        self._memory.clear()
        self._task = self._cpu = None
        self._reader = ProbeReader(self.loaded, tuple(range(cpus)), self.maps, lambda: self.now_ns)

    def _describe(self) -> Loaded:
        chosen = running(self.collectors)
        maps = [CPUS, EPOCHS, *(name for one in chosen for name in request(one)["maps"])]
        hooks = [hook for one in chosen for hook in one.probed.hooks]
        return Loaded(
            collectors=self.collectors,
            maps={name: self.maps.fd(name) for name in maps},
            programs={hook.program: self.maps.fd(hook.tracepoint) for hook in hooks},
            links={},
            attached_ns=0,
            layouts=layouts(self.collectors),
        )

    def limit(self, name: str, entries: int) -> None:
        """Let the map hold this many entries."""
        self.maps.send("limit", name, entries)

    def feed(self, events: Iterable[Event]) -> None:
        """Let the events happen, in their order."""
        events = list(events)
        pending = starts_of_pending(events)
        for index, event in enumerate(events):
            if event.name == "workqueue_execute_start":
                self.set_pending(int(event.args[0]), index in pending)
            self.fire(event)

    def fire(self, event: Event, interrupted_by: Iterable[tuple[int, Event]] = ()) -> None:
        """Let ``event`` happen, and let each of ``interrupted_by`` (number of a call that the probe
        makes into the kernel, event) happen before that call, on the same CPU in the same task."""
        for call, inner in interrupted_by:
            self._remember(inner)
            self.maps.send("nested", call, inner.time_ns, inner.name, *self._arguments(inner))
        self._remember(event)
        if (event.pid, event.comm, event.is_kthread) != self._task or event.cpu != self._cpu:
            self._switch_to(event)
        self.maps.send("event", event.time_ns, event.name, *self._arguments(event))
        self.now_ns = event.time_ns

    def read(self) -> Probe:
        """What the agent's reader makes of the maps."""
        return self._reader.read()

    def forget_lines(self, gone: Callable[[int, str], bool]) -> None:
        """As ``ProbeReader.forget_lines``."""
        self._reader.forget_lines(gone)

    def entries(self, name: str) -> dict[bytes, bytes]:
        """The map's raw entries."""
        fd = self.loaded.maps[name]
        return {key: bytes(value) for key, value in self.maps.items(fd)}

    def memory(self, address: int, raw: bytes) -> None:
        """Let the kernel's memory hold ``raw`` at ``address``; b"" makes it unreadable."""
        if self._memory.get(address) != raw:
            self._memory[address] = raw
            self.maps.send("memory", address, raw.hex() or "-")

    def set_pending(self, work: int, is_pending: bool) -> None:
        """Whether the kernel holds the item at address ``work`` for queued."""
        data = WORK_STRUCT_PENDING if is_pending else 0
        self._point(work + OFFSETS["OFFSET_work_struct_data"], data)

    def cgroup(self, cgroup_id: int) -> None:
        """Let the tasks of what happens from here on be in this one."""
        self.maps.send("cgroup", cgroup_id)

    def threads(self, action: int, task: int, secondary: int = 0, second_task: int = 0) -> None:
        """Let the action have a thread, and the action at ``secondary`` its second one."""
        self._point(action + OFFSETS["OFFSET_irqaction_thread"], task)
        self._point(action + OFFSETS["OFFSET_irqaction_secondary"], secondary)
        self._point(secondary + OFFSETS["OFFSET_irqaction_thread"], second_task)

    def on_cpu(self, task: int, is_on_cpu: bool) -> None:
        """Whether the kernel holds the task at address ``task`` for one that runs."""
        raw = struct.pack("=I", is_on_cpu)
        self.memory(task + OFFSETS["OFFSET_task_struct_on_cpu"], raw)

    def account(self, task: int, exec_start_ns: int, sum_exec_runtime_ns: int) -> None:
        """What the scheduler holds of the task at address ``task``."""
        self._point(task + OFFSETS["OFFSET_task_struct_se_exec_start"], exec_start_ns)
        self._point(task + OFFSETS["OFFSET_task_struct_se_sum_exec_runtime"], sum_exec_runtime_ns)

    def clocks(self, cpu: int, clock_ns: int, clock_task_ns: int) -> None:
        """The scheduler's, of the CPU."""
        runqueue = runqueue_of(cpu)
        self._point(runqueue + OFFSETS["OFFSET_rq_clock"], clock_ns)
        self._point(runqueue + OFFSETS["OFFSET_rq_clock_task"], clock_task_ns)

    def _switch_to(self, event: Event) -> None:
        task = task_of(event)
        runqueue = runqueue_of(event.cpu)
        self._point(task + OFFSETS["OFFSET_task_struct_se_cfs_rq"], runqueue)
        self._point(runqueue + OFFSETS["OFFSET_cfs_rq_rq"], runqueue)
        flags = PF_RANDOMIZE | (PF_KTHREAD if event.is_kthread else 0)
        self.memory(task + OFFSETS["OFFSET_task_struct_flags"], struct.pack("=I", flags))
        comm = event.comm.encode(errors="surrogateescape")[:15]
        self.maps.send("cpu", event.cpu)
        self.maps.send("task", task, event.pid, comm.hex() or "-")
        self._task = (event.pid, event.comm, event.is_kthread)
        self._cpu = event.cpu

    def _arguments(self, event: Event) -> tuple[int | str, ...]:
        """The raw tracepoint's own."""
        is_call = event.name.startswith(("csd_", "ipi_send_"))
        return self._call_arguments(event) if is_call else self._other_arguments(event)

    def _other_arguments(self, event: Event) -> tuple[int | str, ...]:
        raw = event.args[:1]
        match event.name, event.args:
            case "workqueue_queue_work", (req_cpu, pool_workqueue, _, _, work, _):
                raw = req_cpu, pool_workqueue, work
            case "ipi_entry" | "ipi_exit", (str(reason),):
                raw = (self._text(reason),)
            case "hrtimer_expire_entry", (hrtimer, *_):
                raw = hrtimer, NOW_AT
            case "tasklet_entry" | "tasklet_exit", (tasklet, str(function)):
                raw = tasklet, self._function(function)
            case "napi_poll", (napi, _, work, budget):
                raw = napi, work, budget
            case "page_fault_user" | "page_fault_kernel", (first, *_):
                raw = first, 0, 0
            case "signal_deliver", (sig, info, *_):
                raw = sig, info, 0
            case "sched_process_exec", (task, old_pid):
                raw = task, old_pid, 0
            case "signal_generate", (sig, info, _, int(pid), _, group, result):
                raw = sig, info, TARGETS_AT + 0x4000 * pid, group, result
            case "sys_enter" | "sys_exit", (number,):
                raw = 0, number
            case "irq_handler_entry", args:
                raw = args[:2]
            case (
                "irq_handler_exit" | "workqueue_execute_end" | "nmi_handler" | "sched_switch",
                args,
            ):
                raw = tuple(arg if isinstance(arg, int) else 0 for arg in args)
        return raw

    def _call_arguments(self, event: Event) -> tuple[int | str, ...]:
        match event.name, event.args:
            case "csd_queue_cpu", (cpu, str(callsite), str(function), csd, _):
                return cpu, self._function(callsite), self._function(function), csd
            case "ipi_send_cpu", (cpu, str(callsite), str(callback)):
                return cpu, self._function(callsite), self._function(callback)
            case "ipi_send_cpumask", (_, str(callsite), str(callback)):
                return MASK_AT, self._function(callsite), self._function(callback)
            case _, (str(function), csd, *_):
                return self._function(function), csd
        raise ValueError(f"no call: {event}")

    def _remember(self, event: Event) -> None:
        """Put into the kernel's memory what the probe reads there."""
        match event.name, event.args:
            case "irq_handler_entry", (int(_), int(action), str(name)):
                self._point(action + OFFSETS["OFFSET_irqaction_name"], self._text(name))
            case "workqueue_queue_work", (_, int(pool), int(queue), str(name), int(work), str(f)):
                self._point(pool + OFFSETS["OFFSET_pool_workqueue_wq"], queue)
                raw = name.encode(errors="surrogateescape")[: WORKQUEUE_NAME_BYTES - 1]
                self.memory(
                    queue + OFFSETS["OFFSET_workqueue_struct_name"],
                    raw.ljust(WORKQUEUE_NAME_BYTES, b"\0"),
                )
                self._point(work + OFFSETS["OFFSET_work_struct_func"], self._function(f))
            case "workqueue_execute_start", (int(work), str(f)):
                self._point(work + OFFSETS["OFFSET_work_struct_func"], self._function(f))
            case "hrtimer_expire_entry", (int(hrtimer), int(now), int(expires), int(is_soft)):
                self.memory(NOW_AT, struct.pack("=q", now))
                self.memory(
                    hrtimer + OFFSETS["OFFSET_hrtimer_node_expires"], struct.pack("=q", expires)
                )
                self.memory(hrtimer + OFFSETS["OFFSET_hrtimer_is_soft"], bytes([is_soft]))
            case "signal_generate", (_, int(info), int(code), int(pid), int(tgid), *_):
                self.memory(
                    info + OFFSETS["OFFSET_kernel_siginfo_si_code"], struct.pack("=i", code)
                )
                target = TARGETS_AT + 0x4000 * pid
                self.memory(target + OFFSETS["OFFSET_task_struct_pid"], struct.pack("=I", pid))
                self.memory(target + OFFSETS["OFFSET_task_struct_tgid"], struct.pack("=I", tgid))
            case "signal_deliver", (_, int(info), int(code), int(fatal)):
                self.memory(
                    info + OFFSETS["OFFSET_kernel_siginfo_si_code"], struct.pack("=i", code)
                )
                self._point(task_of(event) + OFFSETS["OFFSET_task_struct_signal"], PROCESS_AT)
                self.memory(
                    PROCESS_AT + OFFSETS["OFFSET_signal_struct_group_exit_code"],
                    struct.pack("=I", fatal),
                )
            case "napi_poll", (int(napi), str(device), *_):
                self._point(napi + OFFSETS["OFFSET_napi_struct_dev"], DEVICE_AT if device else 0)
                raw = device.encode(errors="surrogateescape")[:DEVICE_NAME_BYTES]
                self.memory(
                    DEVICE_AT + OFFSETS["OFFSET_net_device_name"],
                    raw.ljust(DEVICE_NAME_BYTES, b"\0"),
                )
            case _:
                self._remember_call(event)

    def _remember_call(self, event: Event) -> None:
        match event.name, event.args:
            case "csd_queue_cpu", (_, _, _, int(csd), int(flags)):
                self._list([csd], flags)
            case "csd_function_entry", (_, int(csd), int(flags), str(following)):
                self._list([csd, *(int(other, 16) for other in following.split())], flags)
            case "ipi_send_cpumask", (int(mask), *_):
                for word in range(MASK_WORDS):
                    self._point(MASK_AT + 8 * word, mask >> 64 * word & (1 << 64) - 1)

    def _point(self, address: int, to: int) -> None:
        self.memory(address, struct.pack("=Q", to))

    def _list(self, csds: list[int], flags: int) -> None:
        """A list of calls, as the kernel holds it."""
        to_list = OFFSETS["OFFSET___call_single_data_node_llist_next"]
        to_flags = OFFSETS["OFFSET___call_single_data_node_u_flags"]
        for csd, following in itertools.zip_longest(csds, csds[1:]):
            self.memory(csd + to_flags, struct.pack("=I", flags))
            self._point(csd + to_list, following + to_list if following else 0)

    def _text(self, text: str) -> int:
        address = self._texts.setdefault(text, NAMES_AT + 0x1000 * len(self._texts))
        self.memory(address, text.encode(errors="surrogateescape")[:255] + b"\0")
        return address

    def _function(self, name: str) -> int:
        if not name or name.startswith("0x"):
            return int(name or "0", 16)
        address = self._functions.setdefault(name, FUNCTIONS_AT + 16 * len(self._functions))
        self.memory(address, name.encode(errors="surrogateescape")[:255] + b"\0")
        return address


def task_of(event: Event) -> int:
    """Where the current task is; each CPU has its idle task."""
    return TASKS_AT + 0x4000 * (event.pid or -1 - event.cpu)


def runqueue_of(cpu: int) -> int:
    """Where the CPU's is."""
    return RUNQUEUES_AT + 0x1000 * cpu


def starts_of_pending(events: Sequence[Event]) -> set[int]:
    """Which of ``events`` start an item that has been queued anew already: its next event of the
    kind is a start again."""
    found = set()
    following: dict[int | str, str] = {}
    for index, event in reversed(list(enumerate(events))):
        if event.name == "workqueue_queue_work":
            following[event.args[4]] = event.name
        elif event.name == "workqueue_execute_start":
            if following.get(event.args[0]) == event.name:
                found.add(index)
            following[event.args[0]] = event.name
    return found


@functools.cache
def default_program(collectors: frozenset[str]) -> Path:
    """With the sanitizers where they are to be had. Raises NotBuilt, CompileError."""
    found = compilers()
    if not found:
        raise NotBuilt("there is no C compiler here (gcc or clang)")
    return build("replay.c", found[0], sanitizers(found[0]), collectors)


def replay(
    events: Iterable[Event],
    cpus: int,
    collectors: Iterable[str] = COLLECTORS,
    program: Path | None = None,
) -> Probe:
    """What the probe counts of ``events`` on a host with ``cpus`` possible CPUs. ``program`` is
    another build than the default. Raises NotBuilt, CompileError, Crashed."""
    with Native(cpus, collectors, program) as native:
        native.feed(events)
        return native.read()
