"""What bpf/signal.c keeps: how long signals wait to be delivered."""

import struct
from collections.abc import Iterable
from signal import SIGRTMIN, Signals

from irqwatch.model.snapshot import SignalTime
from irqwatch.source import abi
from irqwatch.source.decode.losses import by_reason

ORIGINS = ("user", "timer", "exception", "kernel")
LOSSES = (
    "generate_map_full",
    "pending_map_full",
    "deliver_without_generate",
    "deliver_behind_another",
    "deliver_map_full",
)
KEY = "=IIQ"
WORDS = 2 + abi.WORSTS_WORDS + abi.HISTOGRAM_WORDS


def times(entries: Iterable[tuple[bytes, memoryview]], epoch: int) -> tuple[SignalTime, ...]:
    """One per (signal, origin, CPU), in the order of the signals' numbers, from the entries of
    ``signals``."""
    found = []
    for key, value in sorted(entries, key=lambda entry: struct.unpack(KEY, entry[0])):
        signal, origin, cpu = struct.unpack(KEY, key)
        found.append(
            SignalTime(
                signal=name(signal),
                origin=ORIGINS[origin],
                cpu=cpu,
                generated_count=value[0],
                dropped_count=value[1],
                latency=abi.histogram(value, 2 + abi.WORSTS_WORDS),
                worst_latency=abi.worst(value, 2, epoch, cpu),
            )
        )
    return tuple(found)


def name(signal: int) -> str:
    """As signal(7) has it: "SIGALRM", "SIGRTMIN+3"; "SIG32" for what libc keeps for itself."""
    try:
        return Signals(signal).name
    except ValueError:
        return f"SIGRTMIN+{signal - SIGRTMIN}" if signal > SIGRTMIN else f"SIG{signal}"


def losses(parts: Iterable[tuple[int, memoryview]]) -> dict[str, int]:
    """By reason, of all CPUs' struct signal_losses."""
    return by_reason(LOSSES, parts)
