"""Shell of stage log to MLflow: reads what the server asks callers for, and hands the folders over."""

from __future__ import annotations

import json
import os

import boto3

from trainyard.run import container
from trainyard.run.documents import Comparison, Decision
from trainyard.run.run import Run
from trainyard.run.tracking import Mlflow
from trainyard.stages.log_mlflow.log_mlflow import Artifacts, log_run

# By the field of the secret, the variable that MLflow's client reads.
CREDENTIALS = {
    "token": "MLFLOW_TRACKING_TOKEN",
    "username": "MLFLOW_TRACKING_USERNAME",
    "password": "MLFLOW_TRACKING_PASSWORD",
}
# MLflow's client tells its makers what it is used for, and looks at this as soon as it is imported.
UNTOLD = {"MLFLOW_DISABLE_TELEMETRY": "true"}
# Pauses of 2, 4, ... seconds: a server that is throttled or starts has a minute, one that is down costs no more, and
# one that never answers another.
PATIENCE = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "5",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
}


def main() -> None:
    """Run the job."""
    run, server = Run.read(container.processing_input("resolve")), Mlflow.of_environment()
    os.environ.update({**PATIENCE, **os.environ, **UNTOLD})
    if server.secret:
        os.environ.update(_credentials(server.secret, region=run.region))
    gated = container.processing_input("gate")
    logged = log_run(
        run,
        server,
        comparison=Comparison.read(container.processing_input("evaluate")),
        decision=Decision.read(gated),
        artifacts=Artifacts(
            report=container.processing_input("report"), gated=gated, model=container.processing_input("model")
        ),
    )
    logged.write(container.processing_output("mlflow"))
    print(f"logged as run {logged.run_id} of MLflow's experiment {logged.experiment_id} {logged.page}", flush=True)


def _credentials(name: str, *, region: str) -> dict[str, str]:
    secret = boto3.client("secretsmanager", region_name=region).get_secret_value(SecretId=name)["SecretString"]
    return {CREDENTIALS[field]: str(value) for field, value in json.loads(secret).items() if field in CREDENTIALS}
