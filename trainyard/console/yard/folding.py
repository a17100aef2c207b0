"""Folds a machine into the rows of its list, from its structure alone; pure.

In this order: the pause before a retry into its task, what a Map runs into the Map, a loop into one row, a report and
the end it leads to into one row, and what hangs off the main line together into one row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import dataclass

from trainyard.console.yard.groups import (
    Group,
    Item,
    between,
    connected,
    loops,
    name_of,
    reachable,
    reversed_graph,
)
from trainyard.console.yard.machine import Edge, Kind, Machine
from trainyard.console.yard.main_line import main_line, states_on


@dataclass(frozen=True, kw_only=True)
class Folded:
    """The rows of a list with everything closed, and the states on the main line."""

    items: tuple[Item, ...]
    main: tuple[str, ...]


def fold(machine: Machine) -> Folded:
    """Every state of the machine in exactly one item, in the order of the file."""
    pauses = _pauses(machine)
    forward = [edge for edge in machine.edges if edge.planned and edge.source not in pauses]
    items = _with_maps(_with_pauses(machine, pauses), machine=machine, forward=forward)
    items = _with_loops(items, forward)
    if machine.start not in machine.states:
        return Folded(items=tuple(items), main=())
    path = main_line(items, start=machine.start, states=machine.states, edges=forward)
    main = states_on(path, items, start=machine.start, edges=forward)
    items = _with_reports(items, machine=machine, apart=set(path))
    items = _with_sides(items, machine=machine, path=path)
    return Folded(items=tuple(items), main=tuple(main))


def _pauses(machine: Machine) -> dict[str, str]:
    """The Wait states with one way in and one way out, which leads back, each with the state that it delays."""
    graph = between(list(machine.states), machine.edges)
    backwards, reach = reversed_graph(graph), reachable(graph)
    found: dict[str, str] = {}
    for name, state in machine.states.items():
        before, after = backwards[name], graph[name]
        if not state.waits or name == machine.start or len(before) != 1 or len(after) != 1 or before[0] in found:
            continue
        if before == after or before[0] in reach[after[0]]:
            found[name] = before[0]
    return {name: delayed for name, delayed in found.items() if delayed not in found}


def _with_pauses(machine: Machine, pauses: dict[str, str]) -> list[Item]:
    def folded(name: str) -> Item:
        members = (name, *(each for each, delayed in pauses.items() if delayed == name))
        kind = machine.states[name].kind
        return Group(name=name, kind=kind, members=members, head=name, quiet=True) if members[1:] else name

    return [folded(name) for name in machine.states if name not in pauses]


def _with_maps(items: list[Item], *, machine: Machine, forward: Sequence[Edge]) -> list[Item]:
    # States come after the Map that runs them: backwards, what is inside is folded first.
    for name in reversed(list(machine.states)):
        inner = [item for item in items if machine.states[name_of(item)].parent == name]
        if inner:
            rows = _with_reports(_with_loops(inner, forward), machine=machine, apart=set())
            items = _joined(items, [[name, *map(name_of, inner)]], group=_map_group(name, rows))
    return items


def _map_group(name: str, rows: Sequence[Item]) -> Callable[[list[Item]], Group]:
    return lambda members: Group(name=name, kind=Kind.MAP, members=(members[0], *rows), head=name)


def _with_loops(items: list[Item], forward: Sequence[Edge]) -> list[Item]:
    def group(members: list[Item]) -> Group:
        return Group(name=name_of(members[0]), kind=Kind.GROUP, members=tuple(members))

    return _joined(items, loops(between(items, forward)), group=group)


def _with_reports(items: list[Item], *, machine: Machine, apart: Set[str]) -> list[Item]:
    """A task that leads to an end and nowhere else, and that alone does so: one row named by the end."""
    graph = between(items, machine.edges)
    backwards = reversed_graph(graph)
    kinds = {name_of(item): machine.states[name_of(item)].kind for item in items if _is_single(item)}
    pairs = [
        [before[0], name]
        for name, before in backwards.items()
        if kinds.get(name) is Kind.END and len(before) == 1 and graph[before[0]] == [name]
        if kinds.get(before[0]) is Kind.TASK and not {name, before[0]} & apart
    ]
    return _joined(items, pairs, group=_report_group(pairs))


def _is_single(item: Item) -> bool:
    return isinstance(item, str) or item.quiet


def _report_group(pairs: Sequence[Sequence[str]]) -> Callable[[list[Item]], Group]:
    ends = {end for _, end in pairs}

    def group(members: list[Item]) -> Group:
        # The file may have the end before its report.
        end = next(name_of(each) for each in members if name_of(each) in ends)
        return Group(name=end, kind=Kind.END, members=tuple(members))

    return group


def _with_sides(items: list[Item], *, machine: Machine, path: Sequence[str]) -> list[Item]:
    """What hangs off the main line together is one row, named by where it is entered."""
    graph = between(items, machine.edges)
    entered = {each for name in path for each in graph[name]} - set(path)
    ends = {name_of(item) for item in items if _ends(item, machine)} & entered
    aside = [item for item in items if name_of(item) not in {*path, *ends}]

    def group(members: list[Item]) -> Group:
        names = [name_of(member) for member in members]
        name = next((each for each in names if each in entered), names[0])
        return Group(name=name, kind=Kind.GROUP, members=tuple(members))

    parts = connected(between(aside, machine.edges))
    return _joined(items, [part for part in parts if len(part) > 1], group=group)


def _ends(item: Item, machine: Machine) -> bool:
    return machine.states[name_of(item)].kind is Kind.END


def _joined(items: list[Item], parts: Iterable[Sequence[str]], *, group: Callable[[list[Item]], Group]) -> list[Item]:
    """`items` with the named ones of each part in one group, which stands where the first of them stood."""
    for part in parts:
        members = [item for item in items if name_of(item) in part]
        place = items.index(members[0])
        items = [item for item in items if item not in members]
        items.insert(place, group(members))
    return items
