"""What the list folds: a group of states that are one row until it is opened, and the graph between such rows; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

from trainyard.console.yard.machine import Edge, Kind

Graph: TypeAlias = Mapping[str, Sequence[str]]


@dataclass(frozen=True, kw_only=True)
class Group:
    """States that fold into one row, some of them in groups of their own.

    `name` is one of the states; `head` is the state that the closed row still shows, "" where it shows none.
    A `quiet` group hides only the pause before a retry: its row looks like its head's.
    """

    name: str
    kind: Kind
    members: tuple[Item, ...]
    head: str = ""
    quiet: bool = False

    @cached_property
    def states(self) -> tuple[str, ...]:
        return tuple(state for member in self.members for state in states_of(member))


Item: TypeAlias = str | Group


def name_of(item: Item) -> str:
    return item if isinstance(item, str) else item.name


def states_of(item: Item) -> tuple[str, ...]:
    return (item,) if isinstance(item, str) else item.states


def groups_of(items: Iterable[Item]) -> list[Group]:
    """Every group, outer ones before those inside them."""
    found = []
    for item in items:
        if isinstance(item, Group):
            found += [item, *groups_of(item.members)]
    return found


def owners(items: Iterable[Item]) -> dict[str, str]:
    """The name of the item that each state is in."""
    return {state: name_of(item) for item in items for state in states_of(item)}


def between(items: Sequence[Item], edges: Iterable[Edge]) -> dict[str, list[str]]:
    """The items that follow each item, by name, in the order of the edges."""
    owner = owners(items)
    following: dict[str, dict[str, None]] = {name_of(item): {} for item in items}
    for edge in edges:
        source, target = owner.get(edge.source), owner.get(edge.target)
        if source is not None and target is not None and source != target:
            following[source][target] = None
    return {name: list(targets) for name, targets in following.items()}


def reversed_graph(graph: Graph) -> dict[str, list[str]]:
    """Who leads to each node."""
    found: dict[str, list[str]] = {name: [] for name in graph}
    for source, targets in graph.items():
        for target in targets:
            found[target].append(source)
    return found


def reachable(graph: Graph) -> dict[str, set[str]]:
    """What can be reached from each node in one step or more."""
    return {name: _reached(graph, name) for name in graph}


def _reached(graph: Graph, start: str) -> set[str]:
    seen: set[str] = set()
    waiting = list(graph[start])
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += graph[name]
    return seen


def connected(graph: Graph) -> list[list[str]]:
    """The nodes that hang together whichever way their edges point, each part in the graph's order."""
    backwards = reversed_graph(graph)
    reach = reachable({name: [*graph[name], *backwards[name]] for name in graph})
    return _distinct([each for each in graph if each == name or each in reach[name]] for name in graph)


def loops(graph: Graph) -> list[list[str]]:
    """The strongly connected components of more than one node, each in the graph's order."""
    reach = reachable(graph)
    parts = ([each for each in graph if each in reach[name] and name in reach[each]] for name in graph)
    return _distinct(part for part in parts if len(part) > 1)


def _distinct(parts: Iterable[list[str]]) -> list[list[str]]:
    return list({part[0]: part for part in parts}.values())
