"""A second `run` into a data set trains once, on the files it uploaded, with its own settings."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import pytest

from tests.cli.story import FakeStepFunctions, Story, execution_arn, upload_event
from trainyard.cli.dataset import submission
from trainyard.client.dataset import uploads
from trainyard.client.deployment import Deployment
from trainyard.client.execution import going_on
from trainyard.client.execution.executions import describe
from trainyard.client.execution.watch import Watch
from trainyard.run import recipe
from trainyard.run.environment import Environment
from trainyard.run.plan import NextStep, Plan
from trainyard.stages.resolve.resolve import resolve


class Workflow:
    """Resolve, started by every upload as the deployed rule does it, at the moment of the upload."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment, self.plans, self.count = deployment, list[Plan](), 0
        client = deployment.target.client("s3")
        self.s3 = deployment.target.session.client("s3")
        self.bodies: dict[str, dict[str, str]] = {}
        client.meta.events.register("provide-client-params.s3.PutObject", self._remember)
        client.meta.events.register("after-call.s3.PutObject", self._started)

    def _remember(self, params: dict[str, Any], context: Any, **_: Any) -> None:
        self.key = params["Key"]

    def _started(self, **_: Any) -> None:
        self.start({"detail-type": "Object Created", "detail": {"object": {"key": self.key}}})

    def start(self, given: dict[str, Any]) -> None:
        """What an execution with this input decides."""
        name, self.count = f"e{self.count}", self.count + 1
        environment = Environment(
            raw_bucket=self.deployment.raw_bucket,
            artifacts_bucket=self.deployment.artifacts_bucket,
            ledger_table=self.deployment.ledger_table,
            topic_arn="topic",
            code_version="1",
            tags={},
            job_defaults={},
            settling_seconds=3,
        )
        execution = {"arn": execution_arn(name), "name": name, "started": "2026-11-21T02:03:04.567Z"}
        dynamodb = self.deployment.target.client("dynamodb")
        self.plans.append(resolve(given, execution, environment=environment, s3=self.s3, dynamodb=dynamodb))

    def trained(self) -> list[Plan]:
        """The plans that train, of what was uploaded since the last call."""
        found = [each for each in self.plans if each.outcome is NextStep.TRAIN]
        self.plans = []
        return found


@pytest.fixture
def workflow(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workflow]:
    monkeypatch.setattr(Watch, "wait", lambda self, done: done)
    return Workflow(deployment)


def folder(tmp_path: Path, *names: str, content: str = "x") -> Path:
    made = tmp_path / content
    made.mkdir()
    for name in names:
        (made / name).parent.mkdir(exist_ok=True)
        (made / name).write_text(content, encoding="utf-8")
    return made


def run(workflow: Workflow, name: str, data: Path, *assignments: str) -> dict[str, str]:
    """Upload; the versions by file name."""
    prepared = submission.prepare(name, data, dataset="d", assignments=assignments, tune=False, size=1, seed=1)
    done: Any = submission.submit(workflow.deployment, prepared)
    return {each.name: each.version_id for each in done if each.name not in ("run.json", "_READY")}


def settings_of(workflow: Workflow, plan: Plan) -> dict[str, Any]:
    key = f"{plan.prefix}/resolve/request.json"
    content = workflow.s3.get_object(Bucket=workflow.deployment.artifacts_bucket, Key=key)["Body"].read()
    document: dict[str, Any] = json.loads(content)["config"]
    return document


MOVIES = ("links.csv", "movies.csv", "ratings.csv", "tags.csv")


def test_a_second_run_trains_once_on_the_newest_files(workflow: Workflow, tmp_path: Path) -> None:
    first = run(workflow, "two_tower", folder(tmp_path, *MOVIES, content="old"), "seed=3")
    (plan,) = workflow.trained()
    assert (plan.objects, settings_of(workflow, plan)["seed"]) == (first, 3)
    second = run(workflow, "two_tower", folder(tmp_path, *MOVIES, content="new"), "seed=4")
    (plan,) = workflow.trained()
    assert (plan.objects, settings_of(workflow, plan)["seed"]) == (second, 4)


def test_settings_of_an_earlier_run_do_not_hold(
    workflow: Workflow, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(workflow, "two_tower", folder(tmp_path, *MOVIES, content="old"), "seed=3")
    workflow.trained()
    assert "exists" not in capsys.readouterr().err
    run(workflow, "two_tower", folder(tmp_path, *MOVIES, content="new"))
    (plan,) = workflow.trained()
    assert settings_of(workflow, plan)["seed"] == 42
    said = capsys.readouterr().err
    assert "Data set d exists: replacing links.csv" in said
    assert "settings of its run.json no longer hold" in said


def test_one_new_table_trains_once_with_the_others_that_are_there(workflow: Workflow, tmp_path: Path) -> None:
    first = run(workflow, "two_tower", folder(tmp_path, *MOVIES, content="old"))
    workflow.trained()
    second = run(workflow, "two_tower", folder(tmp_path, "ratings.csv.gz", "tags.csv", content="new"), "seed=4")
    (plan,) = workflow.trained()
    assert plan.objects == {"links.csv": first["links.csv"], "movies.csv": first["movies.csv"], **second}


def test_a_recipe_that_needs_any_one_file_trains_once(workflow: Workflow, tmp_path: Path) -> None:
    run(workflow, "propensity", folder(tmp_path, "visits.csv", content="old"))
    workflow.trained()
    again = run(workflow, "propensity", folder(tmp_path, "propensity.sqlite", content="new"), "seed=4")
    (plan,) = workflow.trained()
    assert plan.objects == again


def test_old_versions_are_kept(workflow: Workflow, tmp_path: Path) -> None:
    first = run(workflow, "two_tower", folder(tmp_path, *MOVIES, content="old"))
    run(workflow, "two_tower", folder(tmp_path, *MOVIES, content="new"))
    found = workflow.s3.get_object(
        Bucket=workflow.deployment.raw_bucket, Key="raw/two_tower/d/tags.csv", VersionId=first["tags.csv"]
    )
    assert found["Body"].read() == b"old"


def test_what_is_not_replaced_is_left_alone(deployment: Deployment) -> None:
    s3 = deployment.target.client("s3")
    kept = ("raw/two_tower/d2/ratings.csv", "raw/two_tower/d/notes.txt", "raw/two_tower/d/tags.csv")
    for key in (*kept, "raw/two_tower/d/older/ratings.csv"):
        s3.put_object(Bucket=deployment.raw_bucket, Key=key, Body=b"x")
    config = recipe.config("two_tower")
    sources = recipe.sources("two_tower", config)
    remove = partial(uploads.remove_earlier, deployment, "two_tower", dataset="d", sources=sources, settings={})
    assert remove(files=["ratings.csv"]) == ["older/ratings.csv"]
    # Of which table this is only its columns tell.
    assert sorted(remove(files=["export.tsv"])) == ["notes.txt", "tags.csv"]


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("propensity", ["visits.csv", "propensity.sqlite"]),
        ("headline_classifier", ["newsCorpora.csv", "newsCorpora.tsv"]),
        ("prod2vec", ["order_products__prior.csv", "order_products__train.csv", "products.csv"]),
        ("two_tower", ["ratings/part-00000.csv", "ratings/part-00001.csv", "artists.tsv"]),
    ],
)
@pytest.mark.parametrize("settings", [[], ["seed=3"]])
def test_files_of_any_kind_and_number_train_once(
    workflow: Workflow, tmp_path: Path, name: str, files: list[str], settings: list[str]
) -> None:
    """Also those of which each completes the set: the last object says that nothing more comes."""
    done = run(workflow, name, folder(tmp_path, *files), *settings)
    (plan,) = workflow.trained()
    assert plan.objects == done == dict.fromkeys(files, ANY)


def test_a_rerun_reads_what_the_first_run_read(
    workflow: Workflow, tmp_path: Path, step_functions: FakeStepFunctions
) -> None:
    """Files and run.json were replaced since; with `newest` these count."""
    first = run(workflow, "two_tower", folder(tmp_path, *MOVIES, content="old"), "seed=3")
    (plan,) = workflow.trained()
    story = Story()
    story.resolved(plan.to_mapping())
    given = {"input": upload_event("raw/two_tower/d/_READY", "v"), "status": "FAILED", "startDate": datetime.now(UTC)}
    step_functions.put("e1", story, **given)
    execution = describe(workflow.deployment.target, execution_arn("e1"))
    second = run(workflow, "two_tower", folder(tmp_path, *MOVIES, content="new"), "seed=4")
    for newest, files, seed in ((False, first, 7), (True, second, 7), (False, first, 3)):
        changes = {"seed": 7} if seed == 7 else {}
        going_on.rerun(workflow.deployment, execution, changes=changes, newest=newest)
        workflow.plans = []
        workflow.start(json.loads(step_functions.started[-1]["input"]))
        (plan,) = workflow.trained()
        assert (plan.objects, settings_of(workflow, plan)["seed"]) == (files, seed)


def test_versions_that_are_gone_are_refused(workflow: Workflow, tmp_path: Path) -> None:
    first = run(workflow, "two_tower", folder(tmp_path, *MOVIES, content="old"))
    given = {"recipe": "two_tower", "dataset": "d", "versions": {**first, "tags.csv": "gone"}}
    for versions, said in ((given["versions"], "those of tags.csv are no longer"), ([], "as an object of the version")):
        workflow.start({**given, "versions": versions})
        assert workflow.plans[-1].outcome is NextStep.REFUSED
        assert said in workflow.plans[-1].reason
