"""A real Prometheus that scrapes a made-up host on which every counter grows."""

import contextlib
import itertools
import json
import shutil
import socket
import subprocess
import threading
import time
import urllib.parse
from dataclasses import replace

from irqwatch.collectors.blame import Blame
from irqwatch.collectors.exception import ExceptionCount
from irqwatch.collectors.ipi import IpiAsked, IpiSent
from irqwatch.collectors.signal import SignalTime
from irqwatch.collectors.syscall import SyscallTime
from irqwatch.collectors.tasklet import TaskletTime
from irqwatch.collectors.thread import ThreadTime
from irqwatch.model.histogram import Histogram
from irqwatch.model.snapshot import CountAndTime, Line, Program, Thread, Unavailable
from irqwatch.sink.http.listening import Tcp, listen
from irqwatch.sink.http.pages import Pages
from irqwatch.sink.http.server import Server
from irqwatch.sink.prometheus import Exporter
from tests.e2e.serving import HTTP, free_port
from tests.probes import with_parts
from tests.unit.sink.exported_hosts import SECOND_NS, large, worst

MISSING = "" if shutil.which("prometheus") else "prometheus is not installed"
LIMIT_SECONDS = 60

CONFIGURATION = """\
global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}
rule_files: ["{rules}"]
scrape_configs:
  - job_name: irqwatch
    static_configs: [{{targets: ["{target}"]}}]
"""


def host(turn):
    """The ``turn``-th snapshot: every metric has a sample, and what can grow has grown."""
    grown = large(2, 6, devices=2, works=3, scale=turn)
    programs = (Program("irq_entry", turn, turn, turn * SECOND_NS),)
    times = Histogram({13: turn}, 300 * turn)
    nmis = (
        Line("NMI", None, {0: turn}, description="Non-maskable interrupts"),
        Line("PMI", None, {0: turn}, description="Performance monitoring interrupts"),
    )
    return replace(
        grown,
        lines=(*grown.lines, *nmis),
        threads=(*grown.threads, Thread(99, "irq/3-x", "irq_thread", turn * SECOND_NS, irq=3)),
        probe=with_parts(
            grown.probe,
            programs=programs,
            losses={"hardirq": {"map_full": turn}},
            exceptions=(ExceptionCount("page_fault_user", {0: turn}),),
            signals=(SignalTime("SIGALRM", "timer", 0, turn, turn, times, worst(300)),),
            syscalls=(SyscallTime("read", 0, times, worst(300)),),
            tasklets=(TaskletTime("ata_sff", 0, times, worst(300)),),
            irq_threads=(ThreadTime(3, "dev1-q3", 0, times, times, worst(300), worst(300)),),
            blames=(
                Blame(9, "x", 5, "hardirq", "dev1-q3", 0, 3, "", CountAndTime(turn, turn * 100)),
            ),
            ipi_sent=(IpiSent("call", "flush_tlb_func", "on_each_cpu", 0, turn, turn),),
            ipi_asked=(
                IpiAsked("call", "flush_tlb_func", 1, turn, times, times, worst(300), worst(300)),
            ),
        ),
        cgroups={5: "/system.slice"},
        behind={"dev1": ("sda",)},
        unavailable=(Unavailable("softnet", "may not be read"),),
    )


@contextlib.contextmanager
def exporting():
    """Address of an exporter of ``host``, which is one turn further at each scrape."""
    turns = itertools.count(1)
    exporter = Exporter(host(1), ("hardirq", "softirq", "work"), "1.2.3")

    class Scrapes:
        """A turn further each time."""

        def refresh(self):
            exporter.update(host(next(turns)), {"hardirq": 1.0, "softirq": 0.9})
            return True

        def render(self, accept, query):
            return exporter.render(accept)

    ended = threading.Event()
    listener = listen(Tcp("127.0.0.1", 0))
    address = listener.getsockname()

    def serve():
        with Server([listener], Pages(Scrapes(), "/metrics", "", print).answer) as server:
            while not ended.is_set():
                server.turn()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"127.0.0.1:{address[1]}"
    finally:
        ended.set()
        with contextlib.suppress(OSError):
            socket.create_connection(address).close()
        thread.join()


def wait_for(condition, what):
    """What it gives as soon as that is true."""
    deadline = time.monotonic() + LIMIT_SECONDS
    while not (found := condition()):
        assert time.monotonic() < deadline, f"waited {LIMIT_SECONDS} s in vain for {what}"
        time.sleep(0.05)
    return found


class Prometheus:
    def __init__(self, address):
        self._address = address

    def query(self, expression):
        """The series that the expression gives now, or raises HTTPError."""
        return self._get(f"query?{urllib.parse.urlencode({'query': expression})}")["result"]

    def series(self, expression):
        """Those that it gives as soon as it gives any: a scrape may be missing, where the machine
        was too slow for it."""
        return wait_for(lambda: self.query(expression), expression)

    def rules(self):
        return [rule for group in self._get("rules")["groups"] for rule in group["rules"]]

    def _get(self, what):
        with HTTP.open(f"http://{self._address}/api/v1/{what}", timeout=LIMIT_SECONDS) as response:
            return json.load(response)["data"]

    def answers(self, expression):
        try:
            return bool(self.query(expression))
        except OSError:
            return False


@contextlib.contextmanager
def prometheus(folder, target, rules, *options):
    """One that has scraped ``target`` often enough for rates."""
    (folder / "prometheus.yml").write_text(CONFIGURATION.format(target=target, rules=rules))
    address = f"127.0.0.1:{free_port()}"
    log = folder / "log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [
                "prometheus",
                f"--config.file={folder}/prometheus.yml",
                f"--storage.tsdb.path={folder}/data",
                f"--web.listen-address={address}",
                *options,
            ],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        server = Prometheus(address)
        scraped = "count_over_time(irqwatch_build_info[1m]) >= 4"
        wait_for(lambda: process.poll() is not None or server.answers(scraped), scraped)
        assert process.poll() is None, log.read_text()
        yield server
    finally:
        process.kill()
        process.wait()
