"""The part of a report about what the jobs before it took, and what that costs at list prices; runs in processing."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path

from trainyard.contract.config import RecipeConfig
from trainyard.contract.report import Cell, Section, Table
from trainyard.pages.formats import duration
from trainyard.run.costs.jobs import StateTime, state_times
from trainyard.run.costs.prices import Machines, price, prices_of
from trainyard.run.documents import JobTimes
from trainyard.run.run import Run
from trainyard.run.search_table import FILE, SECONDS, number


def time_sections(run: Run, config: RecipeConfig, *, gated: Path | None, search: Path | None) -> tuple[Section, ...]:
    """What the states before the gate took, by what it kept in `gated`; none where it kept nothing.

    `search` is the folder of what was tried: a search runs several jobs at once.
    """
    if gated is None or not (gated / JobTimes.FILE).is_file():
        return ()
    rows = state_times(JobTimes.read(gated), config, searched_seconds=_searched(search))
    return (_section(run, rows),) if rows else ()


def _section(run: Run, rows: list[StateTime]) -> Section:
    costs = [price(each.machines, region=run.region) for each in rows]
    unknown = " at least" if None in costs else ""
    table: list[tuple[Cell, ...]] = [
        (each.state, duration(each.seconds), _machine(each.machines), "unknown" if usd is None else round(usd, 4))
        for each, usd in zip(rows, costs, strict=True)
    ]
    text = (
        f"Up to this page its jobs took {duration(sum(each.seconds for each in rows))}, which costs{unknown} "
        f"{sum(each or 0.0 for each in costs):.2f} USD in AWS, at {prices_of(run.region)}. These are the times of the "
        "states: the wait for a machine is in them, which AWS does not charge. "
        f"`trainyard show {run.run_id}` and the console have what the jobs themselves ran, and what came later."
    )
    columns = ("state", "took", "machine", "USD")
    return Section(title="What it took", text=text, tables=(Table(columns=columns, rows=table),))


def _searched(folder: Path | None) -> float:
    """How long all training jobs of a search ran together."""
    if folder is None or not (folder / FILE).is_file():
        return 0.0
    return sum(_seconds(folder / FILE))


def _seconds(path: Path) -> Iterator[float]:
    with path.open(newline="", encoding="utf-8") as file:
        row: Mapping[str, str]
        for row in csv.DictReader(file):
            yield number(row.get(SECONDS, "")) or 0.0


def _machine(machines: Machines) -> str:
    return f"{machines.count:g} x {machines.kind}" if machines.kind else "unknown"
