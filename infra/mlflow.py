"""Runs that are logged to MLflow: what the job is told, and what it may do at the server and with its secret."""

from __future__ import annotations

import aws_cdk as cdk
from constructs import Construct

from infra.access import RUN
from infra.permissions import Permission
from infra.settings import Settings
from trainyard.run.documents import Comparison
from trainyard.run.run import Run
from trainyard.run.stage import Stage
from trainyard.run.tracking import NOTHING, Mlflow, MlflowRun

# What a client calls that logs a run: of the service of tracking servers, and of that of apps, which knows one action.
TRACKING = (
    *("CreateExperiment", "GetExperiment", "GetExperimentByName", "CreateRun", "GetRun", "UpdateRun", "SearchRuns"),
    *("LogBatch", "LogMetric", "LogParam", "SetTag", "ListArtifacts"),
)
APP = "sagemaker:CallMlflowAppApi"


def substitutions(settings: Settings) -> dict[str, str]:
    """What the definition says to the job; without a server, that there is none."""
    server = settings.mlflow
    return {
        "MlflowUri": server.uri if server else NOTHING,
        "MlflowExperiment": (server.experiment if server else "") or settings.prefix,
        "MlflowSecret": (server.secret if server else "") or NOTHING,
    }


def of_run(bucket_arn: str) -> list[Permission]:
    """Read what is logged of a run, and write which run of MLflow's it became: it may change no report or model."""
    logged = [
        f"{Stage.RESOLVE}/{Run.FILE}",
        f"{Stage.EVALUATE}/{Comparison.FILE}",
        *(f"{stage}/*" for stage in (Stage.GATE, Stage.REPORT)),
        *(f"{stage}/*/model.tar.gz" for stage in (Stage.TRAIN, Stage.TUNE)),
    ]
    why = "Recipes and runs come and go; what is logged of them is spelt out."
    return [
        Permission(
            sid="ReadLogged",
            actions=["s3:GetObject"],
            resources=[f"{bucket_arn}/{RUN}/{each}" for each in logged],
            why=why,
        ),
        Permission(
            sid="ListLogged",
            actions=["s3:ListBucket"],
            resources=[bucket_arn],
            conditions={"StringLike": {"s3:prefix": [f"{RUN}/{each}" for each in logged]}},
        ),
        Permission(
            sid="WriteResult",
            actions=["s3:PutObject", "s3:AbortMultipartUpload"],
            resources=[f"{bucket_arn}/{RUN}/{Stage.REPORT}/{MlflowRun.FILE}"],
            why=why,
        ),
    ]


def permissions(scope: Construct, server: Mlflow) -> list[Permission]:
    """What the job may do beside reading the run."""
    found = []
    if server.sagemaker:
        actions = [APP] if ":mlflow-app/" in server.uri else [f"sagemaker-mlflow:{each}" for each in TRACKING]
        found.append(Permission(sid="LogRuns", actions=actions, resources=[server.uri]))
    if server.artifact_store:
        bucket, _, prefix = server.artifact_store.removeprefix("s3://").partition("/")
        found.append(
            Permission(
                sid="WriteArtifacts",
                actions=["s3:PutObject", "s3:AbortMultipartUpload"],
                resources=["/".join(("arn:aws:s3:::" + bucket, *filter(None, [prefix.strip("/")]), "*"))],
                why="MLflow names the folders of runs; bucket and prefix are spelt out.",
            )
        )
    if server.secret:
        found.append(
            Permission(
                sid="ReadCredentials",
                actions=["secretsmanager:GetSecretValue"],
                resources=[
                    cdk.Stack.of(scope).format_arn(
                        service="secretsmanager",
                        resource="secret",
                        resource_name=f"{server.secret}-??????",
                        arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
                    )
                ],
                why="Secrets Manager ends the ARN of a secret in six characters of its own.",
            )
        )
    return found
