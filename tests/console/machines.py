"""Definitions of all shapes, to draw the yard of, and what their pictures must hold to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import combinations, pairwise
from typing import Any

from hypothesis import strategies as st

from state_machines.definition import inside
from trainyard.console.yard.picture import Picture
from trainyard.console.yard.rail import ROW, Path

NODE_RADIUS = 6


def all_states(machine: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every state in the order of the file, those of a Map after it."""
    for name, state in machine["States"].items():
        yield name, state
        for each in inside(state):
            yield from all_states(each)


def transitions(machine: Mapping[str, Any]) -> set[tuple[str, str]]:
    """From which state to which: each choice, each catch, and into each Map; not from a state to itself."""
    found = set()
    for name, state in all_states(machine):
        found |= {(name, each["Next"]) for each in [*state.get("Choices", ()), *state.get("Catch", ())]}
        found |= {(name, state[key]) for key in ("Next", "Default") if key in state}
        found |= {(name, each["StartAt"]) for each in inside(state)}
    return {(source, target) for source, target in found if source != target}


def points(path: Path) -> list[tuple[float, float]]:
    """The corners of a path that is made of M, H, V and Q."""
    found: list[tuple[float, float]] = []
    for command, text in re.findall(r"([MHVQ])([^MHVQ]*)", path.d):
        numbers = [float(each) for each in text.split()]
        x, y = found[-1] if found else (0.0, 0.0)
        straight = {"H": (numbers[-1], y), "V": (x, numbers[-1])}
        found.append(straight[command] if command in straight else (numbers[-2], numbers[-1]))
    return found


def drawn(picture: Picture) -> list[tuple[str, str]]:
    """From which row to which each path leads, by where it begins and ends."""
    return [(_row_at(picture, points(path)[0]), _row_at(picture, points(path)[-1])) for path in picture.paths]


def _row_at(picture: Picture, point: tuple[float, float]) -> str:
    row = picture.rows[int(point[1] // ROW)]
    assert abs(row.x - point[0]) <= NODE_RADIUS and abs(row.y - point[1]) <= NODE_RADIUS
    return row.name


def check_lanes(picture: Picture) -> None:
    """No path runs over another, but for those with a common end, and none through the node of a third row."""
    ends = drawn(picture)
    verticals = [list(_verticals(path)) for path in picture.paths]
    for (first, there), (second, here) in combinations(zip(verticals, ends, strict=True), 2):
        if there[0] != here[0] and there[1] != here[1]:
            assert not any(_overlap(one, other) for one in first for other in second), (there, here)
    for lines, names in zip(verticals, ends, strict=True):
        for row in picture.rows:
            if row.name not in names:
                assert not any(x == row.x and top < row.y < bottom for x, top, bottom in lines), (row.name, names)


def _verticals(path: Path) -> Iterator[tuple[float, float, float]]:
    corners = points(path)
    for (x, y), (other, down) in pairwise(corners):
        if x == other and y != down:
            yield x, min(y, down), max(y, down)


def _overlap(one: tuple[float, float, float], other: tuple[float, float, float]) -> bool:
    return one[0] == other[0] and one[1] < other[2] and other[1] < one[2]


@st.composite
def machines(draw: st.DrawFn, prefix: str = "s", depth: int = 1) -> dict[str, Any]:
    """A machine of up to nine states whose transitions lead anywhere; some of its states run machines themselves."""
    names = [f"{prefix}{number}" for number in range(draw(st.integers(1, 9)))]
    targets = st.sampled_from(names)
    return {"StartAt": names[0], "States": {name: draw(_states(name, targets, depth)) for name in names}}


@st.composite
def _states(draw: st.DrawFn, name: str, targets: st.SearchStrategy[str], depth: int) -> dict[str, Any]:
    kinds = ["Task", "Task", "Choice", "Choice", "Wait", "Wait", "Succeed", "Fail", *(["Map", "Parallel"] * depth)]
    state: dict[str, Any] = {"Type": draw(st.sampled_from(kinds))}
    if state["Type"] in ("Succeed", "Fail"):
        return state
    if state["Type"] == "Choice":
        choices = [{"Next": each} for each in draw(st.lists(targets, min_size=1, max_size=3))]
        return {**state, "Choices": choices, "Default": draw(targets)}
    state |= {"Next": draw(targets)} if draw(st.integers(0, 4)) else {"End": True}
    if state["Type"] == "Task":
        resource = draw(st.sampled_from(["lambda:invoke", "glue:startJobRun.sync"]))
        state |= {"Resource": resource, "Catch": [{"Next": each} for each in draw(st.lists(targets, max_size=2))]}
    if state["Type"] == "Map":
        state["ItemProcessor"] = draw(machines(prefix=f"{name}m", depth=depth - 1))
    if state["Type"] == "Parallel":
        state["Branches"] = [draw(machines(prefix=f"{name}p{number}", depth=depth - 1)) for number in range(2)]
    return state
