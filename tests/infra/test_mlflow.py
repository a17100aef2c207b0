"""Runs in MLflow as deployed: one role may reach the server, its secret and its artifacts, and without one nobody."""

from __future__ import annotations

import json

from tests.infra.conftest import MLFLOW_APP
from tests.infra.templates import Deployment
from tests.infra.test_permissions import artifact
from trainyard.run.tracking import Mlflow

CALL = "sagemaker:CallMlflowAppApi"
SECRET = "arn:aws:secretsmanager:us-east-1:111122223333:secret:mlflow-login-AbCdEf"
RUN = "prod2vec/20261130-020304-0a1b2c3d"


def test_one_job_logs_runs_to_the_server_of_the_settings(full: Deployment) -> None:
    role = full.role("JobsMlflow")
    assert role.may(CALL, MLFLOW_APP)
    assert not role.may(CALL, f"{MLFLOW_APP}-other")
    assert role.may("secretsmanager:GetSecretValue", SECRET)
    assert not role.may("secretsmanager:GetSecretValue", SECRET.replace("login", "logins"))
    assert role.may("s3:PutObject", "arn:aws:s3:::team-runs/trainyard/1/model.tar.gz")
    assert not role.may("s3:PutObject", "arn:aws:s3:::team-runs/other")


def test_it_reads_what_was_made_of_the_data_and_not_the_data(full: Deployment) -> None:
    role = full.role("JobsMlflow")
    logged = ("resolve/request.json", "evaluate/evaluation.json", "gate/decision.json", "report/index.html")
    for file in (*logged, "train/dev-train/output/model.tar.gz"):
        assert role.may("s3:GetObject", artifact(full, f"{RUN}/{file}")), file
    for file in ("resolve/x", "evaluate/per_example.parquet", "train/checkpoints/x", "process/x", "ingest/x"):
        assert not role.may("s3:GetObject", artifact(full, f"{RUN}/{file}")), file
    assert not full.role("JobsReport").may(CALL, MLFLOW_APP)


def test_it_changes_nothing_of_a_run(full: Deployment) -> None:
    role = full.role("JobsMlflow")
    assert role.may("s3:PutObject", artifact(full, f"{RUN}/report/mlflow.json"))
    for file in ("report/index.html", "gate/decision.json", "train/dev-train/output/model.tar.gz"):
        assert not role.may("s3:PutObject", artifact(full, f"{RUN}/{file}")), file


def test_the_machine_tells_the_job_where_the_server_is(full: Deployment) -> None:
    machine = full.workflow.only("AWS::StepFunctions::StateMachine")
    told = machine["DefinitionSubstitutions"]
    assert (told["MlflowUri"], told["MlflowExperiment"], told["MlflowSecret"]) == (
        MLFLOW_APP,
        "trainyard-full",
        "mlflow-login",
    )


def test_without_a_server_there_is_no_role_and_the_image_has_no_client(deployment: Deployment) -> None:
    assert not any("Mlflow" in name for name in deployment.workflow.resources("AWS::IAM::Role"))
    machine = deployment.workflow.only("AWS::StepFunctions::StateMachine")
    assert machine["DefinitionSubstitutions"]["MlflowUri"] == "none"
    assert "sagemaker:CallMlflowAppApi" not in json.dumps(
        list(deployment.workflow.resources("AWS::IAM::Policy").values())
    )


def test_a_tracking_server_of_the_earlier_kind_knows_actions_of_its_own() -> None:
    server = Mlflow(
        uri="arn:aws:sagemaker:us-east-1:111122223333:mlflow-tracking-server/team", artifact_store="s3://team-runs"
    )
    assert not [*server.problems()]
