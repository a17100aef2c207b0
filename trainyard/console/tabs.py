"""The tabs of a run: which pages it has, asked for once by each of them."""

from __future__ import annotations

from dataclasses import dataclass

from trainyard.client.run.artifacts import RunArtifacts
from trainyard.client.run.runs import RunRecord
from trainyard.client.run.search import searched
from trainyard.run.run import Run
from trainyard.run.stage import Stage


@dataclass(frozen=True, kw_only=True)
class Tabs:
    """A run with the name of its execution, or its own id where that is unknown; one that `searched` has one more."""

    recipe: str
    run_id: str
    execution: str
    searched: bool = False


def of_record(record: RunRecord) -> Tabs:
    """The tabs of a run that was read."""
    return Tabs(
        recipe=record.request.recipe,
        run_id=record.request.run_id,
        execution=record.execution,
        searched=searched(record.request),
    )


def of_artifacts(run: RunArtifacts) -> Tabs:
    """The tabs of a run by its folder, also where what it was asked to do is no longer there."""
    recipe, _, run_id = run.prefix.partition("/")
    request = run.document(Stage.RESOLVE, Run)
    if request is None:
        return Tabs(recipe=recipe, run_id=run_id, execution=run_id)
    execution = request.execution_arn.rpartition(":")[2]
    return Tabs(recipe=recipe, run_id=run_id, execution=execution, searched=searched(request))
