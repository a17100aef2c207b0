"""Reads what a run was asked to do and what it found, from the documents in its folder; runs on a laptop."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from trainyard.client.deployment import Deployment
from trainyard.client.run import artifacts
from trainyard.client.run.artifacts import RunArtifacts
from trainyard.contract.quality import QUALITY_FILE, Quality
from trainyard.errors import NotFound, TrainyardError
from trainyard.run import recipe as recipes
from trainyard.run.document import encoded
from trainyard.run.documents import Comparison, Decision
from trainyard.run.run import Run
from trainyard.run.settings.paths import by_path, differing
from trainyard.run.stage import Stage

ABSENT = "not set"


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """One run; what it has not come to yet is None."""

    artifacts: RunArtifacts
    request: Run
    quality: Quality | None
    comparison: Comparison | None
    decision: Decision | None

    @property
    def execution(self) -> str:
        """The name of the execution that made it."""
        return self.request.execution_arn.rpartition(":")[2]

    @property
    def settings(self) -> dict[str, Any]:
        """Every setting of the run by its path: `hyperparameters.epochs`."""
        return dict(by_path(self.request.config))

    def changed(self) -> list[tuple[str, Any, Any]]:
        """The settings that are not the recipe's defaults: path, value, and default where there is one.

        A run of an earlier version may have settings that the recipe no longer has, and lack some that it has now; one
        of a recipe that is not installed on this machine has no defaults here.
        """
        try:
            defaults = encoded(recipes.config(self.request.recipe))
        except TrainyardError:
            defaults = {}
        return differing(self.request.config, defaults, absent=ABSENT)


def read(deployment: Deployment, recipe: str, *, run_id: str) -> RunRecord:
    """A run of a recipe. Raises NotFound for one that left nothing, JobFailed for documents that cannot be read."""
    return read_from(artifacts.of_run(deployment, recipe, run_id=run_id))


def read_from(run: RunArtifacts) -> RunRecord:
    """A run out of its folder; raises what `read` raises."""
    request = run.document(Stage.RESOLVE, Run)
    if request is None:
        recipe, _, run_id = run.prefix.partition("/")
        raise NotFound(
            f"Expected a run of {recipe}, found none with the id {run_id!r:.60}; see `trainyard executions`."
        )
    quality = run.json(Stage.INGEST, QUALITY_FILE)
    return RunRecord(
        artifacts=run,
        request=request,
        quality=None if quality is None else Quality.from_json(json.dumps(quality)),
        comparison=run.document(Stage.EVALUATE, Comparison),
        decision=run.document(Stage.GATE, Decision),
    )
