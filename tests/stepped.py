"""A host whose files change with each reading: FIFOs that give the next text to each who opens
them, so that an interval counts exactly what a test says."""

import contextlib
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from itertools import count
from pathlib import Path

Text = Callable[[int], str]  # of the k-th reading, from 0


def grows(row: str, *steps: int) -> Text:
    """``row`` with a ``{}`` for each counter, which starts at 1,000 and grows by its step."""
    return lambda k: row.format(*(1_000 + k * step for step in steps))


def alternates(first: str, second: str) -> Text:
    return lambda k: second if k % 2 else first


@contextlib.contextmanager
def stepped(root: Path, files: Mapping[str, Text]) -> Iterator[Path]:
    """Serves ``files``, paths under ``root``, for as long as it is open."""
    over = threading.Event()
    threads = [
        threading.Thread(target=_serve, args=(root / name, text, over), daemon=True)
        for name, text in files.items()
    ]
    for name in files:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        _fresh(root / name)
    for thread in threads:
        thread.start()
    try:
        yield root
    finally:
        over.set()
        for name, thread in zip(files, threads, strict=True):
            while thread.is_alive():  # it may be about to wait for a reader
                os.close(os.open(root / name, os.O_RDONLY | os.O_NONBLOCK))
                thread.join(0.01)


def _fresh(path: Path) -> None:
    """Takes the place of the one before, so that two who open it never share one."""
    beside = path.with_name(f"{path.name}.fresh")
    os.mkfifo(beside)
    beside.chmod(0o644)
    beside.rename(path)


def _serve(path: Path, text: Text, over: threading.Event) -> None:
    for k in count():
        with path.open("wb", buffering=0) as fifo, contextlib.suppress(BrokenPipeError):
            _fresh(path)
            if over.is_set():
                return
            left = text(k).encode()
            while left:
                left = left[fifo.write(left) :]
