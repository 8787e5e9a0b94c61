"""``irqwatch doctor``."""

import os
import sys

import click

from irqwatch import __version__
from irqwatch.cli.options import chosen_collectors
from irqwatch.collectors import COLLECTORS
from irqwatch.derive.doctor import examine, lacking_for_probe
from irqwatch.sink.doctor import to_json, to_text
from irqwatch.source.doctor import read_facts, try_probe

EPILOG = """\b
Examples:
  irqwatch doctor              what this host has, lacks, and what mends it
  sudo irqwatch doctor         the same as root: also tries each collector of the probe
  irqwatch doctor --json | jq '(.findings + .collectors)[] | select(.verdict == "missing")'

\b
Exit codes: 0 it could look, whatever it found; 1 failed; 2 wrong usage.
"""


@click.command("doctor", epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for scripts.")
def command(as_json: bool) -> None:
    """Say what this host can give, what is missing, and what mends it.

    Where nothing that it needs is missing, the probe is loaded with every collector, given
    something to see (packets over loopback, timers, page faults and signals of its own), and
    unloaded. Nothing on the host is changed.
    """
    facts = read_facts()
    on = chosen_collectors(dict.fromkeys(COLLECTORS), disable_defaults=False)
    trial = None if lacking_for_probe(facts) else try_probe(on)
    diagnosis = examine(facts, trial)
    if as_json:
        click.echo(to_json(facts, diagnosis, __version__), nl=False)
        return
    # https://no-color.org: set to anything but the empty string.
    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    click.echo(to_text(facts, diagnosis, __version__, colour=colour), nl=False)
