"""Bulk scoring as deployed: the catalogue, where scores lie, and who may touch what is only to be scored."""

from __future__ import annotations

import pytest

from tests.infra.templates import Deployment
from tests.infra.test_permissions import JOBS, RUN, artifact, upload
from trainyard.contract import chunks
from trainyard.contract.config import ScoreColumn
from trainyard.run import recipe

SCORES = "scores/prod2vec/model=prod2vec/run=20261121-024833-1a2b3c4d"


def test_every_recipe_has_a_table_of_the_columns_it_declares(deployment: Deployment) -> None:
    database = deployment.data.only("AWS::Glue::Database")["DatabaseInput"]["Name"]
    assert database == f"trainyard_{deployment.environment}"
    tables = {each["TableInput"]["Name"]: each for each in deployment.data.resources("AWS::Glue::Table").values()}
    assert set(tables) == set(recipe.names())
    for name, table in tables.items():
        assert table["DatabaseName"] == database
        columns = table["TableInput"]["StorageDescriptor"]["Columns"]
        declared = [ScoreColumn(name=each["Name"], type=each["Type"]) for each in columns]
        assert chunks.schema(declared).equals(chunks.schema(recipe.score_columns(name)))
        assert [each["Name"] for each in table["TableInput"]["PartitionKeys"]] == ["model", "run"]


def test_tables_lie_where_the_score_job_writes(deployment: Deployment) -> None:
    score = deployment.role("JobsScore")
    bucket = deployment.data.arn(deployment.bucket("Artifacts"))
    for table in deployment.data.resources("AWS::Glue::Table").values():
        location = deployment.data.resolve(table["TableInput"]["StorageDescriptor"]["Location"])
        key = location.partition("//")[2].partition("/")[2]
        assert key == f"scores/{table['TableInput']['Name']}/"
        assert score.may("s3:PutObject", f"{bucket}/{key}model=m/run=r/part-00000.parquet")
        assert not score.may("s3:PutObject", f"{bucket}/{key}part-00000.parquet")


@pytest.mark.parametrize("name", JOBS)
def test_scores_are_written_by_the_score_job_alone_and_deleted_by_nobody(deployment: Deployment, name: str) -> None:
    role, key = deployment.role(name), artifact(deployment, f"{SCORES}/part-00000.parquet")
    assert role.may("s3:PutObject", key) == (name == "JobsScore")
    assert not role.may("s3:DeleteObject", key)
    assert not role.may("s3:GetObject", key)


@pytest.mark.parametrize("name", JOBS)
def test_what_is_only_to_be_scored_is_read_like_other_uploads(deployment: Deployment, name: str) -> None:
    role = deployment.role(name)
    data, overrides = (upload(deployment, f"score/prod2vec/demo/{each}") for each in ("products.csv", "run.json"))
    assert role.may("s3:GetObject", data) == (name == "GlueIngestRole")
    assert role.may("s3:GetObject", overrides) == (name in ("GlueIngestRole", "FunctionsResolveRole"))
    assert not role.may("s3:PutObject", data)


def test_resolve_lists_both_folders_and_nothing_else(deployment: Deployment) -> None:
    role, bucket = deployment.role("FunctionsResolveRole"), deployment.data.arn(deployment.bucket("Raw"))
    for prefix, allowed in (("raw/p/d/", True), ("score/p/d/", True), ("other/", False), ("", False)):
        assert role.may("s3:ListBucketVersions", bucket, s3__prefix=prefix) is allowed


def test_an_upload_to_be_scored_starts_nothing(deployment: Deployment) -> None:
    patterns = [each.get("EventPattern", {}) for each in deployment.workflow.resources("AWS::Events::Rule").values()]
    keys = [each["detail"]["object"]["key"] for each in patterns if each.get("source") == ["aws.s3"]]
    assert keys == [[{"prefix": "raw/"}, {"prefix": "truth/"}]]


def test_the_machine_adds_partitions_to_its_own_tables_and_reads_the_summary_alone(deployment: Deployment) -> None:
    role, owner = deployment.role("MachineRole"), "arn:aws:glue:us-east-1:111122223333"
    own = f"{owner}:table/trainyard_{deployment.environment}/prod2vec"
    assert role.may("glue:CreatePartition", own)
    assert not role.may("glue:CreatePartition", f"{owner}:table/other/prod2vec")
    assert not role.may("glue:DeletePartition", own)
    assert not role.may("glue:UpdateTable", own)
    assert role.may("s3:GetObject", artifact(deployment, f"{RUN}/score/summary.json"))
    assert not role.may("s3:GetObject", artifact(deployment, f"{RUN}/score/head.json"))


def test_what_compares_scores_reads_profiles_and_writes_what_moved_alone(deployment: Deployment) -> None:
    role = deployment.role("FunctionsCompareScoresRole")
    read = ("resolve/request.json", "ingest/profile.json", "evaluate/answers.json", "score/answers.json")
    for name in (*read, "score/summary.json"):
        assert role.may("s3:GetObject", artifact(deployment, f"{RUN}/{name}"))
    for name in ("ingest/visits/part-0.parquet", "evaluate/evaluation.json", "score/head.json", "train/model.tar.gz"):
        assert not role.may("s3:GetObject", artifact(deployment, f"{RUN}/{name}"))
    assert role.may("s3:PutObject", artifact(deployment, f"{RUN}/score/drift.json"))
    assert not role.may("s3:PutObject", artifact(deployment, f"{RUN}/score/summary.json"))
    bucket = deployment.data.arn(deployment.bucket("Raw"))
    assert role.may("s3:ListBucketVersions", bucket, s3__prefix="raw/prod2vec/demo/")
    assert not role.may("s3:ListBucketVersions", bucket, s3__prefix="score/prod2vec/demo/")
    assert not role.may("s3:GetObjectVersion", upload(deployment, "raw/prod2vec/demo/run.json"))
