"""The list of one execution: the rows to show, what became of them, and the rail beside them; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime

from trainyard.client.execution.history import StateVisit, Status
from trainyard.console.yard.groups import Group, Item
from trainyard.console.yard.lanes import Step, lanes
from trainyard.console.yard.layout import Layout, top_of
from trainyard.console.yard.machine import Edge, Kind
from trainyard.console.yard.rail import Path, Point, height, line, rail_for
from trainyard.console.yard.times import Span, Visited, visited
from trainyard.pages import formats

NO_NOTES: Mapping[str, str] = {}


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row. `number` is the same for the same state in every picture of a layout.

    `folded` counts the states in the row, itself included; `unfolds` is whether it can be opened by its name. `seconds`
    is None for what was not reached and for states that do no work; the bar is in thousandths of the execution's time.
    A `note` says why a state that does work was passed by.
    """

    number: int
    name: str
    kind: Kind
    folded: int
    unfolds: bool
    status: Status | None
    visits: int
    seconds: float | None
    bar_start: float
    bar_length: float
    x: int
    y: int
    note: str = ""

    @property
    def duration(self) -> str:
        return "" if self.seconds is None else formats.duration(self.seconds)


@dataclass(frozen=True, kw_only=True)
class Picture:
    """The rows from top to bottom, and the rail's size and paths in pixels, those that were taken last."""

    rows: tuple[Row, ...]
    width: int
    height: int
    paths: tuple[Path, ...]


@dataclass(frozen=True, kw_only=True)
class _Shown:
    """A row before it has a lane: `states` are those in it, `named` the one whose visits it shows."""

    named: str
    kind: Kind
    states: tuple[str, ...]
    unfolds: bool


def picture(
    layout: Layout,
    visits: Sequence[StateVisit],
    *,
    now: datetime,
    unfolded: frozenset[str] = frozenset(),
    visited_only: bool = False,
    notes: Mapping[str, str] = NO_NOTES,
) -> Picture:
    """The picture of an execution until `now`. Visits of states that the layout lacks are left out.

    A group is open when one of its states was visited or its name is in `unfolded`. `visited_only` leaves out what was
    not visited and has no note; `notes` are told by the states that they are about.
    """
    known = [visit for visit in visits if visit.name in layout.kinds]
    by_state = visited(known, now=now)
    shown = _shown(layout.items, layout=layout, reached={*by_state, *notes}, unfolded=unfolded)
    rows = sorted(shown, key=lambda row: top_of(row.states, layout.order))
    if visited_only:
        rows = [row for row in rows if row.named in by_state or row.named in notes]
    return _drawn(rows, layout=layout, visits=known, by_state=by_state, notes=notes)


def _shown(items: Iterable[Item], *, layout: Layout, reached: Set[str], unfolded: Set[str]) -> Iterator[_Shown]:
    for item in items:
        if isinstance(item, str):
            yield _Shown(named=item, kind=layout.kinds[item], states=(item,), unfolds=False)
        elif _is_open(item, reached=reached, unfolded=unfolded):
            yield from _shown(item.members, layout=layout, reached=reached, unfolded=unfolded)
        else:
            yield _Shown(named=item.name, kind=item.kind, states=item.states, unfolds=not item.quiet)


def _is_open(group: Group, *, reached: Set[str], unfolded: Set[str]) -> bool:
    # What the closed row shows of its head needs no opening.
    return group.name in unfolded or any(state in reached and state != group.head for state in group.states)


def _drawn(
    rows: Sequence[_Shown],
    *,
    layout: Layout,
    visits: Sequence[StateVisit],
    by_state: Mapping[str, Visited],
    notes: Mapping[str, str],
) -> Picture:
    steps = _steps(rows, layout.edges)
    placed = lanes(
        len(rows),
        main={place for place, row in enumerate(rows) if not layout.main.isdisjoint(row.states)},
        steps=list(steps),
    )
    rail = rail_for(placed)
    taken = _taken(visits, layout.edges)
    paths = [
        Path(
            d=line(step, lanes=placed, rail=rail), classes=_classes(step, edges, taken=taken, way=placed.steps[step][0])
        )
        for step, edges in steps.items()
    ]
    span = Span.of(by_state.values())
    return Picture(
        rows=tuple(
            replace(
                _row(row, layout=layout, found=by_state.get(row.named), span=span, node=rail.node(lane, place)),
                note=notes.get(row.named, ""),
            )
            for place, (row, lane) in enumerate(zip(rows, placed.rows, strict=True))
        ),
        width=rail.width,
        height=height(rows),
        paths=tuple(sorted(paths, key=lambda path: "not-taken" not in path.classes)),
    )


def _row(row: _Shown, *, layout: Layout, found: Visited | None, span: Span, node: Point) -> Row:
    start, length = span.bar(found) if found else (0.0, 0.0)
    return Row(
        number=layout.order[row.named],
        name=row.named,
        kind=row.kind,
        folded=len(row.states),
        unfolds=row.unfolds,
        status=found.status if found else None,
        visits=found.visits if found else 0,
        seconds=found.seconds if found else None,
        bar_start=start,
        bar_length=length,
        x=node[0],
        y=node[1],
    )


def _steps(rows: Sequence[_Shown], edges: Iterable[Edge]) -> dict[Step, list[Edge]]:
    """The edges between two rows, each pair of rows once."""
    place = {state: number for number, row in enumerate(rows) for state in row.states}
    found: dict[Step, list[Edge]] = {}
    for edge in edges:
        source, target = place.get(edge.source), place.get(edge.target)
        if source is not None and target is not None and source != target:
            found.setdefault((source, target), []).append(edge)
    return found


def _taken(visits: Iterable[StateVisit], edges: Iterable[Edge]) -> set[tuple[str, str]]:
    """The transitions that led to the visits: each from the state visited last of those that lead there."""
    before: dict[str, list[str]] = {}
    for edge in edges:
        before.setdefault(edge.target, []).append(edge.source)
    last: dict[str, int] = {}
    found = set()
    for number, visit in enumerate(visits):
        sources = [name for name in before.get(visit.name, ()) if name in last]
        if sources:
            found.add((max(sources, key=last.__getitem__), visit.name))
        last[visit.name] = number
    return found


def _classes(step: Step, edges: Sequence[Edge], *, taken: Set[tuple[str, str]], way: str) -> str:
    words = ["taken" if any((edge.source, edge.target) in taken for edge in edges) else "not-taken"]
    words += ["catch"] if all(edge.catch for edge in edges) else []
    words += ["back"] if step[1] < step[0] else []
    return " ".join([*words, *(["skip"] if way == "skip" else [])])
