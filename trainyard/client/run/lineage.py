"""What a run's model came from and what came of it: files, run, version, endpoints, scorings; runs on a laptop."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from trainyard.client.deployment import Deployment
from trainyard.client.model import endpoints, models
from trainyard.client.model.endpoints import Endpoint
from trainyard.client.run import artifacts, runs
from trainyard.client.run.runs import RunRecord
from trainyard.run.documents import ScoreSummary
from trainyard.run.registry import Version
from trainyard.run.run import Run
from trainyard.run.stage import Stage

READ_AT_ONCE = 8
# Of a recipe's runs the newest so many are looked at for scorings by a model.
SEARCHED = 200


@dataclass(frozen=True, kw_only=True)
class Scoring:
    """A bulk scoring by the model: its run and how many rows of which data set it scored."""

    run_id: str
    dataset: str
    rows: int


@dataclass(frozen=True, kw_only=True)
class Lineage:
    """From the files to the scorings; `version` is None for a model that was not registered."""

    run: RunRecord
    version: Version | None
    in_use: Sequence[str]
    endpoints: Sequence[Endpoint]
    scorings: Sequence[Scoring]


def lineage(deployment: Deployment, recipe: str, *, run_id: str) -> Lineage:
    """The lineage of a run's model. Raises NotFound for a run that left nothing."""
    record = runs.read(deployment, recipe, run_id=run_id)
    model = str(record.request.config.get("model") or "")
    registered = models.versions(deployment, recipe, model=model)
    return Lineage(
        run=record,
        version=next((each for each in registered if each.run_id == run_id), None),
        in_use=[each.name for each in models.in_use(deployment) if (each.recipe, each.run_id) == (recipe, run_id)],
        endpoints=[each for each in endpoints.listed(deployment) if each.run == run_id],
        scorings=_scorings(deployment, recipe, run_id=run_id),
    )


def _scorings(deployment: Deployment, recipe: str, *, run_id: str) -> list[Scoring]:
    """The scorings by the model of a run, the newest first: a run id begins with its time, so they are newer."""
    newer = [each for each in artifacts.run_ids(deployment, recipe) if each > run_id][:SEARCHED]
    with ThreadPoolExecutor(READ_AT_ONCE) as pool:
        found = pool.map(lambda each: _scoring(deployment, recipe, run_id=each, by=run_id), newer)
        return [each for each in found if each is not None]


def _scoring(deployment: Deployment, recipe: str, *, run_id: str, by: str) -> Scoring | None:
    run = artifacts.of_run(deployment, recipe, run_id=run_id)
    summary = run.document(Stage.SCORE, ScoreSummary)
    if summary is None or summary.model_run != by:
        return None
    request = run.document(Stage.RESOLVE, Run)
    return Scoring(run_id=run_id, dataset=request.dataset if request else "", rows=summary.rows)
