"""What follows a bulk scoring: what moved is told and measured, and may start one retraining in some days."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest

from lambdas import compare_scores as function
from tests.lambdas.conftest import ARTIFACTS, LEDGER, RAW
from trainyard.contract.config import to_mapping
from trainyard.run import recipe
from trainyard.run.document import Document
from trainyard.run.documents import ScoreSummary
from trainyard.run.run import InputFile, Run
from trainyard.run.stage import Stage
from trainyard.run.store import RunStore
from trainyard.run.watch.drift import DataDrift
from trainyard.run.watch.profile import AnswerProfile, ColumnProfile, DataProfile, TableProfile
from trainyard.stages.score.retraining import DAY_SECONDS, RETRAINING, retraining

OLD, NEW = "20261101-000000-00000001", "20261121-000000-00000002"
FILES = ("order_products.csv", "products.csv")
EVENT = {"run": {"recipe": "prod2vec", "run_id": NEW}, "model": "prod2vec"}
RETRAIN = {"on_drift": "retrain"}


def run(run_id: str, **changes: Any) -> Run:
    settings = changes.pop("settings", {})
    return Run(
        recipe="prod2vec",
        run_id=run_id,
        dataset="shop",
        execution_arn=f"arn:aws:states:us-east-1:111122223333:execution:m:{run_id}",
        raw_bucket=RAW,
        artifacts_bucket=ARTIFACTS,
        fingerprint="f",
        code_version="c",
        config=to_mapping(recipe.config("prod2vec", settings)),
        **{"files": (), **changes},
    )


def table(column: str, profile: ColumnProfile) -> TableProfile:
    return TableProfile(rows=profile.rows, sampled=profile.rows, columns={column: profile})


def aisles(missing: float) -> DataProfile:
    return DataProfile(
        tables={"products": table("aisle", ColumnProfile(kind="category", missing=missing, rows=2_000, top={"a": 1.0}))}
    )


def unknown(share: float) -> AnswerProfile:
    return AnswerProfile(
        answers=table("unknown_products", ColumnProfile(kind="share", missing=0.0, rows=2_000, share=share))
    )


class Yard:
    """A run that trained a model, and one that was scored with it."""

    def __init__(self, s3: Any) -> None:
        self.s3 = s3
        self.learned = tuple(self.uploaded(name) for name in FILES)

    def uploaded(self, name: str) -> InputFile:
        key = f"raw/prod2vec/shop/{name}"
        version = self.s3.put_object(Bucket=RAW, Key=key, Body=b"1")["VersionId"]
        return InputFile(source="", key=key, version_id=version, size=1)

    def scored(self, *, missing: float = 0.02, share: float = 0.0, profiled: bool = True, **changes: Any) -> RunStore:
        """Leave what both runs left, with profiles of the first one if it is `profiled`."""
        learned = RunStore(self.s3, run(OLD, files=self.learned, overrides={"seed": 7}))
        store = RunStore(self.s3, run(NEW, **changes))
        for own, stage, document in (
            (learned, Stage.RESOLVE, learned.run),
            *(((learned, Stage.INGEST, aisles(0.02)), (learned, Stage.EVALUATE, unknown(0.0))) if profiled else ()),
            (store, Stage.RESOLVE, store.run),
            (store, Stage.INGEST, aisles(missing)),
            (store, Stage.SCORE, unknown(share)),
            (store, Stage.SCORE, ScoreSummary(rows=2_000, model_run=OLD)),
        ):
            kept: Document = document
            own.write_document(stage, kept)
        return store


@pytest.fixture
def yard(aws: Any) -> Yard:
    return Yard(aws)


def measured(*dimensions: dict[str, str], metric: str = "MovedColumns") -> list[float]:
    now = datetime.now(UTC)
    found = boto3.client("cloudwatch").get_metric_statistics(
        Namespace="trainyard-test/prod2vec",
        MetricName=metric,
        Dimensions=list(dimensions),
        StartTime=now - timedelta(minutes=10),
        EndTime=now + timedelta(minutes=10),
        Period=3600,
        Statistics=["Maximum"],
    )
    return [each["Maximum"] for each in found["Datapoints"]]


def test_nothing_moved(yard: Yard) -> None:
    yard.scored()
    found = function.handler(EVENT, None)
    assert found == {
        "text": f"None of 2 columns of data and answers moved since run {OLD} trained the model.",
        "moved": 0,
        "news": False,
    }
    assert measured({"Name": "Model", "Value": "prod2vec"}) == [0.0]


def test_what_moved_in_data_and_answers_is_told_kept_and_measured(yard: Yard) -> None:
    store = yard.scored(missing=0.1, share=0.3)
    found = function.handler(EVENT, None)
    assert found["moved"] == 2
    assert "retrain" not in found
    assert "2 of 2 columns" in found["text"]
    assert "* products.aisle: missing 2.0% -> 10.0%" in found["text"]
    assert "* answers.unknown_products: 0.0% -> 30.0%" in found["text"]
    assert store.read_document(Stage.SCORE, DataDrift).reference == OLD
    assert measured() == measured({"Name": "Model", "Value": "prod2vec"}) == [2.0]


def test_limits_are_those_of_the_scoring(yard: Yard) -> None:
    yard.scored(missing=0.1, settings={"drift": {"missing": 0.2}})
    assert function.handler(EVENT, None)["moved"] == 0


def test_the_files_that_the_model_was_trained_on_cannot_have_moved(yard: Yard) -> None:
    yard.scored(missing=0.1, files=yard.learned)
    found = function.handler(EVENT, None)
    assert (found["moved"], "these very files" in found["text"]) == (0, True)


def test_a_new_model_scores_its_own_data_and_nothing_is_said(yard: Yard) -> None:
    store = yard.scored()
    store.write_document(Stage.SCORE, ScoreSummary(rows=1, model_run=NEW))
    assert function.handler(EVENT, None) == {"text": "", "moved": 0, "news": True}


def test_a_model_from_before_profiles_is_no_fault(yard: Yard) -> None:
    yard.scored(profiled=False)
    found = function.handler(EVENT, None)
    assert (found["moved"], "before data were profiled" in found["text"]) == (0, True)
    assert measured() == []


def test_moved_data_start_one_retraining_on_what_the_data_set_has_now(yard: Yard) -> None:
    yard.scored(missing=0.1, settings=RETRAIN)
    yard.uploaded("products.csv")
    found = function.handler(EVENT, None)
    assert found["retrain"] == {
        "recipe": "prod2vec",
        "dataset": "shop",
        "task": "train",
        "folder": "raw",
        "overrides": {"seed": 7},
    }
    assert "A retraining on data set shop was started." in found["text"]
    # Asked again, as after a redrive.
    assert function.handler(EVENT, None) == found


def test_where_nothing_moved_nothing_is_retrained(yard: Yard) -> None:
    yard.scored(settings=RETRAIN)
    yard.uploaded("products.csv")
    assert "retrain" not in function.handler(EVENT, None)


def test_the_same_files_could_only_make_the_same_model(yard: Yard) -> None:
    yard.scored(missing=0.1, settings=RETRAIN)
    found = function.handler(EVENT, None)
    assert "retrain" not in found
    assert "no files that the model does not know" in found["text"]


def test_an_incomplete_data_set_is_not_retrained_on(yard: Yard) -> None:
    yard.scored(missing=0.1, settings=RETRAIN)
    yard.s3.delete_object(Bucket=RAW, Key="raw/prod2vec/shop/order_products.csv")
    found = function.handler(EVENT, None)
    assert "retrain" not in found
    assert "No retraining was started: waiting for" in found["text"]


def test_a_model_with_settings_that_there_are_no_more_is_scored_and_not_retrained(yard: Yard) -> None:
    """As after a deployment of code that knows them no longer: what was scored is right all the same."""
    yard.scored(missing=0.1, settings=RETRAIN)
    yard.uploaded("products.csv")
    learned = run(OLD, files=yard.learned)
    learned = replace(learned, config={**learned.config, "old": 1})
    RunStore(yard.s3, learned).write_document(Stage.RESOLVE, learned)
    found = function.handler(EVENT, None)
    assert (found["moved"], "retrain" in found) == (1, False)
    assert "No retraining was started: " in found["text"]


@pytest.mark.parametrize(("days", "starts"), [(6.9, False), (7.1, True)])
def test_another_retraining_has_to_wait(yard: Yard, days: float, starts: bool) -> None:
    """At most one in `retrain_days`, whichever scoring asks for it: else each upload would pay for another one."""
    first = yard.scored(missing=0.1, settings=RETRAIN)
    yard.uploaded("products.csv")
    assert function.handler(EVENT, None)["retrain"]
    later = RunStore(first.client, replace(first.run, run_id="later", execution_arn="arn:aws:states:::later"))
    found = retraining(
        later,
        "prod2vec",
        learned_by=OLD,
        ledger_table=LEDGER,
        dynamodb=boto3.client("dynamodb"),
        now=lambda: time.time() + days * DAY_SECONDS,
    )
    assert (found.input is not None) == starts
    assert starts or "one began within 7 days" in found.text
    item = boto3.client("dynamodb").get_item(TableName=LEDGER, Key={"id": {"S": f"{RETRAINING}prod2vec"}})["Item"]
    assert item["run_id"]["S"] == ("later" if starts else NEW)


def checked(yard: Yard, *, rows: int, missing: float, tables: DataProfile | None = None) -> dict[str, Any]:
    """What is said of requests to a model, which are profiled beside the summary."""
    store = yard.scored(missing=0.02, task="check_drift")
    store.write_document(Stage.SCORE, ScoreSummary(rows=rows, model_run=OLD))
    store.write_document(Stage.SCORE, tables or aisles(missing))
    return function.handler(EVENT, None)


def test_requests_are_compared_and_measured_apart_from_scored_data(yard: Yard) -> None:
    found = checked(yard, rows=500, missing=0.1)
    assert (found["moved"], found["news"]) == (1, True)
    assert found["text"].startswith(f"1 of 2 columns of requests and answers moved since run {OLD} trained the model,")
    assert "by 500 rows:" in found["text"]
    assert measured(metric="MovedColumnsOfRequests") == [1.0]
    assert measured() == []


def test_requests_that_have_not_moved_are_no_news(yard: Yard) -> None:
    found = checked(yard, rows=500, missing=0.02)
    assert (found["moved"], found["news"]) == (0, False)


def test_too_few_requests_are_not_compared_which_is_said(yard: Yard) -> None:
    found = checked(yard, rows=199, missing=0.1)
    assert (found["moved"], found["news"]) == (0, True)
    assert "expected at least 200 rows of requests of the last 24 hours" in found["text"]
    assert "found 199" in found["text"]
    assert measured(metric="MovedColumnsOfRequests") == []


def test_requests_without_a_column_that_is_watched_are_not_called_unmoved(yard: Yard) -> None:
    store = yard.scored(task="check_drift")
    store.write_document(Stage.SCORE, DataProfile(tables={}))
    store.write_document(Stage.SCORE, AnswerProfile(answers=TableProfile(rows=500, sampled=500, columns={})))
    found = function.handler(EVENT, None)
    assert (found["moved"], found["news"]) == (0, True)
    assert (
        "no column of requests or answers that is watched of this model has at least 200 rows of its own"
        in found["text"]
    )


def test_cells_are_not_quoted_where_they_may_not_be(yard: Yard) -> None:
    yard.scored(missing=0.1, show_cells=False)
    assert "* products.aisle: missing by 0.080" in function.handler(EVENT, None)["text"]
