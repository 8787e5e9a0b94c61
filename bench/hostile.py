"""``python bench/hostile.py``: one honest scrape a second beside clients that are not.

Prints for each attack how many honest scrapes failed, the longest that one waited, and what the
server had in memory and open files at most; the same of node_exporter where it is installed. All
of it on loopback, each attack for a few seconds. Exit code 0 whatever the figures: a bench informs.
"""

import argparse
import asyncio
import contextlib
import multiprocessing
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.e2e.serving import free_port, serving

HONEST = 10  # scrapes for each attack, one a second
GET = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
TLS_HELLO = bytes.fromhex("160301020001000001fc0303") + bytes(500)
PATIENCE_SECONDS = 10

Address = tuple[str, int]
Attack = Callable[[Address], Awaitable[None]]


async def connected(address: Address) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection(*address)


@contextlib.asynccontextmanager
async def held(
    address: Address, count: int, sent: bytes = b""
) -> AsyncIterator[list[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]:
    """So many connections, of which each has sent that."""
    clients = [await connected(address) for _ in range(count)]
    for _, writer in clients:
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(sent)
    try:
        yield clients
    finally:
        for _, writer in clients:
            writer.close()


async def idle(address: Address) -> None:
    while True:
        async with held(address, 300):
            await asyncio.sleep(5)


async def byte_a_second(address: Address) -> None:
    async with held(address, 100) as clients:
        for byte in GET:
            for _, writer in clients:
                with contextlib.suppress(OSError):
                    writer.write(bytes([byte]))
            await asyncio.sleep(1)


async def never_read(address: Address) -> None:
    while True:
        async with held(address, 100, GET):
            await asyncio.sleep(3)


async def half_closed(address: Address) -> None:
    while True:
        async with held(address, 100, GET) as clients:
            for _, writer in clients:
                with contextlib.suppress(OSError):
                    writer.write_eof()
            await asyncio.sleep(2)


async def large_headers(address: Address) -> None:
    async def one() -> None:
        while True:
            with contextlib.suppress(OSError):
                _, writer = await connected(address)
                writer.write(b"GET /metrics HTTP/1.1\r\nX: " + b"x" * (10 << 20))
                await writer.drain()
                writer.close()

    await asyncio.gather(*(one() for _ in range(10)))


async def pipelining(address: Address) -> None:
    async def one() -> None:
        while True:
            with contextlib.suppress(OSError):
                reader, writer = await connected(address)
                writer.write(GET * 100)
                await reader.read()
                writer.close()

    await asyncio.gather(*(one() for _ in range(5)))


async def tls_hellos(address: Address) -> None:
    async def one() -> None:
        while True:
            with contextlib.suppress(OSError):
                reader, writer = await connected(address)
                writer.write(TLS_HELLO)
                await asyncio.wait_for(reader.read(), 1)
                writer.close()

    await asyncio.gather(*(one() for _ in range(50)), return_exceptions=True)


async def churn(address: Address) -> None:
    for _ in range(10_000):
        with contextlib.suppress(OSError):
            _, writer = await connected(address)
            writer.close()


async def held_and_churn(address: Address) -> None:
    async with held(address, 200):
        await churn(address)


async def never_read_and_churn(address: Address) -> None:
    async with held(address, 70, GET):
        await churn(address)


async def looping_scrapers(address: Address) -> None:
    async def one() -> None:
        while True:
            with contextlib.suppress(OSError):
                reader, writer = await connected(address)
                writer.write(GET)
                await reader.read()
                writer.close()

    await asyncio.gather(*(one() for _ in range(500)))


ATTACKS: dict[str, Attack] = {
    "nobody else": lambda _: asyncio.sleep(0),
    "300 idle connections": idle,
    "100 that send a byte a second": byte_a_second,
    "100 that never read": never_read,
    "100 half-closed": half_closed,
    "10 with headers of 10 MB": large_headers,
    "5 that pipeline 100 requests": pipelining,
    "50 TLS hellos on the plain port": tls_hellos,
    "churn of 10,000": churn,
    "200 held and churn": held_and_churn,
    "70 that never read and churn": never_read_and_churn,
    "500 looping scrapers": looping_scrapers,
}


def attack(name: str, address: Address) -> None:
    """In a process of its own, ended by who started it."""
    with contextlib.suppress(OSError, asyncio.TimeoutError):
        asyncio.run(ATTACKS[name](address))  # type: ignore[arg-type]
    time.sleep(PATIENCE_SECONDS * HONEST)


@dataclass
class Told:
    failed: int = 0
    longest_seconds: float = 0.0
    resident_bytes: int = 0
    open_files: int = 0
    why: str = ""


def scrape(address: Address) -> None:
    """Raises OSError, ValueError."""
    done = subprocess.run(
        ["curl", "--silent", "--show-error", "--fail", "--noproxy", "*", "--output", "/dev/null",
         "--max-time", str(PATIENCE_SECONDS), f"http://{address[0]}:{address[1]}/metrics"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise OSError(done.stderr.strip())


def under(name: str, address: Address, server: psutil.Process) -> Told:
    told = Told()
    attacker = multiprocessing.Process(target=attack, args=(name, address), daemon=True)
    attacker.start()
    try:
        time.sleep(1)
        for _ in range(HONEST):
            began = time.monotonic()
            try:
                scrape(address)
            except (OSError, ValueError) as error:
                told.failed += 1
                told.why = str(error)
            took = time.monotonic() - began
            told.longest_seconds = max(told.longest_seconds, took)
            told.resident_bytes = max(told.resident_bytes, server.memory_info().rss)
            told.open_files = max(told.open_files, server.num_fds())
            time.sleep(max(0.0, 1 - took))
    finally:
        attacker.kill()
        attacker.join()
    return told


@contextlib.contextmanager
def ours() -> Iterator[tuple[Address, psutil.Process]]:
    with serving("--min-interval=1") as server:  # as it is by itself; tests ask for 0
        host, _, port = server.address.rpartition(":")
        yield (host, int(port)), psutil.Process(server.process.pid)


@contextlib.contextmanager
def node_exporter(command: str) -> Iterator[tuple[Address, psutil.Process]]:
    address = ("127.0.0.1", free_port())
    enabled = ("interrupts", "softirqs", "stat", "softnet")
    process = subprocess.Popen(
        [command, "--collector.disable-defaults", *(f"--collector.{name}" for name in enabled),
         f"--web.listen-address=127.0.0.1:{address[1]}"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        for _ in range(200):
            with contextlib.suppress(OSError):
                scrape(address)
                break
            time.sleep(0.05)
        yield address, psutil.Process(process.pid)
    finally:
        process.kill()
        process.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", action="append", choices=sorted(ATTACKS), help="this attack")
    chosen = parser.parse_args().only or list(ATTACKS)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 4096)), hard))
    servers = {"irqwatch": ours}
    peer = shutil.which("prometheus-node-exporter") or shutil.which("node_exporter")
    if peer:
        servers["node_exporter"] = lambda: node_exporter(peer)
    else:
        print("node_exporter is not installed: irqwatch alone")
    print(f"{'attack':34}{'server':15}{'failed':>9}{'longest':>10}{'resident':>11}{'files':>7}")
    for name in chosen:
        for server, start in servers.items():
            with start() as (address, process):
                told = under(name, address, process)
            print(
                f"{name:34}{server:15}{told.failed:>4} / {HONEST:<2}"
                f"{told.longest_seconds:>8.2f} s{told.resident_bytes / 1e6:>8.1f} MB"
                f"{told.open_files:>7}  {told.why}",
                flush=True,
            )


if __name__ == "__main__":
    os.nice(-5) if os.geteuid() == 0 else None
    main()
