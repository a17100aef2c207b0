"""Finds a machine's main line, the way of an execution that does the most; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from itertools import pairwise

from trainyard.console.yard.groups import Item, between, name_of, owners, states_of
from trainyard.console.yard.machine import Edge, State


@dataclass(frozen=True, kw_only=True)
class _Way:
    """The best way on from an item: one that ends well before one that does not, then the heaviest."""

    succeeds: bool
    weight: int
    following: str = ""

    @property
    def rank(self) -> tuple[bool, int]:
        return self.succeeds, self.weight


def main_line(items: Sequence[Item], *, start: str, states: Mapping[str, State], edges: Sequence[Edge]) -> list[str]:
    """The names of the items on the heaviest way from `start` to a successful end.

    `items` have no loop left between them. The weights of states are those of machine.py: jobs and calls of
    SageMaker pull the line to them, all that does no work shortens it.
    """
    graph = between(items, edges)
    by_name = {name_of(item): item for item in items}
    ways: dict[str, _Way] = {}
    # A sorter puts what a node depends on first: here what follows it.
    for name in TopologicalSorter(graph).static_order():
        own = [states[each] for each in states_of(by_name[name])]
        ways[name] = _way(own, following=[(each, ways[each]) for each in graph[name]])
    path, name = [], owners(items).get(start, "")
    while name:
        path.append(name)
        name = ways[name].following
    return path


def _way(own: Sequence[State], *, following: Sequence[tuple[str, _Way]]) -> _Way:
    weight = max(each.weight for each in own)
    if not following:
        return _Way(succeeds=any(each.succeeds and not each.parent for each in own), weight=weight)
    name, best = max(following, key=lambda each: each[1].rank)
    return _Way(succeeds=best.succeeds, weight=weight + best.weight, following=name)


def states_on(path: Sequence[str], items: Sequence[Item], *, start: str, edges: Sequence[Edge]) -> list[str]:
    """The states of a main line's items that an execution passes; through a loop it takes the shortest way."""
    if not path:
        return []
    inside = {name_of(item): states_of(item) for item in items}
    steps = [_step(inside[here], inside[there], edges=edges) for here, there in pairwise(path)]
    entries = [start, *(step.target for step in steps)]
    exits = [*(step.source for step in steps), None]
    return [
        state
        for name, entry, leaving in zip(path, entries, exits, strict=True)
        for state in _shortest(inside[name], entry=entry, leaving=leaving, edges=edges)
    ]


def _step(here: Iterable[str], there: Iterable[str], *, edges: Sequence[Edge]) -> Edge:
    return next(edge for edge in edges if edge.source in here and edge.target in there)


def _shortest(states: Sequence[str], *, entry: str, leaving: str | None, edges: Sequence[Edge]) -> list[str]:
    """The fewest states from `entry` to `leaving`, both included; the entry alone where nothing is left."""
    if leaving is None:
        return [entry]
    came_from = {entry: entry}
    waiting = [entry]
    for name in waiting:
        for edge in edges:
            if edge.source == name and edge.target in states and edge.target not in came_from:
                came_from[edge.target] = name
                waiting.append(edge.target)
    path = [leaving]
    while path[-1] != entry:
        path.append(came_from[path[-1]])
    return path[::-1]
