"""Sets runs beside each other: what was set and read differently, and what each found; runs on a laptop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trainyard.client.run.pairing import Pair, contents, paired, same_holdout
from trainyard.client.run.runs import ABSENT, RunRecord
from trainyard.run.documents import Metric
from trainyard.run.stage import Stage
from trainyard.run.watch.drift import Move, moved
from trainyard.run.watch.profile import DataProfile

OWN_HOLDOUTS = (
    "The metrics of each run are of its own held-out examples, which are not the same: files or settings of the data "
    "differ. Only the difference is of the same examples."
)


@dataclass(frozen=True, kw_only=True)
class Line:
    """One thing, and what each run has of it, in the order of the runs."""

    name: str
    values: Sequence[Any]


@dataclass(frozen=True, kw_only=True)
class MetricLine:
    """One metric by run, None where a run has not got it; the highest of the primary one is `best`."""

    name: str
    values: Sequence[Metric | None]
    primary: bool


@dataclass(frozen=True, kw_only=True)
class Drift:
    """What moved in the data from those of `other` to those of `run`, the farthest first."""

    run: str
    other: str
    moves: Sequence[Move]


@dataclass(frozen=True, kw_only=True)
class RunComparison:
    """`settings`, `files` and `data` hold only what differs; `pairs` are the runs after the first, each beside it.

    `drift` are those of them whose data moved from the first one's.
    """

    runs: Sequence[RunRecord]
    settings: Sequence[Line]
    files: Sequence[Line]
    data: Sequence[Line]
    metrics: Sequence[MetricLine]
    same_holdout: bool
    pairs: Sequence[Pair] = ()
    drift: Sequence[Drift] = ()

    @property
    def caution(self) -> str:
        """A sentence where the holdouts differ and no pair says so: what the gate drew is fair, metrics are not."""
        fair = self.same_holdout or not all(each.difference for each in self.pairs)
        return "" if fair else OWN_HOLDOUTS


def compare(runs: Sequence[RunRecord]) -> RunComparison:
    """Two or more runs of one recipe, side by side."""
    return RunComparison(
        runs=runs,
        settings=_differing([{**each.settings, "code version": each.request.code_version} for each in runs]),
        files=_differing([contents(each) for each in runs]),
        data=_differing([dict(each.quality.figures) if each.quality else {} for each in runs]),
        metrics=_metrics(runs),
        same_holdout=same_holdout(runs),
        pairs=[paired(each, runs[0]) for each in runs[1:]],
        drift=_drift(runs),
    )


def _drift(runs: Sequence[RunRecord]) -> list[Drift]:
    """The runs whose data moved from the first one's, as far as they kept a profile."""
    first, *others = (each.artifacts.document(Stage.INGEST, DataProfile) for each in runs)
    found = [
        Drift(run=run.request.run_id, other=runs[0].request.run_id, moves=moved(first, profile))
        for run, profile in zip(runs[1:], others, strict=True)
        if first and profile
    ]
    return [each for each in found if each.moves]


def _differing(columns: Sequence[Mapping[str, Any]]) -> list[Line]:
    names = dict.fromkeys(name for each in columns for name in each)
    lines = [Line(name=name, values=[each.get(name, ABSENT) for each in columns]) for name in names]
    return [each for each in lines if any(value != each.values[0] for value in each.values)]


def _metrics(runs: Sequence[RunRecord]) -> list[MetricLine]:
    found = [each.comparison for each in runs]
    names = dict.fromkeys(name for each in found if each for name in each.metrics)
    primary = next((each.primary for each in found if each), "")
    return [
        MetricLine(
            name=name, values=[each.metrics.get(name) if each else None for each in found], primary=name == primary
        )
        for name in names
    ]
