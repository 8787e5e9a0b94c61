"""What an expert would remark on: all rules, and what they see."""

from irqwatch.advise.facts import Facts
from irqwatch.advise.findings import balance, limits, load, network, queues
from irqwatch.advise.findings.rule import Case, Rule, Seen
from irqwatch.advise.moves import Placed
from irqwatch.model.evidence import More
from irqwatch.model.plan import SEVERITIES, Finding

RULES: tuple[Rule, ...] = tuple(
    sorted(
        (*balance.RULES, *queues.RULES, *limits.RULES, *load.RULES, *network.RULES),
        key=lambda rule: rule.number,
    )
)

MOST_OF_A_RULE = 5


def findings(facts: Facts, placed: Placed) -> tuple[Finding, ...]:
    """The most severe first, then in the order of the rules."""
    case = Case(facts, placed)
    found = [_finding(rule, seen) for rule in RULES for seen in _few(list(rule.look(case)))]
    return tuple(sorted(found, key=lambda one: SEVERITIES.index(one.severity)))


def _few(seen: list[Seen]) -> list[Seen]:
    """Of a rule that sees more than can be read, the first, and all others as one."""
    if len(seen) <= MOST_OF_A_RULE:
        return seen
    first, rest = seen[: MOST_OF_A_RULE - 1], seen[MOST_OF_A_RULE - 1 :]
    irqs = tuple(sorted({irq for one in rest for irq in one.irqs}))
    cpus = tuple(sorted({cpu for one in rest for cpu in one.cpus}))
    return [
        *first,
        Seen(
            More(len(rest), irqs, frozenset(cpus)),
            tuple(dict.fromkeys(action for one in rest for action in one.advice)),
            tuple(dict.fromkeys(action for one in rest for action in one.undo)),
            irqs,
            cpus,
            severity=min((one.severity for one in rest if one.severity), default=""),
            confidence=rest[0].confidence,
        ),
    ]


def _finding(rule: Rule, seen: Seen) -> Finding:
    return Finding(
        id=rule.id,
        number=rule.number,
        title=rule.title,
        severity=seen.severity or rule.severity,
        confidence=seen.confidence or rule.confidence,
        evidence=seen.evidence,
        why=rule.why,
        advice=seen.advice,
        not_when=rule.not_when,
        undo=seen.undo,
        irqs=seen.irqs,
        cpus=seen.cpus,
        device=seen.device,
    )
