"""Gives every row and every long edge a lane beside the main line, so that none runs into another; pure.

Lanes are numbers: 0 is the main line, rows off it and what comes back to or from them lie to the right (1, 2, ...), and
what leaves the main line only to come back to it lies to the left (-1, -2, ...). This is interval colouring: short
intervals take the lane next to the main line, long ones go round them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from enum import StrEnum
from itertools import count, pairwise
from typing import TypeAlias

# From a row to a row, by their places in the list.
Step: TypeAlias = tuple[int, int]


class Way(StrEnum):
    """How an edge runs: along the main line, down a row's own lane, past rows of the main line, or up again."""

    MAIN = "main"
    ROW = "row"
    SKIP = "skip"
    BACK = "back"
    ROW_BACK = "row back"


Key: TypeAlias = tuple[Way, int]


@dataclass(frozen=True, kw_only=True)
class Track:
    """What a lane is taken by, from one row to another. Edges of one way to the same row share a track.

    A `closed` track may not even touch another in its lane: its ends would be read as the other's.
    """

    key: Key
    top: int
    bottom: int
    closed: bool = False

    def meets(self, other: Track) -> bool:
        if self.closed or other.closed:
            return self.top <= other.bottom and other.top <= self.bottom
        return self.top < other.bottom and other.top < self.bottom


@dataclass(frozen=True, kw_only=True)
class Lanes:
    """The lane of each row, that of each edge, and the tracks they come from."""

    rows: tuple[int, ...]
    steps: Mapping[Step, tuple[Way, int]]
    tracks: Mapping[Track, int]


def lanes(rows: int, *, main: Set[int], steps: Sequence[Step]) -> Lanes:
    """Lanes for `rows` rows of which those in `main` are on the main line, and for the edges between them."""
    along = set(pairwise(sorted(main)))
    keys = {step: _key(step, main=main, along=along) for step in steps}
    tracks = [*_row_tracks(rows, main=main, keys=keys), *_edge_tracks(keys)]
    right = [track for track in tracks if track.key[0] in (Way.ROW, Way.ROW_BACK)]
    placed = _placed(right, keys) | {
        track: -lane for track, lane in _placed([track for track in tracks if track not in right], keys).items()
    }
    by_key = {track.key: lane for track, lane in placed.items()} | {(Way.MAIN, row): 0 for row in main}
    return Lanes(
        rows=tuple(0 if row in main else by_key[Way.ROW, row] for row in range(rows)),
        steps={step: (key[0], by_key[key]) for step, key in keys.items()},
        tracks=placed,
    )


def _key(step: Step, *, main: Set[int], along: Set[Step]) -> Key:
    source, target = step
    beside = not {source, target} <= main
    if target < source:
        return Way.ROW_BACK if beside else Way.BACK, target
    if beside:
        # Down the lane of the row it leads to, or of the one it comes from where that joins the main line.
        return Way.ROW, source if target in main else target
    return Way.MAIN if step in along else Way.SKIP, target


def _row_tracks(rows: int, *, main: Set[int], keys: Mapping[Step, Key]) -> list[Track]:
    found = []
    for row in range(rows):
        if row not in main:
            ends = [row, *(end for step, key in keys.items() if key == (Way.ROW, row) for end in step)]
            found.append(Track(key=(Way.ROW, row), top=min(ends), bottom=max(ends)))
    return found


def _edge_tracks(keys: Mapping[Step, Key]) -> list[Track]:
    ends: dict[Key, list[int]] = {}
    for step, key in keys.items():
        if key[0] not in (Way.ROW, Way.MAIN):
            ends.setdefault(key, []).extend(step)
    return [
        Track(key=key, top=min(rows), bottom=max(rows), closed=key[0] is not Way.SKIP) for key, rows in ends.items()
    ]


def _placed(tracks: Iterable[Track], keys: Mapping[Step, Key]) -> dict[Track, int]:
    """A lane for each track: that of a neighbour where it is free, so that a chain is straight; else the lowest."""
    placed: dict[Track, int] = {}
    for track in sorted(tracks, key=lambda each: (each.bottom - each.top, each.top)):
        taken = {lane for other, lane in placed.items() if track.meets(other)}
        near = _neighbours(track, keys)
        wanted = [lane for other, lane in placed.items() if other.key in near]
        placed[track] = next((lane for lane in wanted if lane not in taken), _lowest(taken))
    return placed


def _lowest(taken: Set[int]) -> int:
    return next(lane for lane in count(1) if lane not in taken)


def _neighbours(track: Track, keys: Mapping[Step, Key]) -> set[Key]:
    way, row = track.key
    if way is not Way.ROW:
        return set()
    steps = [step for step, key in keys.items() if key[0] is Way.ROW and row in step]
    return {(Way.ROW, end) for step in steps for end in step} - {track.key}
