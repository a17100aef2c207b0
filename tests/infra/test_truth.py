"""Labels of earlier predictions as deployed: who may read and write what, and what rings."""

from __future__ import annotations

import pytest

from tests.infra.templates import Deployment
from tests.infra.test_permissions import RUN, artifact, upload
from trainyard.run import recipe

PARTITION = "model=prod2vec/dataset=november"
KEPT = "captured/recipe=prod2vec/model=prod2vec/date=2026-11-30/hour=07/x.parquet"


@pytest.mark.parametrize(
    ("key", "reads", "writes"),
    [
        (f"{RUN}/ingest/truth/part-00000.parquet", True, False),
        (f"{RUN}/evaluate/evaluation.json", True, False),
        (f"{RUN}/evaluate/per_example.parquet", False, False),
        (f"{RUN}/score/summary.json", True, False),
        ("scores/prod2vec/model=prod2vec/run=20261121-024833-1a2b3c4d/part-00000.parquet", True, False),
        (KEPT, True, False),
        (f"{RUN}/verify/observed_quality.json", False, True),
        (f"{RUN}/verify/observed_verdict.json", False, True),
        (f"truth/prod2vec/{PARTITION}/rows.parquet", False, True),
        (f"{RUN}/train/job/output/model.tar.gz", False, False),
    ],
)
def test_the_job_reads_predictions_and_writes_what_labels_say_of_them(
    deployment: Deployment, key: str, reads: bool, writes: bool
) -> None:
    role = deployment.role("JobsVerify")
    assert role.may("s3:GetObject", artifact(deployment, key)) is reads
    assert role.may("s3:PutObject", artifact(deployment, key)) is writes
    assert not role.may("s3:DeleteObject", artifact(deployment, key))


def test_labels_are_read_by_ingest_alone_and_their_settings_by_resolve(deployment: Deployment) -> None:
    data, settings = (upload(deployment, f"truth/prod2vec/november/{each}") for each in ("truth.csv", "run.json"))
    for name, reads in (("GlueIngestRole", True), ("FunctionsResolveRole", False), ("JobsVerify", False)):
        assert deployment.role(name).may("s3:GetObject", data) is reads
    assert deployment.role("FunctionsResolveRole").may("s3:GetObject", settings)


def test_every_recipe_that_has_truth_has_an_alarm(deployment: Deployment) -> None:
    alarms = deployment.workflow.resources("AWS::CloudWatch::Alarm").values()
    worse = [each for each in alarms if each.get("MetricName") == "WorseThanPromised"]
    with_truth = [each for each in recipe.names() if recipe.truth(each)]
    assert sorted(each["Namespace"].rpartition("/")[2] for each in worse) == with_truth
    assert {each["TreatMissingData"] for each in worse} == {"ignore"}
    namespace = worse[0]["Namespace"]
    role = deployment.role("JobsVerify")
    assert role.may("cloudwatch:PutMetricData", "*", cloudwatch__namespace=namespace)
    assert not role.may("cloudwatch:PutMetricData", "*", cloudwatch__namespace="others")
