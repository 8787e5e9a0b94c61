"""Every number that the advice turns on, each with its reason; ``--set`` overrides one."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from irqwatch.advise.problem import Weights
from irqwatch.errors import UsageError


@dataclass(frozen=True, slots=True)
class Threshold:
    name: str
    default: float
    unit: str
    why: str


_WEIGHTS = Weights()

THRESHOLDS = (
    Threshold(
        "numa_alpha",
        _WEIGHTS.alpha,
        "ratio",
        "an interrupt costs so much more for each 10 of node distance: remote cache misses",
    ),
    Threshold(
        "sibling",
        _WEIGHTS.sibling,
        "ratio",
        "of a sibling thread's load counts too: two threads do about 4/3 of the work of one",
    ),
    Threshold(
        "epsilon",
        _WEIGHTS.epsilon,
        "ratio",
        "a plan so much worse than the best is as good, if it moves fewer",
    ),
    Threshold(
        "idle_load",
        _WEIGHTS.idle_load,
        "share of a CPU",
        "an interrupt below this stays where it is: a move costs more than it gains",
    ),
    Threshold(
        "idle_rate",
        20,
        "interrupts/s",
        "the same where nothing is timed; at 50 us each it is 0.1 % of a CPU",
    ),
    Threshold(
        "min_gain",
        0.01,
        "share of a CPU",
        "the busiest CPU must gain more: less than 1 % is not seen by any program",
    ),
    Threshold(
        "min_gain_ratio",
        0.1,
        "ratio",
        "the same where nothing is timed: counts say little of cost, so a tenth at least",
    ),
    Threshold(
        "gain_spreads",
        1,
        "spreads",
        "and more than so many standard deviations of the busiest CPU over the windows",
    ),
    Threshold(
        "power_cap",
        0.3,
        "share of a CPU",
        "for power, interrupts are packed up to here: above it softirqs begin to wait",
    ),
    Threshold(
        "busy_cpu",
        0.05,
        "share of a CPU",
        "a CPU with less in interrupts has no trouble with them",
    ),
    Threshold(
        "full_cpu",
        0.95,
        "share of a CPU",
        "a CPU that is idle for less has no time left to give to packets",
    ),
    Threshold("busy_line", 0.01, "share of a CPU", "an interrupt with less is not worth a change"),
    Threshold(
        "softirq_bound",
        0.5,
        "share of a CPU",
        "softirqs that take half of a CPU leave tasks there to starve",
    ),
    Threshold(
        "elephant",
        0.6,
        "share of a device",
        "one queue with more of its device: the hash does not spread the flows",
    ),
    Threshold(
        "elephant_queues", 3, "queues", "with two queues 60 % on one of them is no great skew"
    ),
    Threshold(
        "ksoftirqd",
        0.2,
        "share of a CPU",
        "above it softirqs compete with tasks for the CPU, and wait",
    ),
    Threshold("squeezes", 10, "events/s", "less often than that, no packet waits for long"),
    Threshold("drops", 0.1, "packets/s", "each dropped packet is sent again by someone"),
    Threshold(
        "rps_rate", 1000, "interrupts/s", "at a lower rate steering packets costs next to nothing"
    ),
    Threshold("storm_rate", 20_000, "interrupts/s", "below it even a long handler leaves time"),
    Threshold("storm_ratio", 10, "ratio", "so far above its own average since boot"),
    Threshold(
        "storm_handler",
        5e-6,
        "seconds",
        "a handler so short does little: entering and leaving is most of the cost",
    ),
    Threshold(
        "not_mine",
        0.1,
        "share of a line",
        "of a shared line's calls are answered 'not mine' by one neighbour",
    ),
    Threshold(
        "timer_latency", 500e-6, "seconds", "a timer so late is noticed by audio, polling, trading"
    ),
    Threshold(
        "softirq_latency", 10e-3, "seconds", "longer than two ticks of most kernels (250 Hz)"
    ),
    Threshold("hardirq_max", 1e-3, "seconds", "no other interrupt of that CPU ran meanwhile"),
    Threshold("late_warning", 10, "ratio", "so far over these limits it is worth a warning"),
    Threshold(
        "idle_exit", 50, "microseconds", "waking up costs more than most handlers run (menu: C6)"
    ),
    Threshold(
        "task_share", 0.05, "share of a CPU", "a real-time task that takes less delays no thread"
    ),
)

BY_NAME = {threshold.name: threshold for threshold in THRESHOLDS}
DEFAULTS: Mapping[str, float] = {one.name: one.default for one in THRESHOLDS}


def chosen(assignments: Iterable[str]) -> dict[str, float]:
    """All thresholds by name, with those of ``NAME=VALUE`` texts. Raises UsageError."""
    values = dict(DEFAULTS)
    for text in assignments:
        name, sign, raw = text.partition("=")
        if not sign:
            raise UsageError(f"--set {text}: give NAME=VALUE")
        if name not in BY_NAME:
            raise UsageError(f"--set {text}: no such threshold; irqwatch advise --list has them")
        try:
            value = float(raw)
        except ValueError:
            value = math.nan
        if not (math.isfinite(value) and value >= 0):
            raise UsageError(f"--set {text}: give a number that is not negative")
        values[name] = value
    return values


def weights(values: Mapping[str, float], idle: float) -> Weights:
    """``idle`` is in the unit of the loads."""
    return Weights(values["numa_alpha"], values["sibling"], values["epsilon"], idle)
