"""Work functions: some on every CPU, most on a few; most seldom, a few often."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from tests.scale.histograms import Shape

# Those that run everywhere, with their queue and how often a second on each CPU.
ON_EVERY_CPU = (
    ("vmstat_update", "mm_percpu_wq", 1.0),
    ("lru_add_drain_per_cpu", "mm_percpu_wq", 0.02),
    ("drain_local_stock", "events", 0.2),
    ("kfree_rcu_monitor", "events", 0.5),
    ("blk_mq_run_work_fn", "kblockd", 8.0),
    ("wait_rcu_exp_gp", "rcu_gp", 0.05),
)

ELSEWHERE = {
    "events": ("psi_avgs_work", "free_work", "cgroup1_release_agent", "key_garbage_collector"),
    "events_unbound": ("flush_to_ldisc", "call_usermodehelper_exec_work", "idle_cull_fn"),
    "events_power_efficient": ("neigh_periodic_work", "check_lifetime", "gc_worker [nf_conntrack]"),
    "writeback": ("wb_workfn", "wb_update_bandwidth_workfn"),
    "kblockd": ("blk_mq_timeout_work", "blk_mq_requeue_work"),
    "xfs-conv/dm-0": ("xfs_end_io [xfs]",),
    "xfs-sync/dm-0": ("xfs_log_worker [xfs]",),
    "nvme-wq": ("nvme_scan_work [nvme_core]", "nvme_async_event_work [nvme_core]"),
    "kcryptd-253:0-1": ("kcryptd_crypt [dm_crypt]",),
    "md_misc": ("md_submit_flush_data [md_mod]",),
}
FOR_EACH_NIC = (
    "mlx5e_tx_dim_work [mlx5_core]",
    "mlx5e_rx_dim_work [mlx5_core]",
    "mlx5e_update_stats_work [mlx5_core]",
    "cmd_work_handler [mlx5_core]",
    "health_recover_work [mlx5_core]",
)
BUSIEST = 300.0  # a second on one CPU

LATENCIES = tuple(Shape(median_ns, 0.8) for median_ns in (3_000, 7_000, 30_000))
RUNS = tuple(Shape(median_ns, 0.6) for median_ns in (1_000, 5_000, 40_000, 200_000))


@dataclass(frozen=True, slots=True)
class Work:
    function: str
    workqueue: str
    cpus: tuple[int, ...]
    rate: float  # a second on each of ``cpus``
    latency: Shape
    run: Shape


def works(cpus: int, rng: Random) -> tuple[Work, ...]:
    """In order of function and queue."""
    everywhere = tuple(range(cpus))
    found = [
        _work(function, queue, everywhere, rate, rng) for function, queue, rate in ON_EVERY_CPU
    ]
    # A small virtual machine runs some thirty in a minute, a large server a hundred.
    for function, queue in _elsewhere(min(100, 30 + cpus) - len(found)):
        some = rng.sample(everywhere, min(cpus, rng.randint(1, 16)))
        rate = min(BUSIEST, 0.05 * rng.paretovariate(0.5))
        found.append(_work(function, queue, tuple(sorted(some)), rate, rng))
    return tuple(sorted(found, key=lambda work: (work.function, work.workqueue)))


def _elsewhere(number: int) -> Iterator[tuple[str, str]]:
    named = [(function, queue) for queue, held in ELSEWHERE.items() for function in held]
    yield from named[:number]
    for index in range(number - len(named)):
        nic, which = divmod(index, len(FOR_EACH_NIC))
        yield FOR_EACH_NIC[which], f"mlx5_wq_{nic}"


def _work(function: str, queue: str, cpus: tuple[int, ...], rate: float, rng: Random) -> Work:
    return Work(
        function=function,
        workqueue=queue,
        cpus=cpus,
        rate=rate,
        latency=rng.choice(LATENCIES),
        run=rng.choice(RUNS),
    )
