"""What a finding says to do, as it is typed into a shell, or in words where no command does it."""

from collections.abc import Iterable
from functools import singledispatch

from irqwatch.model import action as do
from irqwatch.model.action import Action
from irqwatch.sink.advise import text


@singledispatch
def typed(action: Action) -> str:
    """A function for each kind."""
    raise TypeError(f"no command for {type(action).__name__}")


def _mask_into(path: str, cpus: Iterable[int]) -> str:
    return f"echo {text.mask(cpus)} > {path}"


def _rps_file(device: str, queue: int) -> str:
    return f"/sys/class/net/{device}/queues/rx-{queue}/rps_cpus"


@typed.register
def _set_affinity(action: do.SetAffinity) -> str:
    return f"echo {text.cpus(action.cpus)} > /proc/irq/{action.irq}/smp_affinity_list"


@typed.register
def _ask_for_other_cpu(_: do.AskForOtherCpu) -> str:
    return "ask for another CPU: this one may have no vector left"


@typed.register
def _set_default_affinity(action: do.SetDefaultAffinity) -> str:
    return _mask_into("/proc/irq/default_smp_affinity", action.cpus)


@typed.register
def _set_rps(action: do.SetRps) -> str:
    return _mask_into(_rps_file(action.device, action.queue), action.cpus)


@typed.register
def _set_rps_instead(action: do.SetRpsInstead) -> str:
    command = _mask_into(_rps_file(action.device, action.queue), action.cpus)
    return f"{command}  # where it can have no more"


@typed.register
def _set_xps(action: do.SetXps) -> str:
    path = f"/sys/class/net/{action.device}/queues/tx-{action.queue}/xps_cpus"
    return _mask_into(path, action.cpus)


@typed.register
def _show_queues(action: do.ShowQueues) -> str:
    return f"ethtool -l {action.device}  # shows the most it can have"


def _combined(device: str, queues: int | str) -> str:
    return f"ethtool -L {device} combined {queues}"


@typed.register
def _set_queues(action: do.SetQueues) -> str:
    return _combined(action.device, action.queues)


@typed.register
def _cut_queues(action: do.CutQueues) -> str:
    return f"{_combined(action.device, action.queues)}  # takes the link down for a moment"


@typed.register
def _free_vectors(action: do.FreeVectors) -> str:
    return f"{_combined(action.device, 'N')}  # fewer queues need fewer vectors"


@typed.register
def _give_guest_queues(action: do.GiveGuestQueues) -> str:
    driver, whose = {"net": ("vhost", "interface"), "block": ("qemu", "disk")}[action.device_kind]
    return f"on the host: <driver name='{driver}' queues='N'/> in the {whose}'s XML"


@typed.register
def _use_given_queues(action: do.UseGivenQueues) -> str:
    return f"then here: {_combined(action.device, action.queues)}"


@typed.register
def _show_nvme_queues(action: do.ShowNvmeQueues) -> str:
    return f"nvme get-feature /dev/{action.device} -f 7 -H  # how many the controller grants"


@typed.register
def _free_nvme_queues(_: do.FreeNvmeQueues) -> str:
    return "boot with nvme.poll_queues=0 nvme.write_queues=0, where those take some"


@typed.register
def _show_hash(action: do.ShowHash) -> str:
    return f"ethtool -x {action.device}  # the table and key of its hash"


@typed.register
def _spread_hash(action: do.SpreadHash) -> str:
    return f"ethtool -X {action.device} equal {action.queues}"


@typed.register
def _hash_udp_ports(action: do.HashUdpPorts) -> str:
    return f"ethtool -N {action.device} rx-flow-hash udp4 sdfn  # where it is UDP"


@typed.register
def _reset_hash(action: do.ResetHash) -> str:
    return f"ethtool -X {action.device} default"


@typed.register
def _show_unhandled(action: do.ShowUnhandled) -> str:
    return f"cat /proc/irq/{action.irq}/spurious"


@typed.register
def _update_driver(_: do.UpdateDriver) -> str:
    return "update the driver or the firmware of the devices on the line"


@typed.register
def _show_coalescing(action: do.ShowCoalescing) -> str:
    return f"ethtool -c {action.device}  # as it is"


@typed.register
def _set_adaptive(action: do.SetAdaptive) -> str:
    return f"ethtool -C {action.device} adaptive-rx {'on' if action.on else 'off'}"


@typed.register
def _ask_device_less(_: do.AskDeviceLess) -> str:
    return "look at what the device is asked to do: it interrupts once for each"


@typed.register
def _set_threaded(action: do.SetThreaded) -> str:
    return f"echo {action.on:d} > /sys/class/net/{action.device}/threaded"


@typed.register
def _show_pci(_: do.ShowPci) -> str:
    return "lspci -vv  # which of them could use MSI; then the driver's option for it"


@typed.register
def _part_devices(_: do.PartDevices) -> str:
    return "move a card to another slot, or unbind the driver that nobody needs"


@typed.register
def _set_priority(action: do.SetPriority) -> str:
    policy = f"-f -p {action.priority}" if action.priority else "-o -p 0"
    return f"chrt {policy} {action.pid}"


@typed.register
def _set_wake_limit(action: do.SetWakeLimit) -> str:
    path = f"/sys/devices/system/cpu/cpu{action.cpu}/power/pm_qos_resume_latency_us"
    return f"echo {action.limit_us} > {path}"


@typed.register
def _trace_slower(action: do.TraceSlower) -> str:
    of_line = f" --irq {action.irq}" if action.irq is not None else ""
    slower = text.seconds(action.slower_s).replace(" ", "")
    return f"irqwatch trace --cpu {action.cpu}{of_line} --slower {slower}  # as they happen"


@typed.register
def _boot_isolated(action: do.BootIsolated) -> str:
    managed = "managed_irq," if action.managed else ""
    return f"boot with isolcpus={managed}domain,{text.cpus(action.cpus)}"


@typed.register
def _set_irqbalance(action: do.SetIrqbalance) -> str:
    return f"systemctl {'start' if action.on else 'stop'} irqbalance"


@typed.register
def _ban_irqs(action: do.BanIrqs) -> str:
    bans = " ".join(f"--banirq={irq}" for irq in action.irqs)
    return f"or add to its options, in /etc/default/irqbalance: {bans}"


@typed.register
def _show_kernel_log(_: do.ShowKernelLog) -> str:
    return "dmesg | grep -i -e affinity -e vector  # irqwatch does not read the kernel's log"


@typed.register
def _set_sysctl(action: do.SetSysctl) -> str:
    return f"sysctl -w {action.name}={action.value}"


@typed.register
def _set_flow_limit(action: do.SetFlowLimit) -> str:
    return _mask_into("/proc/sys/net/core/flow_limit_cpu_bitmap", action.cpus)
