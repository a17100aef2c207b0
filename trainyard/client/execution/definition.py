"""Reads a state machine's definition (Amazon States Language) for what an execution will still visit; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Definition = Mapping[str, Any]


def successors(state: Mapping[str, Any]) -> Iterator[str]:
    """The states that may follow when nothing fails."""
    for choice in state.get("Choices", ()):
        yield choice["Next"]
    for key in ("Default", "Next"):
        if key in state:
            yield state[key]


def certain_states(definition: Definition, current: str) -> list[str]:
    """The states that every successful way from `current` to an end passes, in the definition's order.

    A state is certain when no end can be reached without it. Choices and ends are left out: they are no work.
    """
    states = definition.get("States", {})
    if current not in states or not _succeeds(states, current, without=""):
        return []
    return [
        name
        for name, state in states.items()
        if name != current
        and state["Type"] not in ("Choice", "Pass", "Succeed", "Fail")
        and not _succeeds(states, current, without=name)
    ]


def _succeeds(states: Mapping[str, Any], start: str, *, without: str) -> bool:
    """Whether a successful end can be reached from `start` without passing a state."""
    seen, waiting = {without}, [start]
    while waiting:
        name = waiting.pop()
        if name in seen or name not in states:
            continue
        seen.add(name)
        if states[name]["Type"] == "Succeed" or states[name].get("End"):
            return True
        waiting.extend(successors(states[name]))
    return False
