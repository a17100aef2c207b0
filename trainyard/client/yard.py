"""What `trainyard.connect()` gives a notebook or a program: a deployment with its runs and models; runs on a laptop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainyard.client import connection
from trainyard.client.dataset.data_folder import files_of
from trainyard.client.dataset.datasets import DataSet, listed
from trainyard.client.dataset.submission import Submission, checked, dataset_name, submit, train_stored
from trainyard.client.deployment import Deployment
from trainyard.client.execution import executions, find_execution
from trainyard.client.model import models
from trainyard.client.model.deployed_model import DeployedModel
from trainyard.client.query import query
from trainyard.client.run import comparison, runs, tables
from trainyard.client.run.comparison import RunComparison
from trainyard.client.run.find_run import find_run
from trainyard.client.run.started_run import StartedRun
from trainyard.errors import BadRequest, NotFound
from trainyard.run.outcome import Outcome
from trainyard.run.settings.paths import nested

if TYPE_CHECKING:
    import boto3
    import pandas as pd

NO_SETTINGS: Mapping[str, Any] = {}


def connect(env: str = "dev", *, aws: bool = False) -> Yard:
    """The deployment of an environment: of the local cloud that runs, or with `aws=True` of your AWS account.

    Raises NotFound where the local cloud is down or nothing is deployed.
    """
    return Yard(connection.deployed(env=env, aws=aws))


@dataclass(frozen=True)
class Yard:
    """One deployment. Every method asks it anew, and raises what `trainyard.errors` has, each with a sentence."""

    deployment: Deployment = field(repr=False)

    def __repr__(self) -> str:
        return f"<trainyard {self.deployment.env} on {self.deployment.target.name}>"

    @property
    def session(self) -> boto3.Session:
        """What boto3, awswrangler (`boto3_session=`) and the SageMaker SDK (`session=`) reach this deployment by."""
        return self.deployment.target.session

    def run(
        self,
        recipe: str,
        *,
        data: str | Path | None = None,
        dataset: str | None = None,
        settings: Mapping[str, Any] = NO_SETTINGS,
        model: str = "",
    ) -> StartedRun:
        """Train a recipe on the files of the folder `data`, or on the data set `dataset` that is in the bucket.

        With both the files are uploaded under that name. `settings` are nested, or by path:
        `{"hyperparameters.epochs": 5}`; `model` is the name of one of several models of the recipe. Returns once the
        execution has begun; `wait` on it for its end. Raises BadRequest, ConfigError and NotFound before anything is
        uploaded.
        """
        asked = nested({**settings, **({"model": model} if model else {})})
        config = checked(recipe, asked)
        if data is None:
            if dataset is None:
                raise BadRequest("Expected `data`, a folder of files, or `dataset`, one in the bucket; found neither.")
            stored = Submission(recipe=recipe, dataset=dataset_name(dataset), files={}, settings=asked)
            return StartedRun.of(self.deployment, train_stored(self.deployment, stored))
        found = files_of(recipe, config, directory=Path(data))
        if found.missing:
            raise NotFound(f"Expected every file of {recipe} in {data}; {', '.join(found.missing)} is missing.")
        given = Submission(recipe=recipe, dataset=dataset_name(dataset), files=found.data, settings=asked)
        return StartedRun.of(self.deployment, submit(self.deployment, given))

    def runs(self, recipe: str | None = None, *, limit: int = 20) -> list[StartedRun]:
        """The newest executions, those left out that found nothing to do."""
        found = executions.matching(self.deployment, recipe, status=None, limit=executions.PAGE)
        busy = (each for each in found if each.end is not Outcome.NOTHING)
        return [StartedRun(self.deployment, each) for each in islice(busy, limit)]

    def find(self, text: str = find_execution.LATEST) -> StartedRun:
        """The execution that a name, its start, a run id, `latest` or `previous` means. Raises NotFound."""
        return StartedRun(self.deployment, find_execution.find_execution(self.deployment, text))

    def compare(self, *of: StartedRun | str) -> RunComparison:
        """Two or more runs of a recipe side by side: what was set and read differently, and every metric."""
        return comparison.compare(
            [
                each.record if isinstance(each, StartedRun) else runs.read_from(find_run(self.deployment, each))
                for each in of
            ]
        )

    def models(self) -> list[DeployedModel]:
        """The models in use."""
        return [DeployedModel(self.deployment, each.name) for each in models.in_use(self.deployment)]

    def model(self, name: str) -> DeployedModel:
        """A model by its name: `prod2vec`, `propensity-product-3`, or with a name of its own `prod2vec--shop-north`."""
        return DeployedModel(self.deployment, name)

    def scores(self, name: str) -> pd.DataFrame:
        """The rows that the newest bulk scoring with a model wrote, as a data frame. Raises NotFound."""
        return tables.scores(self.deployment, name)

    def query(self, sql: str) -> pd.DataFrame:
        """The rows that a query of Athena finds in the tables of scores, which are called as their recipes.

        Raises JobFailed in the words of Athena, TrainyardError where awswrangler is not installed.
        """
        return query(self.deployment, sql)

    def datasets(self) -> list[DataSet]:
        """The data sets in the bucket, the one uploaded to last first."""
        return listed(self.deployment)
