"""irqwatch as its users run it: the command, in a process of its own."""

import contextlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.e2e.serving import HTTP, LIMIT_SECONDS

IRQWATCH = str(Path(sys.executable).with_name("irqwatch"))


@contextlib.contextmanager
def running(*words: str) -> Iterator[subprocess.Popen[str]]:
    """``irqwatch WORDS…``, killed at the end if it still runs."""
    process = subprocess.Popen(
        [IRQWATCH, *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=LIMIT_SECONDS)


def next_frame(top: subprocess.Popen[str]) -> Any:
    """The next line of ``top --json``."""
    assert top.stdout
    line = top.stdout.readline()
    assert line, f"irqwatch ended: {top.stderr.read() if top.stderr else ''}"
    return json.loads(line)


def count_of(frame: Any, name: str) -> int:
    """How often the sources called ``name`` came in that interval."""
    return sum(source["count"] for source in frame["sources"] if source["name"] == name)


@contextlib.contextmanager
def serving(*words: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """``irqwatch serve`` on a free port of loopback, and the address of its metrics."""
    options = ("--web.listen-address=127.0.0.1:0", "--min-interval=0")
    with running("serve", *options, *words) as server:
        assert server.stderr
        said = server.stderr.readline()
        found = re.search(r"listening on (\S+?)[;\s]", said + " ")
        assert found, said
        yield server, f"http://{found[1]}/metrics"


def scrape(address: str) -> dict[str, float]:
    """Samples by name with labels, as the exposition writes it."""
    with HTTP.open(address, timeout=LIMIT_SECONDS) as response:
        text = response.read().decode()
    samples = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            name, _, value = line.rpartition(" ")
            assert name not in samples, f"{name} is there twice"
            samples[name] = float(value)
    return samples


def total(samples: dict[str, float], metric: str, **labels: str) -> float:
    """The sum of a metric's samples that have ``labels``."""
    wanted = [f'{key}="{value}"' for key, value in labels.items()]
    return sum(
        value
        for name, value in samples.items()
        if name.partition("{")[0] == metric and all(label in name for label in wanted)
    )
