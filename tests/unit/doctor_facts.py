"""A host on which doctor finds nothing wrong."""

from irqwatch.model.doctor import HostFacts

HEALTHY = HostFacts(
    command="/opt/irqwatch/bin/irqwatch",
    os_name="Debian GNU/Linux 13 (trixie)",
    os_ids=("debian",),
    kernel="6.12.6-amd64",
    machine="x86_64",
    is_root=True,
    may_load_bpf=True,
    in_user_namespace=False,
    untraced={},
    lockdown="none",
    interpreter="/usr/bin/python3",
    bcc_version="0.31.0",
    bcc_error="",
    libbpf="libbpf.so.1",
    files={"/proc/interrupts": "ok", "/proc/softirqs": "ok"},
    container=None,
    irqbalance_pid=None,
    irq_time_accounting=True,
    has_terminal=True,
)
