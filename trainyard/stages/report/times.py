"""The part of a report about what the jobs before it took, and what that costs at list prices; runs in processing."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from trainyard.contract.config import Job, RecipeConfig
from trainyard.contract.report import Cell, Section, Table
from trainyard.pages.formats import duration
from trainyard.run.documents import JobTime, JobTimes
from trainyard.run.prices import Machines, price, prices_of
from trainyard.run.run import Run
from trainyard.run.search_table import FILE, SECONDS, number

# Whose machine, of `jobs` in the settings, the job of a state runs on; Glue says by itself what a job ran on.
STAGES = {
    "Build training examples": "process",
    "Tune hyperparameters": "tune",
    "Analyse tuning": "report",
    "Train model": "train",
    "Evaluate model": "evaluate",
}


@dataclass(frozen=True, kw_only=True)
class _Took:
    """A state, how many seconds it took, and the machines of its job, which run longer where several ran at once."""

    state: str
    seconds: float
    machines: Machines


def time_sections(run: Run, config: RecipeConfig, *, gated: Path | None, search: Path | None) -> tuple[Section, ...]:
    """What the states before the gate took, by what it kept in `gated`; none where it kept nothing.

    `search` is the folder of what was tried: a search runs several jobs at once.
    """
    if gated is None or not (gated / JobTimes.FILE).is_file():
        return ()
    rows = [_took(each, config, search=search) for each in JobTimes.read(gated).jobs]
    return (_section(run, rows),) if rows else ()


def _section(run: Run, rows: list[_Took]) -> Section:
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


def _took(job: JobTime, config: RecipeConfig, *, search: Path | None) -> _Took:
    seconds = (_moment(job.left) - _moment(job.entered)).total_seconds()
    settings = config.jobs.get(STAGES.get(job.state, ""))
    if settings is None:
        return _Took(state=job.state, seconds=seconds, machines=_glue(job, seconds))
    ran = _searched(search) if STAGES[job.state] == "tune" else seconds
    return _Took(state=job.state, seconds=seconds, machines=_instances(settings, ran))


def _glue(job: JobTime, seconds: float) -> Machines:
    return Machines(kind=job.machine, count=job.count, seconds=seconds)


def _instances(settings: Job, seconds: float) -> Machines:
    return Machines(kind=settings.instance_type, count=settings.instance_count, seconds=seconds)


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


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
