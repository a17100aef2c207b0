"""Draws the edges of the list as paths of an SVG, in pixels; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from trainyard.console.yard.lanes import Lanes, Step, Way

# The height of a row is the one of yard.css.
ROW, LANE, MARGIN = 30, 11, 9
NODE = 5
# An edge leaves a row and reaches the next in the gap between them, in curves of this radius.
GAP, CURVE = 8, 5
# Skips leave and reach the main line right at the node, so that there is room for other edges in the gap.
SKIP_GAP = CURVE
Point: TypeAlias = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Path:
    """The `d` of a path, and its classes: taken or not-taken, and of catch, back and skip what it is."""

    d: str
    classes: str


@dataclass(frozen=True, kw_only=True)
class Rail:
    """Where lanes and rows lie, from the top left corner."""

    leftmost: int
    rightmost: int

    @property
    def width(self) -> int:
        return 2 * MARGIN + (self.rightmost - self.leftmost) * LANE

    def x(self, lane: int) -> int:
        return MARGIN + (lane - self.leftmost) * LANE

    def node(self, lane: int, row: int) -> Point:
        """The middle of a row's node."""
        return self.x(lane), row * ROW + ROW // 2


def rail_for(lanes: Lanes) -> Rail:
    """The rail that has room for all lanes."""
    used = [0, *lanes.rows, *(lane for _, lane in lanes.steps.values())]
    return Rail(leftmost=min(used), rightmost=max(used))


def line(step: Step, *, lanes: Lanes, rail: Rail) -> str:
    """The `d` of an edge from one row to another."""
    source, target = step
    way, lane = lanes.steps[step]
    start, end = rail.node(lanes.rows[source], source), rail.node(lanes.rows[target], target)
    across = rail.x(lane)
    if way in (Way.BACK, Way.ROW_BACK):
        return _back(start=start, end=end, across=across)
    gap = SKIP_GAP if way is Way.SKIP else GAP
    way_in = _in(across, (end[0], end[1] - gap))
    return f"M{start[0]} {start[1]}" + _out((start[0], start[1] + gap), across) + (way_in or f"V{end[1]}")


def _out(node: Point, across: int) -> str:
    """From a node sideways into a lane, and down it."""
    x, y = node
    if x == across:
        return ""
    turn = CURVE if across > x else -CURVE
    return f"V{y - CURVE}Q{x} {y} {x + turn} {y}H{across - turn}Q{across} {y} {across} {y + CURVE}"


def _in(across: int, node: Point) -> str:
    """Down a lane and out of it sideways to a node."""
    x, y = node
    if x == across:
        return ""
    turn = CURVE if x > across else -CURVE
    return f"V{y - CURVE}Q{across} {y} {across + turn} {y}H{x - turn}Q{x} {y} {x} {y + CURVE}"


def _back(*, start: Point, end: Point, across: int) -> str:
    """From a node sideways into a lane, up it, and to the side of another node, where the arrow is."""
    (x, y), (to, up) = start, end
    out, into = (CURVE if across > each else -CURVE for each in (x, to))
    head = to + (NODE + 1 if across > to else -NODE - 1)
    return (
        f"M{x} {y}H{across - out}Q{across} {y} {across} {y - CURVE}"
        f"V{up + CURVE}Q{across} {up} {across - into} {up}H{head}"
    )


def height(rows: Sequence[object]) -> int:
    """The height of the rail beside some rows."""
    return len(rows) * ROW
