"""A plan as a POSIX shell script that checks, applies, verifies and carries its own undo."""

import shlex
from collections.abc import Mapping
from datetime import datetime, timezone

from irqwatch.cells import cpu_list
from irqwatch.model.plan import CannotTell, Move, Plan

# $1 to $5 of each function below are those of ``each``: action names, hardware number, the mask
# before, the mask to set, controller.
_BODY = r"""
proc=${PROC:-/proc}
status=0

say() { printf '%s\n' "$*"; }

fail() {
    printf '%s: %s\n' "$0" "$*" >&2
    status=1
}

# The number of the one line with these action names, hardware number and controller (any where it
# is empty); nothing for none or many.
number() {
    ACTIONS=$1 HWIRQ=$2 CONTROLLER=$3 awk '
        NR == 1 { cpus = NF; next }
        {
            tail = "  " ENVIRON["ACTIONS"]
            sub(/ +$/, "")
            if ($1 !~ /^[0-9]+:$/ || substr($0, length($0) - length(tail) + 1) != tail) next
            same = ENVIRON["HWIRQ"] == ""
            for (i = cpus + 2; i <= NF; i++)
                if ($i == ENVIRON["HWIRQ"] || index($i, ENVIRON["HWIRQ"] "-") == 1) same = 1
            rest = ""
            for (i = cpus + 2; i <= NF; i++) rest = rest $i " "
            if (ENVIRON["CONTROLLER"] != "" && index(rest, ENVIRON["CONTROLLER"] " ") != 1) same = 0
            if (same) { found = $1; count++ }
        }
        END { if (count == 1) { sub(":", "", found); print found } }
    ' "$proc/interrupts"
}

# Sets irq and mask; false where the line is not there.
look() {
    irq=$(number "$1" "$2" "$5")
    if [ -z "$irq" ]; then
        fail "$1: not exactly one line is called so: left alone"
        return 1
    fi
    mask=$(cat "$proc/irq/$irq/smp_affinity_list")
}

write_mask() {
    if { printf '%s\n' "$1" >"$proc/irq/$irq/smp_affinity_list"; } 2>/dev/null; then
        return 0
    fi
    fail "$irq: the kernel refuses CPU $1 (managed, offline, or no vector left): stays on $mask"
    return 1
}

check() {
    look "$@" || return 0
    [ -w "$proc/irq/$irq/smp_affinity_list" ] || fail "$irq $1: may not be written: run as root"
    # After a reboot the kernel's own mask is there, whatever it was.
    if [ "$(cat "$proc/sys/kernel/random/boot_id")" = "$boot_id" ] &&
        [ "$mask" != "$3" ] && [ "$mask" != "$4" ]; then
        fail "$irq $1: is on CPU $mask, not on $3: changed since this was written"
    fi
}

# Any process may call itself irqbalance; only root's may write masks. Not told: it may.
may_write_masks() {
    while read -r key _ _ _ uid; do
        if [ "$key" = Uid: ]; then
            [ "$uid" = 0 ]
            return
        fi
    done <"$1/status"
    return 0
} 2>/dev/null

check_irqbalance() {
    [ "${IRQBALANCE:-}" != told ] || return 0
    for comm in "$proc"/[0-9]*/comm; do
        { read -r name <"$comm"; } 2>/dev/null || continue
        if [ "$name" = irqbalance ] && may_write_masks "${comm%/comm}"; then
            fail "irqbalance runs and would move them again: stop it, or start it with --banirq" \
                "for these lines and set IRQBALANCE=told"
            return 0
        fi
    done
}

apply() {
    look "$@" || return 0
    if [ "$mask" = "$4" ]; then
        say "$irq $1: is on CPU $4 already"
    elif write_mask "$4"; then
        say "$irq $1: CPU $mask -> $4"
    fi
}

in_list() {
    rest=$2,
    while [ -n "$rest" ]; do
        part=${rest%%,*}
        rest=${rest#*,}
        if [ "$1" -ge "${part%-*}" ] && [ "$1" -le "${part#*-}" ]; then return 0; fi
    done
    return 1
}

verify() {
    look "$@" || return 0
    if [ "$mask" != "$4" ]; then
        fail "$irq $1: is on CPU $mask, not on $4"
        return 0
    fi
    effective=$(cat "$proc/irq/$irq/effective_affinity_list" 2>/dev/null || true)
    first=${effective%%[,-]*}
    if [ -z "$first" ]; then
        say "$irq $1: asked for CPU $4; the kernel does not say where it runs"
    elif in_list "$first" "$4"; then
        say "$irq $1: runs on CPU $effective"
    else
        say "$irq $1: unverified: moves from CPU $effective with its next interrupt"
    fi
}

undo() {
    look "$@" || return 0
    if [ "$mask" = "$3" ]; then
        say "$irq $1: is on CPU $3 as before"
    elif [ "$mask" != "$4" ]; then
        fail "$irq $1: somebody else has set CPU $mask: left so"
    elif write_mask "$3"; then
        say "$irq $1: CPU $mask -> $3"
    fi
}

one() {
    action=$1
    shift
    case $action in
    check) check "$@" ;;
    apply) apply "$@" ;;
    verify) verify "$@" ;;
    undo) undo "$@" ;;
    esac
}

case ${1:-apply} in
check | apply)
    each check
    check_irqbalance
    if [ "$status" != 0 ]; then
        printf '%s\n' "nothing was written" >&2
        exit 1
    fi
    if [ "${1:-apply}" = apply ]; then
        each apply
        each verify
    fi
    ;;
verify | undo) each "$1" ;;
*)
    say "usage: $0 [check | apply | verify | undo]" >&2
    exit 2
    ;;
esac
exit "$status"
"""


def to_script(plan: Plan, verdict: str, reasons: Mapping[int, str]) -> str:
    """The whole text. It finds lines by name, hardware number and controller, so it holds after a
    reboot. ``verdict`` and ``reasons`` (by line) are the plan's in words, for the comments."""
    moves = sorted(plan.moves, key=lambda move: (move.load, move.line.irq))
    calls = [_call(move, reasons[move.line.irq]) for move in moves]
    title = f"""#!/bin/sh
# Interrupt affinities for {plan.host.hostname}, by irqwatch advise --script, {_time(plan.wall_ns)}.
# {verdict}
"""
    if isinstance(plan.verdict, CannotTell):
        return title + f"echo {shlex.quote(verdict)} >&2\nexit 1\n"
    if not any(_is_plain(move) for move in moves):
        return title + "".join(calls) + "echo 'nothing to move'\n"
    return f"""{title}#
#   sh FILE           checks, writes the masks that are not there yet, verifies
#   sh FILE check     only says whether it can be applied
#   sh FILE verify    says where each line is asked to run, and runs
#   sh FILE undo      puts back what was there, unless somebody has changed it since
#
# Exit codes: 0 done, 1 something was left as it was, 2 wrong usage.
set -eu
boot_id={shlex.quote(plan.host.boot_id)} # of the host it was made for

each() {{
    : "$1" # of the functions below, for each line, the coldest first
{"".join(f"    {call}" for call in calls)}}}
{_BODY}"""


def _is_plain(move: Move) -> bool:
    """A name that had to be made printable is not the kernel's: such a line cannot be found."""
    return bool(move.line.actions) and "\\" not in "".join(move.line.actions)


def _call(move: Move, reason: str) -> str:
    actions = ", ".join(move.line.actions)
    if not _is_plain(move):
        return f"# left out, its name is not plain text: {move.line.irq} {actions}\n"
    masks = (cpu_list(move.requested), cpu_list(move.to))
    controller = " ".join(move.line.controller.split())
    if "\\" in controller:  # made printable, too
        controller = ""
    words = map(shlex.quote, (actions, move.line.hwirq, *masks, controller))
    return f'one "$1" {" ".join(words)} # {reason}\n'


def _time(wall_ns: int) -> str:
    moment = datetime.fromtimestamp(wall_ns // 10**9, timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
