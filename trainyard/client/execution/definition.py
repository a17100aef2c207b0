"""Reads a state machine's definition (Amazon States Language) for what an execution will still visit; pure.

An execution does one kind of work from its start to its end, `$run.outcome`, and states of several kinds are shared. So
each kind is looked at by itself: a choice that asks for another kind is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

Definition = Mapping[str, Any]
OUTCOME = re.compile(r"\$run\.outcome = '(\w+)'")
# A condition that holds where one of its parts does asks for no kind of work.
EITHER = re.compile(r" or | \? ")


def successors(state: Mapping[str, Any], outcome: str = "") -> Iterator[str]:
    """The states that may follow when nothing fails; for a kind of work, only those that it can come to."""
    for choice in state.get("Choices", ()):
        if not outcome or _open(choice.get("Condition", ""), outcome):
            yield choice["Next"]
    for key in ("Default", "Next"):
        if key in state:
            yield state[key]


def certain_states(definition: Definition, current: str) -> list[str]:
    """The states that every successful way from `current` to an end passes, in the definition's order.

    A state is certain when no end can be reached without it. Choices and ends are left out: they are no work.
    """
    states, start = definition.get("States", {}), definition.get("StartAt", "")
    kinds = [
        each
        for each in _outcomes(states)
        if current in _reached(states, start, outcome=each) and _succeeds(states, current, outcome=each, without="")
    ]
    if not kinds:
        return []
    return [
        name
        for name, state in states.items()
        if name != current
        and state["Type"] not in ("Choice", "Pass", "Succeed", "Fail")
        and not any(_succeeds(states, current, outcome=each, without=name) for each in kinds)
    ]


def _open(condition: str, outcome: str) -> bool:
    asked = OUTCOME.findall(condition)
    return not asked or outcome in asked or EITHER.search(condition) is not None


def _outcomes(states: Mapping[str, Any]) -> list[str]:
    """The kinds of work that choices ask for; an empty text, which stands for any, in a machine without such."""
    conditions = (choice.get("Condition", "") for state in states.values() for choice in state.get("Choices", ()))
    return sorted({each for condition in conditions for each in OUTCOME.findall(condition)}) or [""]


def _succeeds(states: Mapping[str, Any], start: str, *, outcome: str, without: str) -> bool:
    """Whether a successful end can be reached from `start` without passing a state."""
    return any(_ends(states[each]) for each in _reached(states, start, outcome=outcome, without=without))


def _ends(state: Mapping[str, Any]) -> bool:
    return state["Type"] == "Succeed" or bool(state.get("End"))


def _reached(states: Mapping[str, Any], start: str, *, outcome: str, without: str = "") -> set[str]:
    """The states that a kind of work can come to from `start`, itself included, without passing one of them."""
    seen, waiting = set[str](), [start]
    while waiting:
        name = waiting.pop()
        if name not in seen and name != without and name in states:
            seen.add(name)
            waiting.extend(successors(states[name], outcome))
    return seen
