"""Exceptions, as samples."""

from irqwatch.model.snapshot import Probe
from irqwatch.sink.prometheus.sheet import Sheet


def show_exceptions(sheet: Sheet, probe: Probe, *, by_cpu: bool) -> None:
    """By kind and CPU, else by kind."""
    samples = sheet.values["irqwatch_exceptions_total"]
    for counted in probe.exceptions:
        if by_cpu:
            samples.update({(counted.exception, str(cpu)): n for cpu, n in counted.cpus.items()})
        else:
            samples[counted.exception, ""] = sum(counted.cpus.values())
