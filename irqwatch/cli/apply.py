"""``irqwatch advise --apply`` and ``--undo``: ask, journal, write, verify, measure again, and put
back where that is worse or nobody confirms it."""

import contextlib
import select
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import click

from irqwatch import clock
from irqwatch.cli.options import seconds
from irqwatch.errors import AffinityError
from irqwatch.model.plan import Plan
from irqwatch.model.snapshot import Snapshot
from irqwatch.parse import cpumask
from irqwatch.sink.advise import words
from irqwatch.sink.affinity import check, files, journal, report, undo, verify, write
from irqwatch.source.live import LiveSource
from irqwatch.source.root import Root, Unreadable, read, read_parsed

# What ends a session: each puts back what was written.
ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def _confirm_seconds(
    context: click.Context, option: click.Parameter, value: float | None
) -> float | None:
    return None if value is None else seconds(context, option, value)


APPLY_PARAMETERS = ("apply", "yes", "confirm", "journal", "undo")


def apply_options(command: click.decorators.FC) -> click.decorators.FC:
    """``script``, and the parameters in APPLY_PARAMETERS; ``undo`` is empty for the newest."""
    options = [
        click.option("--script", is_flag=True, help="The moves as a shell script, with its undo."),
        click.option("--apply", is_flag=True, help="Ask, write the masks, and measure again."),
        click.option("--yes", is_flag=True, help="With --apply: do not ask."),
        click.option(
            "--confirm",
            callback=_confirm_seconds,
            type=float,
            metavar="SECONDS",
            help="With --apply: put all back unless Enter is pressed in time.",
        ),
        click.option(
            "--journal",
            type=click.Path(path_type=Path),
            help=f"With --apply: where to keep what was there.  [default: in {journal.FOLDER}]",
        ),
        click.option(
            "--undo",
            is_flag=False,
            flag_value="",
            metavar="[JOURNAL]",
            help="Put back what was there, by the newest journal or the one named, and end.",
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def refuse_without_apply(*, apply: bool) -> None:
    """Raises click.UsageError for an option that only means something beside --apply, and for
    --undo beside what it does not go with."""
    context = click.get_current_context()
    for name in ("apply", "script"):
        if context.params["undo"] is not None and context.params[name]:
            raise click.UsageError(f"--undo puts back and ends: it does not go with --{name}.")
    for name in ("yes", "confirm", "journal"):
        if not apply and context.params[name]:
            raise click.UsageError(f"--{name} is for --apply.")


@dataclass(frozen=True, slots=True)
class Wishes:
    """How the command line wants a plan applied."""

    yes: bool = False  # do not ask
    confirm_s: float | None = None  # put all back unless confirmed within so many seconds
    journal: Path | None = None  # where it is to be, in place of journal.FOLDER
    as_json: bool = False


def apply(plan: Plan, measure: Callable[[], Plan], root: Root, wishes: Wishes) -> int:
    """The exit code: 0 where the plan is kept, has nothing to move or is not wanted, 1 where it
    was put back: it was worse, not confirmed, or interrupts did not go where they were sent.

    ``measure`` measures for as long as was done for ``plan`` and plans anew. Raises AffinityError
    where nothing was written; whatever else ends it, a signal (click.Abort) or a measurement that
    fails, first puts everything back.
    """
    say = _teller(wishes)
    if not plan.moves:
        say(f"Nothing to apply: {words.verdict(plan)}")
        return 0
    access = host_access(root)
    check_all(plan, access.observe(), root)
    if not wishes.yes and not is_wanted(plan):
        say("Nothing was written.")
        return 0
    with files.locked(root.procfs):
        now = access.observe()  # whoever was asked took their time
        check_all(plan, now, root)
        now_ns = clock.wall_ns()
        path = wishes.journal or journal.new_path(now_ns)
        default = read_parsed(root.procfs / "irq" / "default_smp_affinity", cpumask.parse)
        with journal.create(path, plan, default or frozenset(), now_ns) as log:
            return _Application(plan, access, log, say).run(measure, wishes)


def refuse_early(now: Snapshot, root: Root, wishes: Wishes) -> None:
    """What is known without a plan, so that nobody waits for a measurement to be told. Raises
    AffinityError, click.UsageError where nobody can answer."""
    if not wishes.yes and not sys.stdin.isatty():
        raise click.UsageError("--apply asks before it writes: without a terminal add --yes.")
    if wishes.journal:
        journal.check_new(wishes.journal)
    # All may be written or none: one that is not the kernel's own tells.
    movable = next((one.irq for one in now.settings if one.writable is not False), None)
    if movable is not None:
        files.check_writable(root.procfs, movable)
    check.check_irqbalance_bans(irqbalances(now, root))


def host_access(root: Root) -> files.Access:
    observe = LiveSource(root, (), settings_max_age_ns=0).sample
    return files.Access(observe, files.mask_writer(root.procfs))


def check_all(plan: Plan, now: Snapshot, root: Root) -> None:
    """Raises AffinityError where the plan must not, or cannot, be applied to this host now."""
    check.check_host(plan, now)
    for move in plan.moves:
        files.check_writable(root.procfs, move.line.irq)
    check.check_irqbalance(plan, irqbalances(now, root))


def irqbalances(now: Snapshot, root: Root) -> list[tuple[int, bytes]]:
    """pid and /proc/PID/cmdline of each that runs."""
    commands = []
    for thread in now.threads:
        if thread.kind == "irqbalance":
            raw = read(root.procfs / str(thread.pid) / "cmdline")
            commands.append((thread.pid, b"" if isinstance(raw, Unreadable) else raw))
    return commands


def is_wanted(plan: Plan) -> bool:
    """Asks. Raises click.Abort where the question is cut off."""
    masks = "1 mask" if len(plan.moves) == 1 else f"{len(plan.moves)} masks"
    return click.confirm(f"Write {masks} to /proc/irq?", err=True)


class _Application:
    """One run, from the first write on."""

    def __init__(
        self, plan: Plan, access: files.Access, log: journal.Journal, say: Callable[[str], None]
    ) -> None:
        self._plan = plan
        self._access = access
        self._log = log
        self._say = say

    def run(self, measure: Callable[[], Plan], wishes: Wishes) -> int:
        restored: tuple[undo.Restored, ...] = ()
        with _ends_by_signal():
            try:
                try:
                    applied = self._apply(measure)
                    why = self._why_not_kept(applied, wishes)
                finally:
                    _deafen()  # a signal that comes before this is done is one for below
            except KeyboardInterrupt:
                self._put_back("Interrupted")
                raise click.Abort from None
            except BaseException:
                self._put_back("Failed")
                raise
            if why:
                restored = self._put_back(why)
            else:
                though = ", though no gain was measured" if applied.is_without_gain else ""
                self._say(f"Kept{though}. Undo: irqwatch advise --undo {self._log.path}")
        if wishes.as_json:
            text = report.to_json(applied, restored, not why, str(self._log.path))
            click.echo(text, nl=False)
        return 1 if why else 0

    def _apply(self, measure: Callable[[], Plan]) -> report.Applied:
        before = self._access.observe()
        self._say(f"Writing, coldest first; journal {self._log.path}")
        written = write.write_moves(
            self._plan, before.topology, self._access.write, self._log.about_to_write
        )
        self._say(report.written_text(written))
        targets = [
            verify.Target(one.move.line, one.cpus) for one in written if one.cpus is not None
        ]
        if not targets:
            self._log.mark_undone()
            raise AffinityError("no mask could be written")
        verify.settle(targets, before, self._access.observe)
        # A snapshot reads the counters before it reads where lines run: that one's may be older
        # than the move.
        first = self._access.observe()
        length_s = self._plan.windows * self._plan.window_s
        self._say(f"Measuring again for {length_s:.0f} s")
        after = measure()
        checked = verify.verify(targets, first, self._access.observe())
        applied = report.Applied(self._plan, written, checked, after)
        self._say(report.checked_text(applied))
        return applied

    def _why_not_kept(self, applied: report.Applied, wishes: Wishes) -> str:
        """Empty where it is to be kept."""
        if any(one.verdict == "elsewhere" for one in applied.checked):
            return "Not followed"
        if applied.is_worse:
            return "Worse than before"
        if wishes.confirm_s is not None and not confirmed(wishes.confirm_s):
            return "Not confirmed"
        return ""

    def _put_back(self, why: str) -> tuple[undo.Restored, ...]:
        _deafen()
        record = journal.read(self._log.path)
        if record.undone:
            return ()
        restored = undo.put_back(self._log, record, self._access)
        with contextlib.suppress(AffinityError):  # a terminal that is gone keeps nothing back
            self._say(f"{why}: putting everything back.\n{report.restored_text(restored)}")
        return restored


def confirmed(within_s: float) -> bool:
    """Whether Enter was pressed in time. At the end of the input nobody is there to press it."""
    click.echo(f"Press Enter within {within_s:g} s to keep it: ", nl=False, err=True)
    ready, _, _ = select.select([sys.stdin], [], [], within_s)
    answered = bool(ready) and sys.stdin.readline().endswith("\n")
    if not answered:
        click.echo(err=True)
    return answered


def undo_journal(name: str, root: Root) -> int:
    """Put back what a journal (the newest, where the name is empty) tells of. The exit code: 1
    where a mask could not be written. Raises AffinityError."""
    path = Path(name) if name else journal.latest()
    with files.locked(root.procfs), journal.reopen(path) as log:
        record = journal.read(path)
        if record.undone:
            raise AffinityError(f"{path} has been undone already")
        for entry in record.entries:
            files.check_writable(root.procfs, entry.line.irq)
        restored = undo.put_back(log, record, host_access(root))
    click.echo(f"{path}, written {record.time}:")
    click.echo(report.restored_text(restored) or "  nothing had been written\n", nl=False)
    return 1 if any(one.verdict == "failed" for one in restored) else 0


def _teller(wishes: Wishes) -> Callable[[str], None]:
    """Standard output is the script's where it asked for JSON."""

    def say(text: str) -> None:
        try:
            click.echo(text.removesuffix("\n"), err=wishes.as_json)
        except OSError as error:
            raise AffinityError(f"the output cannot be written: {error.strerror}") from error

    return say


@contextlib.contextmanager
def _ends_by_signal() -> Iterator[None]:
    """The first signal that ends a session is a KeyboardInterrupt, those after it are nothing."""

    def end(signum: int, at: FrameType | None) -> None:
        _deafen()
        raise KeyboardInterrupt

    before = {one: signal.signal(one, end) for one in ENDS}
    try:
        yield
    finally:
        for one, was in before.items():
            signal.signal(one, was)


def _deafen() -> None:
    """Putting back takes two seconds at most and is not to be cut short."""
    for one in ENDS:
        signal.signal(one, signal.SIG_IGN)
