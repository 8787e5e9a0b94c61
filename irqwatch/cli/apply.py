"""``irqwatch advise --apply`` and ``--undo``: options, questions, and what is printed."""

import select
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import click

from irqwatch.affinity import journal, transaction
from irqwatch.affinity.access import Access
from irqwatch.affinity.files import mask_writer
from irqwatch.affinity.transaction import Caller
from irqwatch.cli.options import seconds
from irqwatch.errors import AffinityError
from irqwatch.model.plan import CannotTell, Plan
from irqwatch.model.snapshot import Snapshot
from irqwatch.parse import cpumask
from irqwatch.sink.advise import words
from irqwatch.sink.affinity import report
from irqwatch.source.live import LiveSource
from irqwatch.source.root import Root, Unreadable, read, read_parsed


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
    """The exit code: 0 where the plan is kept, has nothing to move or is not wanted, 1 where there
    is none, as the interrupts are hidden, or it was put back: it was worse, not confirmed, or
    interrupts did not go where they were sent.

    ``measure`` measures for as long as was done for ``plan`` and plans anew. Raises AffinityError
    where nothing was written; whatever else ends it, a signal (click.Abort) or a measurement that
    fails, first puts everything back.
    """
    say = _teller(wishes)
    if not plan.moves:
        say(f"Nothing to apply: {words.verdict(plan)}")
        return 1 if isinstance(plan.verdict, CannotTell) else 0
    caller = Caller(
        is_wanted=lambda: wishes.yes or is_wanted(plan),
        measure=measure,
        is_confirmed=lambda: wishes.confirm_s is None or confirmed(wishes.confirm_s),
        tell=lambda step: say(report.step_text(step)),
    )
    try:
        outcome = transaction.apply(plan, host_access(root), caller, wishes.journal)
    except KeyboardInterrupt:
        raise click.Abort from None
    if outcome is None:
        say("Nothing was written.")
        return 0
    if wishes.as_json:
        click.echo(report.to_json(outcome), nl=False)
    return 1 if outcome.put_back else 0


def refuse_early(now: Snapshot, root: Root, wishes: Wishes) -> None:
    """What is known without a plan, so that nobody waits for a measurement to be told. Raises
    AffinityError, click.UsageError where nobody can answer."""
    if not wishes.yes and not sys.stdin.isatty():
        raise click.UsageError("--apply asks before it writes: without a terminal add --yes.")
    transaction.refuse_early(now, host_access(root), wishes.journal)


def host_access(root: Root) -> Access:
    return Access(
        procfs=root.procfs,
        observe=LiveSource(root, (), settings_max_age_ns=0).sample,
        irqbalances=partial(irqbalances, root),
        default_affinity=partial(default_affinity, root),
        write=mask_writer(root.procfs),
    )


def irqbalances(root: Root, now: Snapshot) -> list[tuple[int, bytes]]:
    """pid and /proc/PID/cmdline of each that runs."""
    commands = []
    for thread in now.threads:
        if thread.kind == "irqbalance":
            raw = read(root.procfs / str(thread.pid) / "cmdline")
            commands.append((thread.pid, b"" if isinstance(raw, Unreadable) else raw))
    return commands


def default_affinity(root: Root) -> frozenset[int]:
    path = root.procfs / "irq" / "default_smp_affinity"
    return read_parsed(path, cpumask.parse) or frozenset()


def is_wanted(plan: Plan) -> bool:
    """Asks. Raises click.Abort where the question is cut off."""
    masks = "1 mask" if len(plan.moves) == 1 else f"{len(plan.moves)} masks"
    return click.confirm(f"Write {masks} to /proc/irq?", err=True)


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
    undone = transaction.undo(Path(name) if name else None, host_access(root))
    click.echo(report.undone_text(undone), nl=False)
    return 1 if any(one.verdict == "failed" for one in undone.restored) else 0


def _teller(wishes: Wishes) -> Callable[[str], None]:
    """Standard output is the script's where it asked for JSON."""

    def say(text: str) -> None:
        try:
            click.echo(text.removesuffix("\n"), err=wishes.as_json)
        except OSError as error:
            raise AffinityError(f"the output cannot be written: {error.strerror}") from error

    return say
