"""The page of a search: what was tried, sorted and drawn, while it goes on and afterwards, in a real browser."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.cli.story import START, Story, execution_arn
from tests.console.conftest import Console, Visitor
from tests.console.test_pages import HOSTILE, LOOKS, RUN, put_run
from trainyard.client.run.search import Search, Trial
from trainyard.console import scatter
from trainyard.console.views import tuning
from trainyard.contract.config import Range, Tuning, to_mapping

pytestmark = pytest.mark.xdist_group("console")
RANGES = {
    "learning_rate": Range(type="continuous", minimum=0.001, maximum=0.1, scaling="Logarithmic"),
    "embedding_size": Range(type="integer", minimum=16, maximum=128),
    "similarity": Range(type="categorical", values=("cosine", "dot")),
}
TUNING = Tuning(objective="validation_hit_rate", direction="Maximize", ranges=RANGES, max_jobs=4)
JOBS = [
    ("tune-1-003", "0.05", "32", "dot", 0.31),
    ("tune-1-001", "0.01", "16", "cosine", 0.42),
    ("tune-1-002", "0.002", "9.0", "cosine", None),
]
TABLE = "tune/analysis/jobs.csv"
TIMES = ("TrainingStartTime", "TrainingElapsedTimeSeconds")


def put_search(console: Console, *, running: bool = False) -> None:
    """A run that was asked to search; `running` only until its tuning job was started."""
    put_run(console, RUN, epochs=7, value=0.31)
    request = json.loads(console_object(console, "resolve/request.json"))
    hyperparameters = {"learning_rate": 0.02, "embedding_size": 64, "similarity": "cosine"}
    request["config"] |= {"tune": True, "tuning": to_mapping(TUNING), "hyperparameters": hyperparameters}
    console.put_object(f"prod2vec/{RUN}/resolve/request.json", json.dumps(request))
    if running:
        story = Story()
        story.resolved({"outcome": "train", "reason": "complete", "recipe": "prod2vec", "run_id": RUN})
        story.enter(tuning.STATE)
        story.schedule("createHyperParameterTuningJob.sync", {"HyperParameterTuningJobName": "tune-1"})
        console.step_functions.histories[execution_arn(f"of-{RUN}")] = story.events


def console_object(console: Console, path: str) -> bytes:
    s3 = console.deployment.target.client("s3")
    content: bytes = s3.get_object(Bucket="artifacts-bucket", Key=f"prod2vec/{RUN}/{path}")["Body"].read()
    return content


def table(jobs: Sequence[tuple[Any, ...]]) -> str:
    """The table as the analysis leaves it, the best first."""
    file = io.StringIO()
    rows = csv.writer(file)
    rows.writerow([*RANGES, "TrainingJobName", "TrainingJobStatus", "FinalObjectiveValue", *TIMES])
    for name, *values, objective in jobs:
        status = "Failed" if objective is None else "Completed"
        rows.writerow(
            [*values, name, status, "" if objective is None else objective, f"2026-11-20 12:0{name[-1]}:00", 61.2]
        )
    return file.getvalue()


class FakeSearch:
    """SageMaker while a tuning job runs: each training job has an objective once it has ended."""

    def __init__(self, jobs: Sequence[tuple[Any, ...]]) -> None:
        self.jobs = list(jobs)
        self.status = "InProgress"

    def describe_hyper_parameter_tuning_job(self, **_: Any) -> Mapping[str, Any]:
        return {"HyperParameterTuningJobStatus": self.status}

    def get_paginator(self, operation: str) -> FakeSearch:
        assert operation == "list_training_jobs_for_hyper_parameter_tuning_job"
        return self

    def paginate(self, **_: Any) -> Iterator[Mapping[str, Any]]:
        yield {"TrainingJobSummaries": [self._summary(*each) for each in self.jobs]}

    def _summary(self, name: str, *values: Any) -> Mapping[str, Any]:
        began = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
        found = {"TrainingJobName": name, "TrainingJobStatus": "InProgress", "TrainingStartTime": began}
        found["TunedHyperParameters"] = dict(zip(RANGES, values, strict=False))
        if values[-1] is not None:
            found |= {"TrainingJobStatus": "Completed", "TrainingEndTime": began + timedelta(seconds=75)}
            found["FinalHyperParameterTuningJobObjectiveMetric"] = {"MetricName": "m", "Value": values[-1]}
        return found


def names(visitor: Visitor) -> list[str]:
    rows = visitor.page.get_by_role("region", name="Training jobs").locator("tbody tr td:first-child")
    return [each.split()[0] for each in rows.all_inner_texts()]


def test_what_a_search_tried_is_sorted_and_drawn(console: Console, visitor: Visitor):
    put_search(console)
    console.put_object(f"prod2vec/{RUN}/{TABLE}", table(JOBS))
    visitor.open(f"/runs/prod2vec/{RUN}/data")
    visitor.page.get_by_role("link", name="Tuning").click()

    assert names(visitor) == ["tune-1-001", "tune-1-003", "tune-1-002"]
    expect(visitor.page.get_by_role("row").filter(has_text="tune-1-003")).to_contain_text("1 min 01 s")
    best = visitor.page.get_by_role("region", name="Best")
    expect(best.get_by_role("row").filter(has_text="learning_rate")).to_contain_text("0.020.01")
    expect(best.get_by_role("row").filter(has_text="validation hit rate")).to_contain_text("0.42")
    charts = visitor.page.get_by_role("img", name="validation hit rate against")
    expect(charts).to_have_count(3)
    # 9 is outside of what could be tried, and a job without an objective is nowhere.
    assert [chart.locator("circle").count() for chart in charts.all()] == [2, 2, 2]
    visitor.page.get_by_role("link", name="learning_rate").click()
    assert names(visitor) == ["tune-1-002", "tune-1-001", "tune-1-003"]
    expect(visitor.page.get_by_role("columnheader", name="learning_rate")).to_have_attribute("aria-sort", "ascending")
    visitor.page.get_by_role("link", name="learning_rate").click()
    assert names(visitor) == ["tune-1-003", "tune-1-001", "tune-1-002"]


def test_a_search_is_followed_while_it_runs(console: Console, visitor: Visitor):
    put_search(console, running=True)
    fake = FakeSearch([("tune-1-001", "0.01", "16", "cosine", None)])
    console.deployment.target._clients["sagemaker"] = fake
    visitor.open(f"/runs/prod2vec/{RUN}/tuning")
    expect(visitor.page.get_by_text("1 of 4 training jobs so far")).to_be_visible()
    expect(visitor.page.get_by_role("region", name="Best")).to_have_count(0)

    fake.jobs = [("tune-1-001", "0.01", "16", "cosine", 0.4), ("tune-1-002", "0.03", "64", "dot", None)]
    expect(visitor.page.get_by_text("2 of 4 training jobs so far")).to_be_visible()
    row = visitor.page.get_by_role("row").filter(has_text="tune-1-001")
    expect(row).to_contain_text("0.4")
    expect(row).to_contain_text("1 min 15 s")
    assert visitor.accessibility() == []


def test_the_log_of_one_training_job_is_shown_alone(console: Console, visitor: Visitor):
    put_search(console, running=True)
    console.put_object(f"prod2vec/{RUN}/{TABLE}", table(JOBS))
    logs = console.deployment.target.client("logs")
    logs.create_log_group(logGroupName="/aws/sagemaker/TrainingJobs")
    now = int(START.timestamp() * 1000)
    for name in ("tune-1-001", "tune-1-002"):
        stream = {"logGroupName": "/aws/sagemaker/TrainingJobs", "logStreamName": f"{name}/algo-1-1"}
        logs.create_log_stream(**stream)
        logs.put_log_events(**stream, logEvents=[{"timestamp": now, "message": f"said by {name}"}])
    visitor.open(f"/runs/prod2vec/{RUN}/tuning")
    visitor.page.get_by_role("link", name="Log of tune-1-002").click()
    expect(visitor.page.get_by_text("said by tune-1-002")).to_be_visible()
    expect(visitor.page.get_by_text("said by tune-1-001")).to_have_count(0)
    with visitor.page.expect_download() as download:
        visitor.page.get_by_text("Download all 1 lines").click()
    assert download.value.path().read_text().count("said by") == 1


@pytest.mark.parametrize("visitor", LOOKS, indirect=True, ids=[f"{width}-{scheme}" for width, scheme in LOOKS])
def test_a_search_is_readable_by_everybody_and_hostile_names_are_text(console: Console, visitor: Visitor):
    put_search(console)
    console.put_object(f"prod2vec/{RUN}/{TABLE}", table([*JOBS, (f"{HOSTILE}4", HOSTILE, HOSTILE, HOSTILE, 0.2)]))
    visitor.open(f"/runs/prod2vec/{RUN}/tuning")
    expect(visitor.page.get_by_text(HOSTILE).first).to_be_visible()
    assert visitor.page.locator("main img").count() == 0
    assert visitor.accessibility() == []
    assert visitor.hangs_over() <= 0


def test_a_run_without_a_search_says_how_to_have_one(console: Console):
    put_run(console, RUN, epochs=7, value=0.31)
    page = console.get(f"/runs/prod2vec/{RUN}/tuning").body.decode()
    assert f"trainyard rerun {RUN} --set tune=true" in page
    assert "/tuning" not in console.get(f"/runs/prod2vec/{RUN}/data").body.decode()


def test_the_state_that_searches_is_that_of_the_machine(machine: Mapping[str, Any]):
    assert machine["States"][tuning.STATE]["Resource"].endswith("createHyperParameterTuningJob.sync")


def trial(**values: str) -> Trial:
    return Trial(job="j", status="Completed", values=values, objective=0.5)


def test_a_value_lies_where_the_scale_of_its_range_puts_it():
    inner = scatter.WIDTH - 2 * scatter.MARGIN
    logarithmic = scatter.across("0.01", RANGES["learning_rate"])
    assert logarithmic == pytest.approx(scatter.MARGIN + inner / 2)
    assert scatter.across("128", RANGES["embedding_size"]) == scatter.WIDTH - scatter.MARGIN
    assert scatter.across("dot", RANGES["similarity"]) == scatter.WIDTH - scatter.MARGIN
    assert [scatter.across(each, RANGES["embedding_size"]) for each in ("", "9", "nan", "x")] == [None] * 4


def test_the_best_of_a_search_that_lowers_is_the_lowest():
    jobs = [Trial(job=str(value), status="Completed", values={}, objective=value) for value in (0.3, 0.1, 0.2)]
    found = Search(tuning=Tuning(objective="loss", direction="Minimize", ranges={}), before={}, trials=jobs)
    assert found.best is jobs[1]
