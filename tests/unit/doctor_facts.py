"""A host on which doctor finds nothing wrong."""

from irqwatch.model.doctor import FileRead, HostFacts

FILES = {
    "interrupts": FileRead("/proc/interrupts", has_any=True),
    "softirqs": FileRead("/proc/softirqs", has_any=True),
    "cpu_times": FileRead("/proc/stat", has_any=True),
}


def hidden(*parts: str) -> dict[str, FileRead]:
    """The files, of which those of ``parts`` are masked."""
    return FILES | {
        part: FileRead(FILES[part].path, False, f"{FILES[part].path} is masked") for part in parts
    }


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
    files=FILES,
    container=None,
    irqbalance_pid=None,
    irq_time_accounting=True,
    has_terminal=True,
)
