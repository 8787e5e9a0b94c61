"""All that advise can find, decide and say to do has words and figures."""

import json
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from irqwatch.advise.findings import RULES
from irqwatch.model.action import Action
from irqwatch.model.evidence import Evidence, More
from irqwatch.model.plan import Immovable, Move, PlannedLine, Reason, Stays, Verdict
from irqwatch.sink.advise import words
from irqwatch.sink.advise.commands import typed
from irqwatch.sink.advise.figures import figures, kind
from tests.finding_hosts import FIRES, OTHER_HOSTS, seen

LINE = PlannedLine(30, ("eth0-TxRx-0",), "30", "eth0")

NUMBERS = st.integers(0, 4096)
NAMES = st.text(st.characters(codec="ascii", categories=("L", "N", "P")), min_size=1)
FIGURES = {
    int: NUMBERS,
    float: st.floats(0, 1e6),
    str: NAMES,
    bool: st.booleans(),
    NoneType: st.none(),
}


def any_of(hint: Any) -> st.SearchStrategy[Any]:
    """What a field with this type can hold."""
    if hint in FIGURES:
        return FIGURES[hint]
    if is_dataclass(hint):
        hints = get_type_hints(hint)
        return st.builds(hint, **{field.name: any_of(hints[field.name]) for field in fields(hint)})
    return GENERIC[get_origin(hint)](*get_args(hint))


GENERIC: dict[Any, Callable[..., st.SearchStrategy[Any]]] = {
    Literal: lambda *names: st.sampled_from(names),
    frozenset: lambda of: st.frozensets(any_of(of)),
    tuple: lambda of, _: st.lists(any_of(of)).map(tuple),
    Mapping: lambda name, of: st.dictionaries(any_of(name), any_of(of)),
    UnionType: lambda *kinds: st.one_of(*map(any_of, kinds)),
}


def has_words(said: str) -> None:
    assert said.strip() and "\n" not in said
    assert "frozenset" not in said and "(irq=" not in said


def has_figures(of: Evidence | Action | Reason | Verdict) -> None:
    made = figures(of)
    assert list(made) == ["kind", *(field.name for field in fields(of))]
    assert json.loads(json.dumps(made, allow_nan=False)) == made


@pytest.mark.parametrize("name", [rule.id for rule in RULES])
def test_what_a_rule_sees_has_words_and_figures(name: str) -> None:
    found = seen(*FIRES[name])[name]
    has_words(words.evidence(found.evidence, "time"))
    has_figures(found.evidence)
    for action in (*found.advice, *found.undo):
        has_words(typed(action))
        has_figures(action)


def test_there_are_no_more_kinds_than_are_seen_and_advised() -> None:
    hosts = [*FIRES.items(), *OTHER_HOSTS.items()]
    found = [seen(*host)[name] for name, host in hosts]
    assert {More, *(type(one.evidence) for one in found)} == set(get_args(Evidence))
    done = {type(action) for one in found for action in (*one.advice, *one.undo)}
    assert done == set(get_args(Action))


@pytest.mark.parametrize("of", get_args(Evidence), ids=kind)
@given(data=st.data())
def test_any_evidence(of: type[Evidence], data: st.DataObject) -> None:
    one = data.draw(any_of(of))
    has_words(words.evidence(one, data.draw(st.sampled_from(("time", "count")))))
    has_figures(one)


@pytest.mark.parametrize("of", get_args(Action), ids=kind)
@given(data=st.data())
def test_any_action(of: type[Action], data: st.DataObject) -> None:
    one = data.draw(any_of(of))
    has_words(typed(one))
    has_figures(one)


@pytest.mark.parametrize("of", get_args(Reason), ids=kind)
@given(data=st.data())
def test_any_reason(of: type[Reason], data: st.DataObject) -> None:
    one = data.draw(any_of(of))
    move = Move(LINE, frozenset({0, 1}), frozenset({0}), frozenset({1}), 0.2, one)
    has_words(words.reason(move, data.draw(st.sampled_from(("time", "count")))))
    has_figures(one)


@pytest.mark.parametrize("why", Stays)
def test_any_that_stays(why: Stays) -> None:
    has_words(words.stays(Immovable(LINE, frozenset({0}), 0.2, why)))
    assert figures(why) == {"kind": why.value}


@pytest.mark.parametrize("union", [Evidence, Action, Reason, Verdict])
def test_kinds_are_told_apart(union: object) -> None:
    names = [kind(of) for of in get_args(union)]
    assert len(set(names)) == len(names)
