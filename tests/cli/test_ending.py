"""What a reader is shown when an execution has ended, and the exit code that goes with it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cli import test_logs
from tests.cli.story import MACHINE_ARN, FakeStepFunctions, Story, upload_event
from trainyard.cli.execution_view.ending import FAILURE_WORDS, print_ending
from trainyard.cli.execution_view.exit_codes import EXIT_CODES, exit_code
from trainyard.cli.main import main
from trainyard.client.deployment import Deployment
from trainyard.client.execution import executions
from trainyard.client.execution.observer import Observer
from trainyard.contract.quality import Quality
from trainyard.run.outcome import FAILURES, Outcome

CHECK = {"name": "hit_rate_at_10", "passed": True, "sentence": "hit_rate_at_10 >= 0.02: it is 0.24."}
DECISION: dict[str, Any] = {
    "promote": True,
    "reasons": [],
    "checks": [CHECK],
    "metrics": {"hit_rate_at_10": {"value": 0.24123, "low": 0.23, "high": 0.25}, "mrr": {"value": 0.125}},
    "references": {"popularity": {"hit_rate_at_10": 0.05}},
    "champion": {
        "run_id": "r0",
        "metrics": {"hit_rate_at_10": {"value": 0.21}},
        "difference": {"value": 0.03, "low": 0.01, "high": 0.05},
    },
}


def printed(
    deployment: Deployment, fake: FakeStepFunctions, capsys: pytest.CaptureFixture[str], story: Story, **values: Any
) -> tuple[int, str]:
    arn = fake.put("e1", story, **values)
    snapshot = Observer(deployment, arn).snapshot()
    code = print_ending(deployment, snapshot.execution, visits=snapshot.visits)
    return code, capsys.readouterr().out


def ended(result: str, decision: dict[str, Any]) -> str:
    facts = {"outcome": result, "recipe": "prod2vec", "run_id": "r1", "uri": "s3://artifacts-bucket/prod2vec/r1"}
    return json.dumps({**facts, "dataset": "d", "decision": decision})


def test_a_registered_model_shows_scores_and_highlights(
    deployment: Deployment, step_functions: FakeStepFunctions, capsys: pytest.CaptureFixture[str]
) -> None:
    highlights = {"title": "Neighbours", "columns": ["product", "nearest"], "rows": [["Salsa [hot]", "Chips"]]}
    deployment.target.client("s3").put_object(
        Bucket="artifacts-bucket", Key="prod2vec/r1/report/highlights.json", Body=json.dumps(highlights).encode()
    )
    code, text = printed(
        deployment, step_functions, capsys, Story(), status="SUCCEEDED", output=ended("registered", DECISION)
    )
    assert code == 0
    for expected in ("passed the gate", "0.2412", "0.23 to 0.25", "popularity", "0.05", "champion", "0.21"):
        assert expected in text
    for expected in ("Salsa [hot]", "Chips", "s3://artifacts-bucket/prod2vec/r1/report/index.html"):
        assert expected in text


def test_a_model_shows_what_is_worth_knowing_of_its_data(
    deployment: Deployment, step_functions: FakeStepFunctions, capsys: pytest.CaptureFixture[str]
) -> None:
    quality = Quality(warnings=("class 'opera': 2 rows, none of them is held out.",))
    deployment.target.client("s3").put_object(
        Bucket="artifacts-bucket", Key="prod2vec/r1/ingest/quality.json", Body=quality.to_json().encode()
    )
    code, text = printed(
        deployment, step_functions, capsys, Story(), status="SUCCEEDED", output=ended("registered", DECISION)
    )
    assert code == 0
    assert "Of the data: class 'opera': 2 rows, none of them is held out." in text


def test_a_refused_model_shows_the_failed_checks(
    deployment: Deployment, step_functions: FakeStepFunctions, capsys: pytest.CaptureFixture[str]
) -> None:
    check = {**CHECK, "passed": False, "sentence": "hit_rate_at_10 >= 0.9: it is 0.24."}
    decision = {**DECISION, "promote": False, "checks": [check], "champion": None}
    code, text = printed(
        deployment, step_functions, capsys, Story(), status="SUCCEEDED", output=ended("refused", decision)
    )
    assert code == 5
    assert "refused the model" in text
    assert "✗ hit_rate_at_10 >= 0.9: it is 0.24." in text


def test_bad_data_lists_every_reason(
    deployment: Deployment, step_functions: FakeStepFunctions, capsys: pytest.CaptureFixture[str]
) -> None:
    cause = "products.csv, line 3: expected a number, found 'x'.\norders.csv: expected 4 columns, found 3."
    code, text = printed(deployment, step_functions, capsys, Story(), status="FAILED", error="BadData", cause=cause)
    assert code == 3
    assert all(f"• {line}" in text for line in cause.splitlines())
    assert "redrive" not in text


def test_a_bad_request_and_an_idle_execution(
    deployment: Deployment, step_functions: FakeStepFunctions, capsys: pytest.CaptureFixture[str]
) -> None:
    code, text = printed(
        deployment, step_functions, capsys, Story(), status="FAILED", error="BadRequest", cause="seed: expected 0."
    )
    assert (code, "• seed: expected 0." in text) == (2, True)
    idle = json.dumps({"outcome": "nothing", "reason": "waiting for products.csv"})
    code, text = printed(deployment, step_functions, capsys, Story(), status="SUCCEEDED", output=idle)
    assert (code, "waiting for products.csv" in text) == (0, True)


def test_a_failed_job_shows_root_cause_log_and_redrive(
    deployment: Deployment, step_functions: FakeStepFunctions, capsys: pytest.CaptureFixture[str]
) -> None:
    test_logs.write(deployment, "/aws/sagemaker/TrainingJobs", "train-1/algo-1", "Traceback", "MemoryError: too big")
    story = Story()
    story.enter("Train model")
    story.schedule("createTrainingJob.sync", {"TrainingJobName": "train-1"})
    cause = json.dumps({"TrainingJobName": "train-1", "FailureReason": "AlgorithmError: too big"})
    story.fail("States.TaskFailed", cause)
    story.end("States.TaskFailed", cause)
    code, text = printed(
        deployment, step_functions, capsys, story, status="FAILED", error="States.TaskFailed", cause=cause
    )
    assert code == 1
    for expected in (
        "FAILED at Train model",
        "AlgorithmError: too big",
        "MemoryError: too big",
        "trainyard redrive e1",
    ):
        assert expected in text


def failed_training(step_functions: FakeStepFunctions, story: Story | None = None) -> str:
    """An execution whose training job failed; returns its ARN."""
    story = story or Story()
    story.enter("Train model")
    story.schedule("createTrainingJob.sync", {"TrainingJobName": "train-1"})
    cause = json.dumps({"TrainingJobName": "train-1", "FailureReason": "AlgorithmError: too big"})
    story.fail("States.TaskFailed", cause)
    story.end("States.TaskFailed", cause)
    given = upload_event("raw/prod2vec/mine/products.csv", "v1")
    return step_functions.put("e1", story, status="FAILED", error="States.TaskFailed", cause=cause, input=given)


def machine(image: str) -> dict[str, Any]:
    arguments = {"AlgorithmSpecification": {"TrainingImage": image}}
    resource = "arn:aws:states:::sagemaker:createTrainingJob.sync"
    return {"States": {"Train model": {"Type": "Task", "Resource": resource, "Arguments": arguments, "End": True}}}


def test_a_redrive_that_cannot_help_is_refused_and_never_advised(
    deployment: Deployment,
    step_functions: FakeStepFunctions,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("trainyard.cli.command.target.deployed", lambda **_: deployment)
    step_functions.machine = machine("image:1")
    arn = failed_training(step_functions)
    assert main(["redrive", "e1", "--no-follow"]) == 0
    step_functions.deployed = machine("image:2")
    assert main(["show", "e1"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "your fix is not in this execution. Start it again: trainyard rerun e1" in text
    assert "trainyard redrive e1" not in text
    assert main(["redrive", "e1", "--no-follow"]) == 1
    assert "or redrive it with --anyway" in " ".join(capsys.readouterr().err.split())
    assert main(["redrive", "e1", "--no-follow", "--anyway"]) == 0
    assert step_functions.redriven == [arn, arn]


def test_a_redrive_says_which_code_it_keeps_where_a_newer_version_is_deployed(
    deployment: Deployment,
    step_functions: FakeStepFunctions,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("trainyard.cli.command.target.deployed", lambda **_: deployment)
    step_functions.executions[failed_training(step_functions)]["stateMachineVersionArn"] = f"{MACHINE_ARN}:1"
    step_functions.versions = {"1": "Code aaaa"}
    assert main(["redrive", "e1", "--no-follow", "--anyway"]) == 0
    assert "keeps" not in capsys.readouterr().out
    step_functions.versions["2"] = "Code bbbb"
    assert main(["redrive", "e1", "--no-follow", "--anyway"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "keeps the code that it began with: version 1 (Code aaaa) of the workflow" in said
    assert "Deployed is version 2 (Code bbbb)." in said
    # Versions that nothing can run any more are removed; their number is still known.
    del step_functions.versions["1"]
    assert main(["redrive", "e1", "--no-follow", "--anyway"]) == 0
    assert "version 1 of the workflow" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("error", "advice"), [("ChildrenFailed", "Redrive each child that failed by its own name"), ("BadData", "rerun")]
)
def test_a_redrive_that_would_only_enter_a_fail_state_again_is_refused(
    deployment: Deployment,
    step_functions: FakeStepFunctions,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    error: str,
    advice: str,
) -> None:
    monkeypatch.setattr("trainyard.cli.command.target.deployed", lambda **_: deployment)
    step_functions.put("e1", status="FAILED", error=error, cause="why")
    assert main(["redrive", "e1", "--no-follow"]) == 1
    assert advice in " ".join(capsys.readouterr().err.split())
    assert step_functions.redriven == []


def test_a_rerun_asks_for_the_same_again_by_hand(
    deployment: Deployment,
    step_functions: FakeStepFunctions,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("trainyard.cli.command.target.deployed", lambda **_: deployment)
    failed_training(step_functions)
    assert main(["rerun", "e1", "--no-follow"]) == 0
    [started] = step_functions.started
    assert json.loads(started["input"]) == {
        "recipe": "prod2vec",
        "dataset": "mine",
        "task": "train",
        "folder": "raw",
        "overrides": {},
    }
    assert f"Execution {started['name']}, for e1" in capsys.readouterr().out
    given = {"recipe": "prod2vec", "dataset": "d", "overrides": {"deploy": {"type": "instances"}, "seed": 1}}
    step_functions.put("e0", status="FAILED", input=json.dumps(given))
    assert main(["rerun", "e0", "--no-follow", "--set", "deploy.enabled=true", "--set", "seed=2"]) == 0
    changed = json.loads(step_functions.started[-1]["input"])["overrides"]
    assert changed == {"deploy": {"type": "instances", "enabled": True}, "seed": 2}
    assert main(["rerun", "e0", "--no-follow", "--fresh"]) == 0
    assert json.loads(step_functions.started[-1]["input"])["fresh"] is True
    assert main(["rerun", "e0", "--no-follow", "--set", "deploy.on=true"]) == 2
    step_functions.put("e2", status="RUNNING", input='{"recipe": "prod2vec", "dataset": "d"}')
    assert main(["rerun", "e2", "--no-follow"]) == 1
    assert "Expected an execution that has ended" in capsys.readouterr().err
    step_functions.put("e3", status="FAILED", input='{"nothing": 1}')
    assert main(["rerun", "e3", "--no-follow"]) == 2


def test_every_outcome_has_an_exit_code_and_every_failure_its_words() -> None:
    assert set(EXIT_CODES) == set(Outcome)
    assert set(FAILURE_WORDS) == FAILURES


def test_a_decision_of_another_version_is_shown(
    deployment: Deployment, step_functions: FakeStepFunctions, capsys: pytest.CaptureFixture[str]
) -> None:
    older = {"promote": True, "metrics": {"hit_rate_at_10": {"value": 1}}}
    newer = {**DECISION, "version": 99, "approved_by": "somebody"}
    for decision, expected in ((older, "hit_rate_at_10"), (newer, "0.23 to 0.25")):
        output = ended("registered", decision)
        code, text = printed(deployment, step_functions, capsys, Story(), status="SUCCEEDED", output=output)
        assert code == 0
        assert expected in text


@pytest.mark.parametrize("status", ["ABORTED", "TIMED_OUT"])
def test_other_ends_are_failures(deployment: Deployment, step_functions: FakeStepFunctions, status: str) -> None:
    execution = executions.describe(deployment.target, step_functions.put("e1", status=status))
    assert exit_code(execution) == 1


@pytest.mark.parametrize("columns", [3, 11])
def test_wide_highlights_are_turned(
    deployment: Deployment,
    step_functions: FakeStepFunctions,
    capsys: pytest.CaptureFixture[str],
    columns: int,
) -> None:
    highlights = {
        "title": "Neighbours",
        "columns": [f"c{number}" for number in range(columns)],
        "rows": [[f"r{row}c{number}" for number in range(columns)] for row in range(2)],
    }
    deployment.target.client("s3").put_object(
        Bucket="artifacts-bucket", Key="prod2vec/r1/report/highlights.json", Body=json.dumps(highlights).encode()
    )
    _, text = printed(
        deployment, step_functions, capsys, Story(), status="SUCCEEDED", output=ended("registered", DECISION)
    )
    together = [line for line in text.splitlines() if "r0c1" in line]
    assert ("r0c2" in together[0], "r1c1" in together[0]) == ((True, False) if columns == 3 else (False, True))


def test_a_fan_out_tells_how_each_child_ended(
    deployment: Deployment, step_functions: FakeStepFunctions, capsys: pytest.CaptureFixture[str]
) -> None:
    children = [{"name": "product-7", "outcome": "registered", "reason": "auc 0.81"}]
    output = json.dumps({"outcome": "children", "recipe": "propensity", "run_id": "r1", "children": children})
    code, text = printed(deployment, step_functions, capsys, Story(), status="SUCCEEDED", output=output)
    assert code == 0
    assert "product-7 registered: auc 0.81" in text
    failed = {"error": "ChildrenFailed", "cause": "product-8: no sales\nproduct-9: no network"}
    code, text = printed(deployment, step_functions, capsys, Story(), status="FAILED", **failed)
    assert code == 1
    for expected in ("they stopped no other", "• product-8: no sales", "• product-9: no network"):
        assert expected in text


def test_a_deployment_tells_its_endpoint_or_why_it_was_rolled_back(
    deployment: Deployment, step_functions: FakeStepFunctions, capsys: pytest.CaptureFixture[str]
) -> None:
    output = json.dumps({**json.loads(ended("registered", DECISION)), "endpoint": "trainyard-dev-prod2vec"})
    code, text = printed(deployment, step_functions, capsys, Story(), status="SUCCEEDED", output=output)
    assert code == 0
    assert "trainyard-dev-prod2vec" in text
    failed = {"error": "DeploymentRolledBack", "cause": "Request 1: Expected 5, found 6.\nEndpoint x is InService."}
    code, text = printed(deployment, step_functions, capsys, Story(), status="FAILED", **failed)
    assert code == 1
    for expected in ("is registered, but its deployment was rolled back", "• Request 1: Expected 5, found 6."):
        assert expected in text
    # The rest of the execution is done: nothing is left to go on with.
    assert "redrive" not in text


def test_a_deployment_that_was_overtaken_names_the_newer_run_and_what_to_do(
    deployment: Deployment, step_functions: FakeStepFunctions, capsys: pytest.CaptureFixture[str]
) -> None:
    output = {"outcome": "superseded", "recipe": "prod2vec", "dataset": "d", "run_id": "r1", "newer_run": "r2"}
    code, text = printed(deployment, step_functions, capsys, Story(), status="SUCCEEDED", output=json.dumps(output))
    assert code == 0
    assert "The model of run r1 was not put into service: that of run r2 is newer." in text
    assert "trainyard release prod2vec" in text
