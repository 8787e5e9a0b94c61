"""Names of the kernel's own threads that serve interrupts."""

import re
from dataclasses import dataclass

# kernel/softirq.c: "ksoftirqd/%u". kernel/irq/manage.c, setup_irq_thread: "irq/%d-%s", and
# "irq/%d-s-%s" of a secondary handler. The kernel cuts a name at 15 bytes; the number always fits.
_NAME = re.compile(r"ksoftirqd/(?P<cpu>\d{1,5})|irq/(?P<irq>\d{1,10})-.*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ThreadName:
    kind: str  # "ksoftirqd" or "irq_thread"
    cpu: int | None = None
    irq: int | None = None


def parse(name: str) -> ThreadName | None:
    """What a kernel thread of this name serves; None if no interrupt."""
    match = _NAME.fullmatch(name)
    if not match:
        return None
    if match["cpu"]:
        return ThreadName("ksoftirqd", cpu=int(match["cpu"]))
    return ThreadName("irq_thread", irq=int(match["irq"]))
