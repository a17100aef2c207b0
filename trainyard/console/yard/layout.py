"""What is fixed about the list of a state machine, whatever a run does: order, groups, main line; pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from trainyard.console.yard.folding import fold
from trainyard.console.yard.groups import Group, Item, groups_of
from trainyard.console.yard.machine import Edge, Kind, Machine, read


@dataclass(frozen=True, kw_only=True)
class Layout:
    """`kinds` has every state; `order` their places from top to bottom; `items` the rows when all is closed.

    `main` are the states at the left of the rail, `groups` the names that can be unfolded, outer ones first.
    """

    kinds: Mapping[str, Kind]
    order: Mapping[str, int]
    items: tuple[Item, ...]
    edges: tuple[Edge, ...]
    main: frozenset[str]
    groups: tuple[str, ...]


def layout(definition: Mapping[str, Any]) -> Layout:
    """The layout of any definition in Amazon States Language; the same one for the same definition."""
    # Not sorted: the order of the states is what is read.
    return _layout(json.dumps(definition))


@lru_cache(maxsize=8)
def _layout(definition: str) -> Layout:
    machine = read(json.loads(definition))
    folded = fold(machine)
    main = frozenset(folded.main)
    order = _order(machine, _reports(folded.items), main=main)
    return Layout(
        kinds={name: state.kind for name, state in machine.states.items()},
        order={name: place for place, name in enumerate(order)},
        items=folded.items,
        edges=machine.edges,
        main=main,
        groups=tuple(dict.fromkeys(group.name for group in groups_of(folded.items))),
    )


def _reports(items: Iterable[Item]) -> list[Group]:
    return [group for group in groups_of(items) if group.kind is Kind.END]


def _order(machine: Machine, reports: Sequence[Group], *, main: frozenset[str]) -> list[str]:
    """The order of the file, but an end that one state leads to stands, with its report, right below that state."""
    together = [group.states for group in reports]
    known = {state for states in together for state in states}
    alone = [(name,) for name, state in machine.states.items() if state.kind is Kind.END and name not in known]
    file_order = {name: place for place, name in enumerate(machine.states)}
    moved: dict[str, list[str]] = {}
    for states in sorted([*together, *alone], key=lambda states: top_of(states, file_order)):
        before = {edge.source for edge in machine.edges if edge.target in states} - set(states)
        if len(before) == 1 and not main & set(states):
            moved.setdefault(before.pop(), []).extend(states)
    away = {state for states in moved.values() for state in states}
    return [each for name in machine.states if name not in away for each in (name, *_below(name, moved))]


def _below(name: str, moved: Mapping[str, Sequence[str]]) -> list[str]:
    return [each for below in moved.get(name, ()) for each in (below, *_below(below, moved))]


def top_of(states: Iterable[str], order: Mapping[str, int]) -> int:
    """Where the row of some states stands: where the first of them does."""
    return min(order[state] for state in states)
