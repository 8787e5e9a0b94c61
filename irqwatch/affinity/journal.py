"""What was there before the first write, and each value that is about to be written.

A stream of JSON documents, one a line, that only grows:

    {"schema": 1, "time": …, "boot_id": …, "default_affinity": [0, 1], "lines": [{"irq": 34, …}]}
    {"irq": 34, "cpus": [1]}      about to be written, one before each write
    {"undone": true}              all of it was put back

Each is on the disk (fsync) before what it tells of is done. So however a run ends, the journal
knows every value that irqwatch may have left, and an undo can tell them from others. A last
line that was cut off tells of a write that was not begun.
"""

import contextlib
import errno
import json
import os
import stat
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from pathlib import Path

from irqwatch.errors import AffinityError
from irqwatch.model.plan import Move, Plan, PlannedLine

SCHEMA = 1
HEAD = b'{"schema": '  # how each begins
FOLDER = Path("/var/lib/irqwatch")


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """A line as it was."""

    line: PlannedLine
    requested: frozenset[int]
    effective: frozenset[int]


@dataclass(frozen=True, slots=True)
class Record:
    """What a journal holds. ``written`` are the values that may have been asked for, by line."""

    boot_id: str
    time: str  # RFC 3339, UTC
    default_affinity: frozenset[int]
    entries: tuple[JournalEntry, ...]
    written: Mapping[int, frozenset[frozenset[int]]] = field(default_factory=dict)
    undone: bool = False


class Journal:
    """An open journal; a context manager."""

    def __init__(self, path: Path, fd: int) -> None:
        self.path = path
        self._fd = fd

    def __enter__(self) -> "Journal":
        return self

    def __exit__(self, *exception: object) -> None:
        os.close(self._fd)

    def about_to_write(self, line: PlannedLine, cpus: frozenset[int]) -> None:
        """Raises AffinityError where it cannot be kept: then nothing may be written."""
        self._append({"irq": line.irq, "cpus": sorted(cpus)})

    def mark_undone(self) -> None:
        """All that was written has been put back or is no longer ours."""
        self._append({"undone": True})

    def _append(self, document: Mapping[str, object]) -> None:
        try:
            _write(self._fd, json.dumps(document, separators=(",", ":")))
        except OSError as error:
            raise _unwritable(self.path, error) from error


def create(path: Path, plan: Plan, default_affinity: frozenset[int], now_ns: int) -> Journal:
    """A new journal of ``plan``'s lines as they are, on the disk when this returns. FOLDER is made
    where it is missing, no other. Raises AffinityError."""
    document = {
        "schema": SCHEMA,
        "time": _time(now_ns),
        "hostname": plan.host.hostname,
        "boot_id": plan.host.boot_id,
        "default_affinity": sorted(default_affinity),
        "lines": [_line_document(move) for move in plan.moves],
    }
    try:
        if path.parent == FOLDER:
            FOLDER.mkdir(mode=0o700, exist_ok=True)
        fd = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        raise _exists(path) from None
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        _write(fd, json.dumps(document))
        _sync_folder(path.parent)
    except OSError as error:
        os.close(fd)
        with contextlib.suppress(OSError):
            path.unlink()
        raise _unwritable(path, error) from error
    return Journal(path, fd)


def check_new(path: Path) -> None:
    """Raises AffinityError where ``create`` would not take that name."""
    if os.path.lexists(path):
        raise _exists(path)
    if path.parent != FOLDER and not path.parent.is_dir():
        raise _unwritable(path, FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT)))


def reopen(path: Path) -> Journal:
    """To go on with a journal that another run left. Raises AffinityError."""
    try:
        return Journal(path, os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC))
    except OSError as error:
        raise AffinityError(f"{path}: {error.strerror}") from error


def new_path(now_ns: int, folder: Path = FOLDER) -> Path:
    """Names sort as their times do."""
    return folder / f"affinity-{_time(now_ns).replace(':', '').replace('-', '')}.json"


def latest(folder: Path = FOLDER) -> Path:
    """The newest journal that has not been undone. Raises AffinityError where there is none."""
    try:
        paths = sorted(folder.glob("affinity-*.json"), reverse=True)
    except OSError as error:
        raise AffinityError(f"{folder}: {error.strerror}") from error
    found = next((path for path in paths if not read(path).undone), None)
    if found is None:
        raise AffinityError(f"there is nothing to undo: {folder} has no journal that is not undone")
    return found


def read(path: Path) -> Record:
    """Raises AffinityError where it is no journal, or one that others than its owner could have
    changed: what it says is written to the kernel by root."""
    try:
        # Not waiting for whoever would write into a pipe.
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(fd, "rb") as file:
            status = os.fstat(fd)
            raw = file.read() if stat.S_ISREG(status.st_mode) else None
    except OSError as error:
        raise AffinityError(f"{path}: {error.strerror}") from error
    if raw is None:
        raise AffinityError(f"{path}: not a journal of irqwatch: not a file")
    if status.st_uid != os.geteuid() or status.st_mode & 0o022:
        raise AffinityError(f"{path} is not yours alone to write: not trusted; look at it first")
    try:
        return parse(raw)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise AffinityError(f"{path}: not a journal of irqwatch, or damaged") from error


def parse(raw: bytes) -> Record:
    """One that was cut off in its first line tells of no write: there is nothing to undo. Raises
    ValueError, KeyError, TypeError or AttributeError where it is no journal."""
    *rows, cut = raw.split(b"\n")
    if not rows:
        if not (HEAD.startswith(cut) or cut.startswith(HEAD)):
            raise ValueError("not the beginning of one")
        return Record("", "", frozenset(), (), undone=True)
    head, *rest = [json.loads(row) for row in rows]
    if head["schema"] != SCHEMA:
        raise ValueError("another schema")
    written: dict[int, frozenset[frozenset[int]]] = {}
    for document in rest:
        if "irq" in document:
            irq = _number(document["irq"])
            written[irq] = written.get(irq, frozenset()) | {_cpus(document["cpus"])}
    return Record(
        boot_id=str(head["boot_id"]),
        time=str(head["time"]),
        default_affinity=_cpus(head["default_affinity"]),
        entries=tuple(_entry(document) for document in head["lines"]),
        written=written,
        undone=any("undone" in document for document in rest),
    )


def _line_document(move: Move) -> dict[str, object]:
    before = {"requested": sorted(move.requested), "effective": sorted(move.effective)}
    return {**asdict(move.line), **before}


def _entry(document: Mapping[str, object]) -> JournalEntry:
    actions = document["actions"]
    if not isinstance(actions, list):
        raise TypeError("actions are a list")
    line = PlannedLine(
        irq=_number(document["irq"]),
        actions=tuple(str(action) for action in actions),
        hwirq=str(document["hwirq"]),
        device=str(document["device"]),
        controller=str(document.get("controller", "")),
    )
    return JournalEntry(line, _cpus(document["requested"]), _cpus(document["effective"]))


def _cpus(value: object) -> frozenset[int]:
    if not isinstance(value, list):
        raise TypeError("CPUs are a list")
    return frozenset(map(_number, value))


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError("not a number")
    return value


def _write(fd: int, row: str) -> None:
    raw = f"{row}\n".encode()
    _drop_cut_row(fd)
    if os.write(fd, raw) != len(raw):
        raise OSError(0, "No space left on device")
    os.fsync(fd)


def _drop_cut_row(fd: int) -> None:
    """What a full disk or a power cut left of a row: the next one behind it could not be read."""
    size = os.fstat(fd).st_size
    if size and (end := os.pread(fd, size, 0).rfind(b"\n") + 1) < size:
        os.ftruncate(fd, end)


def _sync_folder(folder: Path) -> None:
    """Makes the file's name as lasting as its content."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _exists(path: Path) -> AffinityError:
    return AffinityError(f"{path} exists already: give --journal another name")


def _unwritable(path: Path, error: OSError) -> AffinityError:
    return AffinityError(
        f"the journal {path} cannot be written: {error.strerror}; --journal names another place"
    )


def _time(wall_ns: int) -> str:
    moment = datetime.fromtimestamp(wall_ns // 10**9, timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
