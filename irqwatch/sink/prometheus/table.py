"""Every metric of irqwatch: its name as scraped, type, labels and help. docs/metrics.md is held to
this table by a test."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["counter", "gauge", "histogram", "info"]


@dataclass(frozen=True, slots=True)
class Metric:
    name: str
    kind: Kind
    labels: tuple[str, ...]
    help: str


LINE = ("irq", "action", "device")
WORK = ("function", "workqueue")
CAUSED = (*LINE, "kind", "name")
SIGNAL = ("signal", "origin")
PREEMPT_RT = "On PREEMPT_RT, where softirqs can be preempted, it is wall time."

METRICS = (
    Metric(
        "irqwatch_hardirq_duration_seconds",
        "histogram",
        LINE,
        "Time a handler took for one hard interrupt that it handled.",
    ),
    Metric(
        "irqwatch_hardirq_duration_max_seconds",
        "gauge",
        LINE,
        "Longest hard interrupt seen in the last one to two minutes.",
    ),
    Metric(
        "irqwatch_hardirq_seconds_total",
        "counter",
        ("cpu",),
        "Time a CPU spent in hard interrupt handlers, those that were not mine included.",
    ),
    Metric(
        "irqwatch_hardirq_not_mine_total",
        "counter",
        LINE,
        "Hard interrupts that a handler answered with IRQ_NONE: another device's on a shared line.",
    ),
    Metric(
        "irqwatch_hardirq_not_mine_seconds_total",
        "counter",
        LINE,
        "Time a handler took to say that an interrupt was not its own.",
    ),
    Metric(
        "irqwatch_interrupts_total",
        "counter",
        (*LINE, "cpu"),
        "Interrupts as the kernel itself counts them in /proc/interrupts.",
    ),
    Metric(
        "irqwatch_irq_thread_cpu_seconds_total",
        "counter",
        ("irq", "device"),
        "CPU time of the threads that handle interrupts outside of interrupt context.",
    ),
    Metric(
        "irqwatch_softirq_latency_seconds",
        "histogram",
        ("vector",),
        "Time from the oldest raise not yet served to the run of a softirq.",
    ),
    Metric(
        "irqwatch_softirq_latency_max_seconds",
        "gauge",
        ("vector",),
        "Longest wait of a softirq seen in the last one to two minutes.",
    ),
    Metric(
        "irqwatch_softirq_duration_seconds",
        "histogram",
        ("vector",),
        "Run time of a softirq without the hard interrupts inside it. " + PREEMPT_RT,
    ),
    Metric(
        "irqwatch_softirq_duration_max_seconds",
        "gauge",
        ("vector",),
        "Longest run of a softirq seen in the last one to two minutes. " + PREEMPT_RT,
    ),
    Metric(
        "irqwatch_softirq_seconds_total",
        "counter",
        ("vector", "cpu"),
        "Time a CPU spent in a softirq vector without the hard interrupts inside. " + PREEMPT_RT,
    ),
    Metric(
        "irqwatch_softirqs_total",
        "counter",
        ("vector", "cpu"),
        "Softirqs as the kernel itself counts them in /proc/softirqs.",
    ),
    Metric(
        "irqwatch_ksoftirqd_softirqs_total",
        "counter",
        ("vector",),
        "Softirqs that ran in ksoftirqd, not inline.",
    ),
    Metric(
        "irqwatch_ksoftirqd_softirq_seconds_total",
        "counter",
        ("vector",),
        "The part of the softirqs' run time that ran in ksoftirqd. " + PREEMPT_RT,
    ),
    Metric(
        "irqwatch_inline_softirqs_total",
        "counter",
        ("vector", "after"),
        "Softirqs that ran inline, right after an interrupt or in a task.",
    ),
    Metric(
        "irqwatch_inline_softirq_seconds_total",
        "counter",
        ("vector", "after"),
        "The part of the softirqs' run time that ran inline. " + PREEMPT_RT,
    ),
    Metric(
        "irqwatch_softirq_restarts_total",
        "counter",
        ("vector",),
        "Inline runs that began another round of the same batch; ten rounds wake ksoftirqd.",
    ),
    Metric(
        "irqwatch_ksoftirqd_cpu_seconds_total",
        "counter",
        ("cpu",),
        "CPU time of the ksoftirqd thread of a CPU.",
    ),
    Metric(
        "irqwatch_softnet_processed_total",
        "counter",
        ("cpu",),
        "Packets a CPU took from its queues (/proc/net/softnet_stat).",
    ),
    Metric(
        "irqwatch_softnet_dropped_total",
        "counter",
        ("cpu",),
        "Packets dropped because the backlog of a CPU was full.",
    ),
    Metric(
        "irqwatch_softnet_time_squeezed_total",
        "counter",
        ("cpu",),
        "Times NET_RX stopped with work left, its budget or time used up.",
    ),
    Metric(
        "irqwatch_work_latency_seconds",
        "histogram",
        WORK,
        "Time from queueing to start of a work item.",
    ),
    Metric(
        "irqwatch_work_latency_max_seconds",
        "gauge",
        WORK,
        "Longest wait of a work item seen in the last one to two minutes.",
    ),
    Metric(
        "irqwatch_work_duration_seconds",
        "histogram",
        WORK,
        "Time from start to end of a work item, sleeping included.",
    ),
    Metric(
        "irqwatch_work_duration_max_seconds",
        "gauge",
        WORK,
        "Longest run of a work item seen in the last one to two minutes.",
    ),
    Metric(
        "irqwatch_work_stalls_total",
        "counter",
        WORK,
        "Work items that had to wait because their workqueue was at max_active.",
    ),
    Metric(
        "irqwatch_work_stall_seconds_total",
        "counter",
        WORK,
        "Time that work items waited because their workqueue was at max_active.",
    ),
    Metric(
        "irqwatch_vector_duration_seconds",
        "histogram",
        ("vector",),
        "Time that one of the architecture's own interrupts took: the local timer's, other CPUs'.",
    ),
    Metric(
        "irqwatch_vector_duration_max_seconds",
        "gauge",
        ("vector",),
        "Longest such interrupt seen in the last one to two minutes.",
    ),
    Metric(
        "irqwatch_vector_seconds_total",
        "counter",
        ("cpu",),
        "Time a CPU spent in the architecture's own interrupts.",
    ),
    Metric(
        "irqwatch_caused_total",
        "counter",
        CAUSED,
        "Softirqs, runs of its thread and work items that an interrupt caused.",
    ),
    Metric(
        "irqwatch_caused_seconds_total",
        "counter",
        CAUSED,
        "Run time of the softirqs, the thread and the work items that an interrupt caused.",
    ),
    Metric(
        "irqwatch_timer_latency_seconds",
        "histogram",
        ("cpu", "mode"),
        "Time from the expiry of a timer to when the kernel ran it: how late the CPU answers.",
    ),
    Metric(
        "irqwatch_timer_latency_max_seconds",
        "gauge",
        ("cpu", "mode"),
        "Latest timer seen in the last one to two minutes.",
    ),
    Metric(
        "irqwatch_timer_early_total",
        "counter",
        ("cpu", "mode"),
        "Timers that fired before their expiry, in the slack that they allow.",
    ),
    Metric(
        "irqwatch_tasklet_duration_seconds",
        "histogram",
        ("function",),
        "Run time of a tasklet without the hard interrupts inside it.",
    ),
    Metric(
        "irqwatch_tasklet_duration_max_seconds",
        "gauge",
        ("function",),
        "Longest run of a tasklet seen in the last one to two minutes.",
    ),
    Metric(
        "irqwatch_napi_polls_total",
        "counter",
        ("device",),
        "Polls of a network device.",
    ),
    Metric(
        "irqwatch_napi_packets_total",
        "counter",
        ("device",),
        "Work that the polls of a network device did, in packets as its driver counts them.",
    ),
    Metric(
        "irqwatch_napi_budget_exhausted_total",
        "counter",
        ("device",),
        "Polls of a network device that used up their budget: there was more to do.",
    ),
    Metric(
        "irqwatch_exceptions_total",
        "counter",
        ("exception", "cpu"),
        "Exceptions that a CPU took: page faults, NMIs, records of machine checks.",
    ),
    Metric(
        "irqwatch_signal_latency_seconds",
        "histogram",
        SIGNAL,
        "Time from the generation of a signal to its delivery.",
    ),
    Metric(
        "irqwatch_signal_latency_max_seconds",
        "gauge",
        SIGNAL,
        "Longest wait of a signal seen in the last one to two minutes.",
    ),
    Metric(
        "irqwatch_signals_generated_total",
        "counter",
        SIGNAL,
        "Signals generated, by what sent them.",
    ),
    Metric(
        "irqwatch_signals_dropped_total",
        "counter",
        SIGNAL,
        "Signals that were ignored, were pending already, or found no room in the queue.",
    ),
    Metric(
        "irqwatch_syscall_duration_seconds",
        "histogram",
        ("syscall",),
        "Time from start to end of a system call, sleeping included.",
    ),
    Metric(
        "irqwatch_syscall_duration_max_seconds",
        "gauge",
        ("syscall",),
        "Longest system call seen in the last one to two minutes.",
    ),
    Metric(
        "irqwatch_irq_thread_latency_seconds",
        "histogram",
        LINE,
        "Time from the wake by its handler to the run of the thread of an interrupt.",
    ),
    Metric(
        "irqwatch_irq_thread_latency_max_seconds",
        "gauge",
        LINE,
        "Longest such wait seen in the last one to two minutes.",
    ),
    Metric(
        "irqwatch_irq_thread_duration_seconds",
        "histogram",
        LINE,
        "Time on a CPU that the thread of an interrupt took from one wait for it to the next.",
    ),
    Metric(
        "irqwatch_irq_thread_duration_max_seconds",
        "gauge",
        LINE,
        "Longest such run seen in the last one to two minutes.",
    ),
    Metric(
        "irqwatch_blamed_seconds_total",
        "counter",
        ("cgroup", "kind", "device"),
        "Time that interrupts and inline softirqs took from the tasks of a cgroup.",
    ),
    Metric(
        "irqwatch_coverage_ratio",
        "gauge",
        ("collector",),
        "Events seen by the probe divided by those the kernel counted: 1 is all of them.",
    ),
    Metric(
        "irqwatch_lost_events_total",
        "counter",
        ("collector", "reason"),
        "Events that the probe saw and could not use.",
    ),
    Metric(
        "irqwatch_program_recursion_misses_total",
        "counter",
        ("program",),
        "Runs of a BPF program that the kernel skipped because it was running on that CPU already.",
    ),
    Metric(
        "irqwatch_program_runs_total",
        "counter",
        ("program",),
        "Runs of a BPF program while kernel.bpf_stats_enabled was set.",
    ),
    Metric(
        "irqwatch_program_run_seconds_total",
        "counter",
        ("program",),
        "Time spent in a BPF program while kernel.bpf_stats_enabled was set.",
    ),
    Metric(
        "irqwatch_collector_success",
        "gauge",
        ("collector",),
        "1 if this part of the picture could be had, 0 if not.",
    ),
    Metric(
        "irqwatch_collector_duration_seconds",
        "gauge",
        ("collector",),
        "Time it took to read this part for this scrape.",
    ),
    Metric(
        "irqwatch_unavailable_info",
        "info",
        ("part", "reason"),
        "A part of the picture that cannot be had, and why.",
    ),
    Metric(
        "irqwatch_build_info",
        "info",
        ("version", "python"),
        "The version of irqwatch and of the Python that runs it.",
    ),
)
