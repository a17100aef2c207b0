"""Stage log to MLflow: tags, parameters, metrics, report, card and archive of a run; in the processing image.

The archive is an artifact, not a flavour of MLflow's: it is loaded by the recipe's own code, which an environment of
MLflow's would have to have.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError

from trainyard.errors import JobFailed
from trainyard.run.documents import Comparison, Decision
from trainyard.run.run import Run
from trainyard.run.tracking import Mlflow, MlflowRun
from trainyard.stages.log_mlflow import contents

if TYPE_CHECKING:
    from mlflow import MlflowClient

# Of one request: parameters and tags, metrics.
MOST_PARAMETERS, MOST_METRICS = 100, 1000
# An image has it where the environment names a server; what runs on a laptop is what is installed there.
INSTALL = "Install it: pip install 'trainyard[mlflow]'."


@dataclass(frozen=True, kw_only=True)
class Artifacts:
    """Folders of what the run made: its report, what the gate wrote, and the archive of its model."""

    report: Path
    gated: Path
    model: Path


def log_run(run: Run, server: Mlflow, *, comparison: Comparison, decision: Decision, artifacts: Artifacts) -> MlflowRun:
    """Log a run, or log it anew where it is there: it is found by its id, so that a second time makes no second run.

    Raises JobFailed in the words of a server that cannot be reached or refuses.
    """
    try:
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException
    except ImportError as error:
        raise JobFailed(f"Expected MLflow's client to log the run, found no {error.name}. {INSTALL}") from error
    try:
        client = MlflowClient(tracking_uri=server.uri)
        experiment = _experiment(client, f"{server.experiment}/{contents.model_of(run)}")
        logged = _run(client, run, experiment=experiment)
        with _ended(client, logged.info.run_id):
            _log_values(client, run, logged=logged, comparison=comparison, decision=decision)
            _upload(client, artifacts, run_id=logged.info.run_id)
    # Clients of SageMaker's servers write artifacts to S3 themselves.
    except (MlflowException, BotoCoreError, ClientError, Boto3Error) as error:
        raise JobFailed(f"Expected MLflow at {server.uri} to take the run {run.run_id}: {error!s:.500}") from error
    page = "" if server.sagemaker else f"{server.uri.rstrip('/')}/#/experiments/{experiment}/runs/{logged.info.run_id}"
    return MlflowRun(experiment_id=experiment, run_id=logged.info.run_id, page=page)


@contextmanager
def _ended(client: MlflowClient, run_id: str) -> Iterator[None]:
    """A run of MLflow's that was not logged to its end has failed: nobody should wait for it."""
    try:
        yield
    except Exception:
        with suppress(Exception):
            client.set_terminated(run_id, "FAILED")
        raise
    client.set_terminated(run_id, "FINISHED")


def _experiment(client: MlflowClient, name: str) -> str:
    """The id of an experiment, which another execution may make at the same time."""
    from mlflow.exceptions import MlflowException

    if found := client.get_experiment_by_name(name):
        return str(found.experiment_id)
    try:
        return str(client.create_experiment(name))
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    return _experiment(client, name)


def _run(client: MlflowClient, run: Run, *, experiment: str) -> Any:
    """The run of MLflow that has this run's id, made where there is none."""
    same = f"tags.`{contents.RUN_TAG}` = '{run.run_id}'"
    found = client.search_runs([experiment], filter_string=same, max_results=1)
    if found:
        return found[0]
    tags = {contents.RUN_TAG: run.run_id}
    return client.create_run(experiment, run_name=run.run_id, tags=tags, start_time=contents.began(run))


def _log_values(client: MlflowClient, run: Run, *, logged: Any, comparison: Comparison, decision: Decision) -> None:
    """A parameter that is there cannot be changed, and metrics of the same moment are the same ones."""
    from mlflow.entities import Metric, Param, RunTag

    def entities(kind: Any, values: Mapping[str, Any]) -> list[Any]:
        return [kind(name, value) for name, value in values.items()]

    where, moment = logged.info.run_id, contents.began(run)
    client.log_batch(where, tags=entities(RunTag, contents.tags(run, decision)))
    missing = {name: value for name, value in contents.parameters(run).items() if name not in logged.data.params}
    for params in _parts(entities(Param, missing), MOST_PARAMETERS):
        client.log_batch(where, params=params)
    values = [Metric(name, value, moment, 0) for name, value in contents.metrics(comparison).items()]
    for metrics in _parts(values, MOST_METRICS):
        client.log_batch(where, metrics=metrics)


def _upload(client: MlflowClient, artifacts: Artifacts, *, run_id: str) -> None:
    """A server that answered at once has kept a large archive only after a while: MLflow's own limit holds."""
    os.environ.pop("MLFLOW_HTTP_REQUEST_TIMEOUT", None)
    for folder in (artifacts.report, artifacts.gated, artifacts.model):
        client.log_artifacts(run_id, str(folder), folder.name)


def _parts(values: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    return (values[start : start + size] for start in range(0, len(values), size))
