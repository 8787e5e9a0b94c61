"""Events by hand: a short function for each, and people and things to put in them."""

from collections.abc import Iterable
from dataclasses import dataclass

from tests.events import Event


@dataclass(frozen=True, slots=True)
class Task:
    """A current task, and the CPU that it is current on."""

    cpu: int
    pid: int
    comm: str
    is_kthread: bool = True


IDLE = Task(0, 0, "swapper/0")
IDLE_1 = Task(1, 0, "swapper/1")
SHELL = Task(0, 700, "bash", is_kthread=False)
KSOFTIRQD = Task(0, 15, "ksoftirqd/0")
WORKER = Task(0, 800, "kworker/0:1")
WORKER_1 = Task(1, 801, "kworker/1:1")


@dataclass(frozen=True, slots=True)
class Line:
    irq: int
    action: int  # address of the struct irqaction
    name: str


NIC = Line(34, 0xA1000, "eth0")
USB = Line(16, 0xA2000, "usb3")


@dataclass(frozen=True, slots=True)
class Item:
    work: int  # address of the struct work_struct
    function: str
    queue: int = 0xB1000  # address of its struct workqueue_struct
    queue_name: str = "events"


FLUSH = Item(0xC1000, "flush")
SCRUB = Item(0xC2000, "scrub")

TIMER, NET_RX, SCHED, RCU = 1, 3, 7, 9

# arch/x86/include/asm/irq_vectors.h
VECTORS = {"local_timer": 0xEC, "irq_work": 0xF6, "call_function": 0xFC, "reschedule": 0xFD}


def _event(at_ns: int, on: Task, name: str, *args: int | str) -> Event:
    return Event(at_ns, on.cpu, on.pid, on.comm, name, args, on.is_kthread)


def irq_entry(at_ns: int, line: Line = NIC, on: Task = IDLE) -> Event:
    return _event(at_ns, on, "irq_handler_entry", line.irq, line.action, line.name)


def irq_exit(at_ns: int, line: Line = NIC, on: Task = IDLE, ret: int = 1) -> Event:
    return _event(at_ns, on, "irq_handler_exit", line.irq, line.action, ret)


def soft_raise(at_ns: int, vector: int = NET_RX, on: Task = IDLE) -> Event:
    return _event(at_ns, on, "softirq_raise", vector)


def soft_entry(at_ns: int, vector: int = NET_RX, on: Task = IDLE) -> Event:
    return _event(at_ns, on, "softirq_entry", vector)


def soft_exit(at_ns: int, vector: int = NET_RX, on: Task = IDLE) -> Event:
    return _event(at_ns, on, "softirq_exit", vector)


def vector_entry(at_ns: int, vector: str = "local_timer", on: Task = IDLE) -> Event:
    return _event(at_ns, on, f"{vector}_entry", VECTORS[vector])


def vector_exit(at_ns: int, vector: str = "local_timer", on: Task = IDLE) -> Event:
    return _event(at_ns, on, f"{vector}_exit", VECTORS[vector])


def ipi_entry(at_ns: int, reason: str = "Rescheduling interrupts", on: Task = IDLE) -> Event:
    return _event(at_ns, on, "ipi_entry", reason)


def ipi_exit(at_ns: int, reason: str = "Rescheduling interrupts", on: Task = IDLE) -> Event:
    return _event(at_ns, on, "ipi_exit", reason)


def queue(at_ns: int, item: Item = FLUSH, on: Task = SHELL) -> Event:
    pool_workqueue = item.queue + 0x800
    args = (on.cpu, pool_workqueue, item.queue, item.queue_name, item.work, item.function)
    return _event(at_ns, on, "workqueue_queue_work", *args)


def activate(at_ns: int, item: Item = FLUSH, on: Task = SHELL) -> Event:
    return _event(at_ns, on, "workqueue_activate_work", item.work)


def start(at_ns: int, item: Item = FLUSH, on: Task = WORKER) -> Event:
    return _event(at_ns, on, "workqueue_execute_start", item.work, item.function)


def end(at_ns: int, item: Item = FLUSH, on: Task = WORKER) -> Event:
    return _event(at_ns, on, "workqueue_execute_end", item.work, item.function)


HRTIMER = 0xD1000


def hrtimer(
    at_ns: int,
    late_ns: int,
    on: Task = IDLE,
    *,
    is_soft: bool = False,
    timer: int = HRTIMER,
    expires_ns: int = 10**18,
) -> Event:
    """A timer of a clock of its own that fires ``late_ns`` after its expiry."""
    args = (timer, expires_ns + late_ns, expires_ns, int(is_soft))
    return _event(at_ns, on, "hrtimer_expire_entry", *args)


def tasklet_entry(at_ns: int, function: str = "kbd_bh", on: Task = IDLE) -> Event:
    return _event(at_ns, on, "tasklet_entry", 0xE1000, function)


def tasklet_exit(at_ns: int, function: str = "kbd_bh", on: Task = IDLE) -> Event:
    return _event(at_ns, on, "tasklet_exit", 0xE1000, function)


def napi_poll(
    device: str,
    work_done: int = 1,
    budget: int = 64,
    on: Task = IDLE,
    *,
    at_ns: int = 1000,
    napi: int = 0xF1000,
) -> Event:
    return _event(at_ns, on, "napi_poll", napi, device, work_done, budget)


TGID = 77777777  # the process of every task: replay.c


def page_fault(at_ns: int, on: Task = SHELL, *, is_user: bool = True) -> Event:
    return _event(at_ns, on, "page_fault_user" if is_user else "page_fault_kernel", 0x7F0000)


def nmi(at_ns: int, handled: int = 1, on: Task = IDLE) -> Event:
    return _event(at_ns, on, "nmi_handler", 0xF2000, 900, handled)


def machine_check(at_ns: int, on: Task = IDLE) -> Event:
    return _event(at_ns, on, "mce_record", 0xF3000)


SIGINFO = 0xF4000


def generate(
    at_ns: int,
    signal: int,
    code: int = 0,
    to: Task = SHELL,
    on: Task = SHELL,
    *,
    info: int = SIGINFO,
    is_group: bool = True,
    result: int = 0,
) -> Event:
    args = (signal, info, code, to.pid, TGID, int(is_group), result)
    return _event(at_ns, on, "signal_generate", *args)


def deliver(
    at_ns: int,
    signal: int,
    code: int = 0,
    on: Task = SHELL,
    *,
    info: int = SIGINFO,
    fatal: int = 0,
) -> Event:
    return _event(at_ns, on, "signal_deliver", signal, info, code, fatal)


def sys_enter(at_ns: int, number: int, on: Task = SHELL) -> Event:
    return _event(at_ns, on, "sys_enter", number)


def sys_exit(at_ns: int, on: Task = SHELL, ret: int = 0) -> Event:
    return _event(at_ns, on, "sys_exit", ret)


def process_exit(at_ns: int, on: Task = SHELL) -> Event:
    return _event(at_ns, on, "sched_process_exit", 0xF5000)


def process_exec(at_ns: int, old_pid: int, on: Task = SHELL) -> Event:
    return _event(at_ns, on, "sched_process_exec", 0xF5000, old_pid)


NIC_THREAD = Task(0, 90, "irq/34-eth0")
NIC_THREAD_1 = Task(1, 90, "irq/34-eth0")
WAKE_THREAD = 2  # IRQ_WAKE_THREAD

RUNNING, INTERRUPTIBLE, UNINTERRUPTIBLE, DEAD = 0, 1, 2, 0x80


def address_of(task: Task) -> int:
    """As tests/native/harness.py has it."""
    return (0xF3 << 56) + 0x4000 * (task.pid or -1 - task.cpu)


def switch(
    at_ns: int, previous: Task, following: Task, state: int = RUNNING, *, is_preempted: bool = False
) -> Event:
    args = (int(is_preempted), address_of(previous), address_of(following), state)
    return _event(at_ns, previous, "sched_switch", *args)


# include/linux/smp_types.h
CSD_ASYNC, CSD_SYNC, CSD_IRQ_WORK, CSD_WAKEUP = 0x01, 0x11, 0x21, 0x30  # where it is queued
CSD_UNLOCKED = 0x00
CSD = 0xF8000

CALL_FUNCTION = "generic_smp_call_function_single_interrupt"


def csd_queue(
    at_ns: int,
    to: int = 1,
    function: str = "flush_tlb",
    on: Task = SHELL,
    *,
    callsite: str = "on_each_cpu",
    csd: int = CSD,
    flags: int = CSD_SYNC,
) -> Event:
    return _event(at_ns, on, "csd_queue_cpu", to, callsite, function, csd, flags)


def ipi_send(
    at_ns: int,
    to: int = 1,
    callback: str = CALL_FUNCTION,
    on: Task = SHELL,
    *,
    callsite: str = "on_each_cpu",
) -> Event:
    return _event(at_ns, on, "ipi_send_cpu", to, callsite, callback)


def ipi_send_all(
    at_ns: int, to: Iterable[int], on: Task = SHELL, *, callsite: str = "on_each_cpu"
) -> Event:
    mask = sum(1 << cpu for cpu in to)
    return _event(at_ns, on, "ipi_send_cpumask", mask, callsite, CALL_FUNCTION)


def csd_entry(
    at_ns: int,
    function: str = "flush_tlb",
    on: Task = IDLE_1,
    *,
    csd: int = CSD,
    flags: int = CSD_SYNC,
    following: Iterable[int] = (),
) -> Event:
    others = " ".join(map(hex, following))
    return _event(at_ns, on, "csd_function_entry", function, csd, flags, others)


def csd_exit(
    at_ns: int, function: str = "flush_tlb", on: Task = IDLE_1, *, csd: int = CSD
) -> Event:
    return _event(at_ns, on, "csd_function_exit", function, csd)
