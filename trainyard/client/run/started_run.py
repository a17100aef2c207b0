"""One run as a notebook or a program holds it: its state, its end, and what it made; runs on a laptop."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainyard.client.deployment import Deployment
from trainyard.client.execution import executions, going_on
from trainyard.client.execution.executions import Execution
from trainyard.client.execution.watch import Started
from trainyard.client.model import observed
from trainyard.client.model.observed import VersionQuality
from trainyard.client.run import artifacts, model_card, runs, tables
from trainyard.client.run.artifacts import RunArtifacts
from trainyard.client.run.find_run import find_run
from trainyard.client.run.runs import RunRecord
from trainyard.errors import JobFailed, TrainyardError
from trainyard.run.documents import Comparison, Decision
from trainyard.run.settings.paths import nested
from trainyard.run.stage import Stage
from trainyard.run.watch.drift import DataDrift

if TYPE_CHECKING:
    import pandas as pd

NO_CHANGES: Mapping[str, Any] = {}


@dataclass
class StartedRun:
    """An execution and its run. What has ended does not change any more; before, each look asks anew."""

    deployment: Deployment = field(repr=False)
    execution: Execution

    @classmethod
    def of(cls, deployment: Deployment, started: Started) -> StartedRun:
        """The run of an execution that has just begun."""
        return cls(deployment, started.execution)

    def __repr__(self) -> str:
        return f"<{self.execution.recipe or 'run'} {self.name}: {self.execution.outcome or self.execution.status}>"

    @property
    def name(self) -> str:
        """The name of its execution."""
        return self.execution.name

    @property
    def status(self) -> str:
        """Step Functions' word for how it stands now: `RUNNING`, `SUCCEEDED`, `FAILED`, ..."""
        return self._now().status

    @property
    def outcome(self) -> str:
        """What it ended with: `registered`, `refused`, `nothing`, or the name of an error; empty while it runs."""
        return self._now().outcome

    @property
    def artifacts(self) -> RunArtifacts:
        """What it made. Raises NotFound for an execution that makes nothing, or has not decided yet."""
        return find_run(self.deployment, self.execution.arn)

    @property
    def record(self) -> RunRecord:
        """What it was asked to do and what it found so far."""
        return runs.read_from(self.artifacts)

    @property
    def settings(self) -> dict[str, Any]:
        """Every setting by its path."""
        return self.record.settings

    @property
    def evaluation(self) -> Comparison | None:
        """Metrics with their intervals, beside baselines and champion; None before it is evaluated."""
        return self.record.comparison

    @property
    def metrics(self) -> dict[str, float]:
        """The metrics of its model on held-out data by their names; empty before it is evaluated."""
        found = self.evaluation
        return {name: each.value for name, each in found.metrics.items()} if found else {}

    @property
    def decision(self) -> Decision | None:
        """What the gate decided, and why; None before it has."""
        return self.record.decision

    @property
    def card(self) -> Mapping[str, Any]:
        """The card of its model in SageMaker's schema. Raises NotFound before the gate has written it."""
        return model_card.document(self.artifacts)

    @property
    def truth(self) -> list[VersionQuality]:
        """What labels that came later say of its model's predictions, of each data set, the newest first."""
        return observed.of_version(self.artifacts)

    @property
    def drift(self) -> DataDrift | None:
        """What moved in data that it scored, or in requests that it checked; None where nothing was compared."""
        return self.artifacts.document(Stage.SCORE, DataDrift)

    @property
    def tables(self) -> list[str]:
        """The paths of the tables that it left, which `frame` reads."""
        return list(tables.tables(self.artifacts))

    def frame(self, name: str) -> pd.DataFrame:
        """A table that it left, by its name or the end of its path: `embeddings`, `holdout/queries`.

        Raises NotFound, and TrainyardError where pandas is not installed.
        """
        return tables.table(self.artifacts, name)

    def download(self, folder: str | Path) -> list[Path]:
        """Fetch everything that it made to a folder; returns the files."""
        found = self.artifacts
        return [artifacts.download(self.deployment, each, directory=Path(folder)) for each in found.listed()]

    def wait(self, *, timeout: float | None = None, sleep: Callable[[float], None] = time.sleep) -> StartedRun:
        """Wait for its end, at most `timeout` seconds; returns the run itself.

        A model that the gate refused is an end as any other: see `outcome`. Raises JobFailed in the words of what
        failed, TrainyardError when the time is over.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while self._now().running:
            if deadline is not None and time.monotonic() > deadline:
                raise TrainyardError(f"Expected {self.name} to end within {timeout:.0f} s; it is still running.")
            sleep(self.deployment.target.poll_seconds)
        if self.execution.status != "SUCCEEDED":
            raise JobFailed(f"{self.name} ended as {self.execution.status}: {self.execution.failure}")
        return self

    def rerun(
        self, settings: Mapping[str, Any] = NO_CHANGES, *, newest: bool = False, fresh: bool = False
    ) -> StartedRun:
        """Start it again with other settings, on the same versions of its files, or with `newest` on those of now.

        Stages before training that some run has made from the same are taken over, unless it is to be `fresh`.
        """
        arn, _ = going_on.rerun(self.deployment, self._now(), changes=nested(settings), newest=newest, fresh=fresh)
        return StartedRun(self.deployment, executions.describe(self.deployment.target, arn))

    def _now(self) -> Execution:
        if self.execution.running:
            self.execution = executions.describe(self.deployment.target, self.execution.arn)
        return self.execution
