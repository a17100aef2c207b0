"""Reads a definition (Amazon States Language) as a graph: its states in the file's order, their kinds and edges.

Runs where the console is served. The states inside a Map or Parallel state belong to the same graph and come after it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from trainyard.client.execution.definition import successors

# Jobs and calls of SageMaker are what an execution is about: the main line follows them (see main_line.py).
WORK, OTHER_TASK, LOOK, NO_WORK = 10, 1, 0, -1


class Kind(StrEnum):
    """What a row stands for; the shape of its node on the rail."""

    TASK = "task"
    CHOICE = "choice"
    END = "end"
    MAP = "map"
    GROUP = "group"


@dataclass(frozen=True, kw_only=True)
class Edge:
    """A transition. Catches are taken when a task failed; `inside` leads from a Map to what it runs."""

    source: str
    target: str
    catch: bool = False
    inside: bool = False

    @property
    def planned(self) -> bool:
        """Whether an execution goes this way although nothing fails."""
        return not (self.catch or self.inside)


@dataclass(frozen=True, kw_only=True)
class State:
    """One state. `parent` is the Map or Parallel state that runs it, "" for none."""

    name: str
    kind: Kind
    weight: int
    waits: bool
    final: bool
    succeeds: bool
    parent: str


@dataclass(frozen=True, kw_only=True)
class Machine:
    """The graph of a definition: at most one edge between two states, in the order of the file."""

    start: str
    states: Mapping[str, State]
    edges: tuple[Edge, ...]


def read(definition: Mapping[str, Any]) -> Machine:
    """The machine of a definition. Transitions to states that it lacks are left out."""
    found = {state.name: (state, raw) for state, raw in _states(definition, parent="")}
    edges: dict[tuple[str, str], Edge] = {}
    for name, (_, raw) in found.items():
        for edge in _edges(name, raw):
            if edge.target in found:
                # A task whose catcher leads where it goes anyway has one line, a plain one.
                edges.setdefault((edge.source, edge.target), edge)
    return Machine(
        start=definition.get("StartAt", ""),
        states={name: state for name, (state, _) in found.items()},
        edges=tuple(edges.values()),
    )


def _states(machine: Mapping[str, Any], *, parent: str) -> Iterator[tuple[State, Mapping[str, Any]]]:
    for name, raw in machine.get("States", {}).items():
        yield _state(name, raw, parent=parent), raw
        for each in _inside(raw):
            yield from _states(each, parent=name)


def _state(name: str, raw: Mapping[str, Any], *, parent: str) -> State:
    type_ = raw["Type"]
    return State(
        name=name,
        kind=_kind(type_),
        weight=_weight(type_, raw.get("Resource", "")),
        waits=type_ == "Wait",
        final=type_ in ("Succeed", "Fail") or bool(raw.get("End")),
        succeeds=type_ == "Succeed" or bool(raw.get("End")),
        parent=parent,
    )


def _edges(name: str, raw: Mapping[str, Any]) -> Iterator[Edge]:
    yield from (Edge(source=name, target=target) for target in successors(raw))
    yield from (Edge(source=name, target=each["Next"], catch=True) for each in raw.get("Catch", ()))
    yield from (Edge(source=name, target=each.get("StartAt", ""), inside=True) for each in _inside(raw))


def _inside(raw: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The machines that a state runs: a Map one (Iterator is its older name), a Parallel state several."""
    return [*(raw[key] for key in ("ItemProcessor", "Iterator") if key in raw), *raw.get("Branches", ())]


def _kind(type_: str) -> Kind:
    kinds = {"Choice": Kind.CHOICE, "Succeed": Kind.END, "Fail": Kind.END, "Map": Kind.MAP, "Parallel": Kind.MAP}
    return kinds.get(type_, Kind.TASK)


def _weight(type_: str, resource: str) -> int:
    if type_ != "Task":
        return NO_WORK
    if ":describe" in resource:
        return LOOK
    return WORK if ".sync" in resource or "sagemaker" in resource else OTHER_TASK
