"""Stage verify, from top to bottom: find what was predicted, join it with labels, judge, tell; processing image."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

from trainyard.errors import JobFailed, NotFound
from trainyard.run import recipe
from trainyard.run.documents import Comparison, Metric
from trainyard.run.run import Run
from trainyard.run.stage import Stage
from trainyard.run.store import RunStore
from trainyard.run.watch import metrics as model_metrics
from trainyard.run.watch.observed import METRIC, ObservedQuality, ObservedVerdict, widened
from trainyard.stages.verify.join import Join, joining
from trainyard.stages.verify.judge import Judge
from trainyard.stages.verify.labelled import Labelled
from trainyard.stages.verify.later import later, model_of
from trainyard.stages.verify.message import message
from trainyard.stages.verify.predictions import Kept, Scored, kept, scored

ROWS_FILE = "rows.parquet"


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """Where it is measured whether a model keeps its promise: CloudWatch's client (boto3), and the namespace."""

    cloudwatch: Any
    namespace: str


def verify(store: RunStore, labels: Path, *, in_use: str, output: Path, latest: Path, alarm: Alarm) -> ObservedQuality:
    """Write `observed_quality.json` to `output`; and to `latest` too, with every label beside its prediction.

    What the state machine reads of it is `observed_verdict.json` in `output`. Where a run that began later has told of
    the same data set and model already, nothing is written to `latest`, and nothing measured: its labels are newer.

    `labels` is the folder of the ingested table; `in_use` the run whose model is. The same labels and predictions give
    the same figures, whichever upload asked for them.
    """
    truth = recipe.truth(store.run.recipe)
    if truth is None:
        raise JobFailed(f"Expected a recipe with TRUTH in its config.py, found {store.run.recipe} without.")
    columns = recipe.score_columns(store.run.recipe)
    with joining(sorted(labels.glob("*.parquet")), truth, columns=columns) as join:
        name = model_of(store.run)
        unread = _add_predictions(store, join, model=name)
        labelled = join.finish(in_use=in_use)
        found = replace(_judged(store, labelled, model=name, in_use=in_use), unread=unread)
        # As late as can be: what is written is uploaded when the job has ended.
        found = replace(found, later_run=later(store))
        if not found.later_run:
            labelled.write(latest / ROWS_FILE)
    found = replace(found, worse=bool(found.used and found.used.worse))
    found = replace(found, message=message(found))
    found.write(output)
    ObservedVerdict.of(found).write(output)
    if not found.later_run:
        found.write(latest)
        _measure(found, alarm)
    return found


def _judged(store: RunStore, labelled: Labelled, *, model: str, in_use: str) -> ObservedQuality:
    """What the labels say of all that was predicted."""
    run, counts, versions = store.run, labelled.counts(), labelled.versions()
    judge = Judge(
        labelled=labelled,
        module=recipe.module(run.recipe, "truth"),
        config=recipe.config(run.recipe, run.config),
        promises={each: _promised(store.of_run(each)) for each in versions},
    )
    return ObservedQuality(
        recipe=run.recipe,
        model=model,
        dataset=run.dataset,
        run_id=run.run_id,
        labels=counts.labels,
        judged=counts.judged,
        early=counts.early,
        unknown=counts.unknown,
        unit=labelled.unit,
        in_use=in_use,
        models=tuple(judge.models()),
        same_rows=tuple(judge.same_rows(in_use)),
    )


def _add_predictions(store: RunStore, join: Join, *, model: str) -> int:
    """Bulk scores where the recipe judges them, and requests where the endpoint kept any; how many were not read."""
    until = join.newest()
    if until is None:
        return 0
    with tempfile.TemporaryDirectory(prefix="verify-") as name:
        folder = Path(name)
        scores = scored(store, model, until=until, scratch=folder) if join.truth.key else ()
        found: Iterator[Scored | Kept] = chain(scores, kept(store, model, scratch=folder))
        return sum(not join.add(each) for each in found)


def _promised(store: RunStore) -> dict[str, Metric]:
    """The metrics of a model's evaluation; none where that is gone."""
    try:
        evaluation = store.read_document(Stage.EVALUATE, Comparison)
        # Not as a configuration: settings that it has may be gone from the recipe since.
        confidence = float(store.read_document(Stage.RESOLVE, Run).config["gate"]["confidence"])
    except NotFound:
        return {}
    return {name: widened(each, confidence=confidence) for name, each in evaluation.metrics.items()}


def _measure(found: ObservedQuality, alarm: Alarm) -> None:
    """Nothing is said of a model that cannot be judged: the alarm stays as it is."""
    if found.used is None or found.used.whole.verdict in ("too few", "not compared"):
        return
    worse = float(found.worse)
    model_metrics.put(alarm.cloudwatch, alarm.namespace, model=found.model, metric=METRIC, value=worse)
