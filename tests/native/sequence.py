"""Events by hand: a short function for each, and people and things to put in them."""

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
