"""Sets runs beside each other: what was set and read differently, and what each found; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trainyard.client.run.runs import ABSENT, RunRecord
from trainyard.run.documents import Difference, Metric


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
class RunComparison:
    """`settings`, `files` and `data` hold only what differs; `difference` is known where one run was gated against
    the other: how much the later one exceeds the earlier one on the same held-out examples, in the words of `between`.
    """

    runs: Sequence[RunRecord]
    settings: Sequence[Line]
    files: Sequence[Line]
    data: Sequence[Line]
    metrics: Sequence[MetricLine]
    same_holdout: bool
    between: str = ""
    difference: Difference | None = None


def compare(runs: Sequence[RunRecord]) -> RunComparison:
    """Two or more runs of one recipe, side by side."""
    between, difference = _difference(runs)
    return RunComparison(
        runs=runs,
        settings=_differing([{**each.settings, "code version": each.request.code_version} for each in runs]),
        files=_differing([_files(each) for each in runs]),
        data=_differing([dict(each.quality.figures) if each.quality else {} for each in runs]),
        metrics=_metrics(runs),
        same_holdout=len({_holdout(each) for each in runs}) == 1,
        between=between,
        difference=difference,
    )


def _differing(columns: Sequence[Mapping[str, Any]]) -> list[Line]:
    names = dict.fromkeys(name for each in columns for name in each)
    lines = [Line(name=name, values=[each.get(name, ABSENT) for each in columns]) for name in names]
    return [each for each in lines if any(value != each.values[0] for value in each.values)]


def _files(run: RunRecord) -> dict[str, str]:
    """The version that was read of each file, by its content: the same bytes uploaded again are the same."""
    return {each.name: each.etag or each.version_id for each in run.request.files}


def _holdout(run: RunRecord) -> tuple[Any, ...]:
    """What decides which examples are held out: the files and the settings of the data."""
    data = tuple((path, str(value)) for path, value in run.settings.items() if path.startswith("data."))
    return tuple(sorted(_files(run).items())), data


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


def _difference(runs: Sequence[RunRecord]) -> tuple[str, Difference | None]:
    """The paired difference that the gate drew, where one of the runs was compared with another of them."""
    ids = {each.request.run_id for each in runs}
    for each in runs:
        champion = each.comparison.champion if each.comparison else None
        if champion is not None and champion.run_id in ids:
            return f"{each.request.run_id} minus {champion.run_id}", champion.difference
    return "", None
