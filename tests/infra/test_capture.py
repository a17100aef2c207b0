"""What endpoints keep as deployed: written by them alone, gone after some days, and no trace of it where it is off."""

from __future__ import annotations

import json
from typing import Any

import pytest

from infra.settings import Settings
from tests.infra.templates import Deployment
from tests.infra.test_permissions import JOBS, artifact
from trainyard.errors import ConfigError
from trainyard.run import recipe
from trainyard.run.document import decoded
from trainyard.run.watch.capture import COLUMNS, CaptureRules, folder, partition
from trainyard.serving.captured_files import SCHEMA

HOUR = f"{folder('prod2vec', 'prod2vec')}/date=2026-11-30/hour=07"
FILE = f"{HOUR}/20261130T070000-1.parquet"


def lifecycle(deployment: Deployment) -> dict[str, Any]:
    """The rules of the artifacts bucket by their ids."""
    bucket = deployment.data.resources("AWS::S3::Bucket")[deployment.bucket("Artifacts")]
    return {each["Id"]: each for each in bucket["LifecycleConfiguration"]["Rules"]}


def test_where_it_is_off_nobody_may_write_and_nothing_is_there(deployment: Deployment) -> None:
    assert not any(deployment.role(name).may("s3:PutObject", artifact(deployment, FILE)) for name in JOBS)
    assert set(lifecycle(deployment)) == {"TidyUp"}
    tables = deployment.data.resources("AWS::Glue::Table").values()
    assert "captured" not in {each["TableInput"]["Name"] for each in tables}
    functions = deployment.workflow.resources("AWS::Lambda::Function").values()
    assert not any("CAPTURE" in each.get("Environment", {}).get("Variables", {}) for each in functions)


@pytest.mark.parametrize("name", JOBS)
def test_only_models_write_what_they_keep_and_nobody_deletes_it(full: Deployment, name: str) -> None:
    role = full.role(name)
    assert role.may("s3:PutObject", artifact(full, FILE)) == (name == "JobsModel")
    for action in ("s3:DeleteObject", "s3:DeleteObjectVersion"):
        assert not role.may(action, artifact(full, FILE))


def test_the_test_of_a_new_version_asks_athena_for_kept_requests_and_for_nothing_else(full: Deployment) -> None:
    role = full.role("FunctionsSmokeTestRole")
    database = f"trainyard_{full.environment}"
    start = "arn:aws:{}:us-east-1:111122223333:{}".format
    assert role.may("s3:GetObject", artifact(full, FILE))
    assert role.may("athena:StartQueryExecution", start("athena", "workgroup/primary"))
    assert not role.may("athena:StartQueryExecution", start("athena", "workgroup/other"))
    assert role.may("glue:GetTable", start("glue", f"table/{database}/captured"))
    assert not role.may("glue:GetTable", start("glue", f"table/{database}/prod2vec"))
    assert role.may("s3:PutObject", artifact(full, "queries/q.csv"))
    assert not role.may("s3:PutObject", artifact(full, FILE))


def test_a_check_for_drift_reads_what_was_kept_and_resolve_finds_the_model_in_service(full: Deployment) -> None:
    score, resolve = full.role("JobsScore"), full.role("FunctionsResolveRole")
    run = "prod2vec/20261130-020304-0a1b2c3d"
    assert score.may("s3:GetObject", artifact(full, FILE))
    assert not resolve.may("s3:GetObject", artifact(full, FILE))
    for key in ("ingest/profile.json", "evaluate/answers.json"):
        assert resolve.may("s3:GetObject", artifact(full, f"{run}/{key}"))
    for key in ("resolve/drift_check.json", "resolve/captured.manifest"):
        assert resolve.may("s3:PutObject", artifact(full, f"{run}/{key}"))
    own = "arn:aws:sagemaker:us-east-1:111122223333:model/trainyard-{}-model-x".format
    assert resolve.may("sagemaker:DescribeModel", own("full"))
    assert not resolve.may("sagemaker:DescribeModel", own("prod"))
    assert full.role("FunctionsCompareScoresRole").may("s3:GetObject", artifact(full, f"{run}/score/profile.json"))


def test_where_nothing_is_kept_nobody_reads_it_and_no_alarm_waits_for_it(full: Deployment, dev: Deployment) -> None:
    assert not dev.role("JobsScore").may("s3:GetObject", artifact(dev, FILE))
    names = {
        deployment.environment: [
            name for name in deployment.workflow.resources("AWS::CloudWatch::Alarm") if "RequestsMoved" in name
        ]
        for deployment in (full, dev)
    }
    assert (len(names["full"]), names["dev"]) == (len(recipe.names()), [])


def test_a_model_writes_nothing_beside_the_partitions_of_the_table(full: Deployment) -> None:
    role = full.role("JobsModel")
    for key in (f"{folder('prod2vec', 'prod2vec')}/x.parquet", FILE.replace(".parquet", ".html"), "captured/x.parquet"):
        assert not role.may("s3:PutObject", artifact(full, key))


def test_what_is_kept_goes_after_some_days_and_what_was_replaced_with_the_next(full: Deployment) -> None:
    found = lifecycle(full)
    kept, results = found["ForgetCaptured"], found["ForgetQueries"]
    assert (kept["Prefix"], kept["ExpirationInDays"]) == ("captured/", 14)
    assert (results["Prefix"], results["ExpirationInDays"]) == ("queries/", 1)
    for each in (kept, results):
        assert each["NoncurrentVersionExpiration"]["NoncurrentDays"] == 1
        assert each["Status"] == "Enabled"


def test_the_table_has_the_columns_of_the_files_and_computes_its_partitions(full: Deployment) -> None:
    table = next(
        each["TableInput"]
        for each in full.data.resources("AWS::Glue::Table").values()
        if each["TableInput"]["Name"] == "captured"
    )
    storage = table["StorageDescriptor"]
    assert full.data.resolve(storage["Location"]).endswith("/captured/")
    assert [(each["Name"], each["Type"]) for each in storage["Columns"]] == [(c.name, c.type) for c in COLUMNS]
    assert SCHEMA.names == [each["Name"] for each in storage["Columns"]]
    parts = [part.split("=") for part in HOUR.split("/")[1:]]
    assert [each["Name"] for each in table["PartitionKeys"]] == [name for name, _ in parts]
    asked = table["Parameters"]
    assert asked["projection.enabled"] == "true"
    assert set(asked["projection.recipe.values"].split(",")) == set(recipe.names())
    assert asked["projection.model.type"] == "injected"
    assert asked["projection.date.range"] == "NOW-15DAYS,NOW"
    assert (asked["projection.hour.range"], asked["projection.hour.digits"]) == ("0,23", "2")


def test_resolve_knows_what_the_environment_keeps(full: Deployment) -> None:
    functions = full.workflow.resources("AWS::Lambda::Function").items()
    [variables] = [each["Environment"]["Variables"] for name, each in functions if "FunctionsResolve" in name]
    rules = decoded(CaptureRules, json.loads(variables["CAPTURE"]))
    assert rules == CaptureRules(share=0.1, never_kept=("email",), id_fields=("user_id",), retention_days=14)


@pytest.mark.parametrize(
    ("rules", "sentence"),
    [
        (CaptureRules(share=1.1), "capture.share from 0 to 1, found 1.1"),
        (CaptureRules(retention_days=0), "capture.retention_days from 1 to 3650, found 0"),
        (CaptureRules(never_kept=("email")), "names in capture.never_kept, found the text 'email'"),  # type: ignore
        (CaptureRules(never_kept=("a" * 600,)), "names of at most 600 characters in capture.never_kept, found 604"),
        (CaptureRules(never_kept=("E-Mail",), id_fields=("email",)), "found email in capture.never_kept too"),
    ],
)
def test_wrong_rules_are_refused(rules: CaptureRules, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        Settings(name="dev", capture=rules)


def test_a_deployment_may_keep_another_share(synthesize: Any) -> None:
    with pytest.raises(ConfigError, match="capture to be a share"):
        synthesize("dev", capture="some")
    with pytest.raises(ConfigError, match=r"capture\.share from 0 to 1"):
        synthesize("dev", capture="2")


def test_hours_are_written_as_the_table_computes_them() -> None:
    from datetime import datetime

    assert partition(datetime(2026, 11, 30, 7)) == "date=2026-11-30/hour=07"
