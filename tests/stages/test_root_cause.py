"""Where a history failed: retries, catches, redrives, items of a Map, limits and stops."""

from __future__ import annotations

import json

import pytest

from tests.cli.story import Story
from trainyard.stages.explain_failure import going_on
from trainyard.stages.explain_failure.root_cause import root_cause

TRAINING = {"TrainingJobName": "train-1", "TrainingJobStatus": "Failed", "FailureReason": "AlgorithmError: no rows"}
CAUSE = json.dumps(TRAINING)


def begun(name: str = "Train model") -> Story:
    """A story whose last state waits for a training job."""
    story = Story()
    story.resolved({"recipe": "prod2vec"})
    story.enter(name)
    story.schedule("createTrainingJob.sync", {"TrainingJobName": "train-1"})
    return story


def test_a_failure_that_was_caught_is_no_reason_for_what_comes_later():
    story = begun("Find champion")
    story.fail("DynamoDB.ConditionalCheckFailedException", "lost the race")
    story.leave("Find champion")
    story.enter("Write report")
    story.add("ExecutionTimedOut", "executionTimedOut")
    failure = root_cause(story.events, status="TIMED_OUT")
    assert (failure.state, failure.error) == ("Write report", "TIMED_OUT")
    assert "limit of the whole workflow" in failure.reason


def test_a_failure_before_a_redrive_is_over():
    story = begun()
    story.fail("States.TaskFailed", CAUSE)
    story.end("States.TaskFailed", CAUSE)
    story.add("ExecutionRedriven", "executionRedriven", redriveCount=1)
    story.enter("Train model")
    story.schedule("createTrainingJob.sync", {"TrainingJobName": "train-2"})
    story.add("ExecutionAborted", "executionAborted", error="Stopped", cause="wrong file")
    failure = root_cause(story.events, status="ABORTED")
    assert (failure.state, failure.error, failure.job) == ("Train model", "Stopped", "train-2")
    assert failure.reason == "It was stopped: wrong file. Job train-2, which was running, was stopped with it."


def test_an_expression_that_says_a_failure_once_more_is_that_failure():
    """The catcher of a job raises what is no fault of the service, so that the execution fails in the job's state."""
    story = begun()
    story.fail("States.TaskFailed", CAUSE)
    again = f"The JSONata expression '$error(...)' threw an error during evaluation. D3137: {CAUSE}"
    error = "States.QueryEvaluationError"
    story.add("EvaluationFailed", "evaluationFailed", error=error, cause=again, state="Train model", location="Output")
    story.end(error, again)
    failure = root_cause(story.events, status="FAILED")
    assert (failure.state, failure.error, failure.reason) == (
        "Train model",
        "States.TaskFailed",
        "AlgorithmError: no rows",
    )
    assert failure.job == "train-1"


def test_a_call_that_was_refused_has_begun_no_job():
    story = begun()
    story.fail("SageMaker.AmazonSageMakerException", "1 validation error detected (Status Code: 400)")
    story.end("SageMaker.AmazonSageMakerException", "1 validation error detected (Status Code: 400)")
    failure = root_cause(story.events, status="FAILED")
    assert (failure.job, failure.log) == ("", None)
    assert failure.reason == "1 validation error detected (Status Code: 400)"


def test_an_expression_that_fails_by_itself_is_the_reason():
    story = Story()
    story.enter("Notify")
    story.add("EvaluationFailed", "evaluationFailed", error="States.QueryEvaluationError", cause="no such field")
    story.end("States.QueryEvaluationError", "no such field")
    failure = root_cause(story.events, status="FAILED")
    assert (failure.state, failure.error, failure.reason) == ("Notify", "States.QueryEvaluationError", "no such field")


def test_of_several_items_the_one_that_failed_is_named():
    story = Story()
    start = story.enter("Train every child", "Map")
    started = story.add("MapStateStarted", "mapStateStarted", length=2, after=start)
    last = {}
    for index, name in enumerate(("product-7", "product-8")):
        item = story.add("MapIterationStarted", "mapIterationStarted", name="m", index=index, after=started)
        text = json.dumps({"name": name})
        last[name] = story.add("TaskStateEntered", "stateEntered", name="Train child", input=text, after=item)
    failed = story.add("TaskFailed", "taskFailed", resource="x", error="E", cause="no sales", after=last["product-7"])
    story.add("MapIterationFailed", "mapIterationFailed", name="m", index=0, after=failed)
    story.add("MapIterationAborted", "mapIterationAborted", name="m", index=1, after=last["product-8"])
    story.add("MapStateFailed", "mapStateFailed", error="E", cause="no sales", after=failed)
    story.end("E", "no sales")
    failure = root_cause(story.events, status="FAILED")
    assert failure.where == "Train child in Train every child, item product-7"
    assert (failure.state, failure.reason) == ("Train child", "no sales")


def test_a_fail_state_gives_its_own_error():
    story = begun()
    story.leave("Train model")
    story.add("FailStateEntered", "stateEntered", name="Bad data", input="{}")
    story.end("BadData", "line 3: no number")
    failure = root_cause(story.events, status="FAILED")
    assert (failure.state, failure.error, failure.reason) == ("Bad data", "BadData", "line 3: no number")


def task(image: str) -> dict[str, object]:
    arguments = {"AlgorithmSpecification": {"TrainingImage": image}}
    return {"Type": "Task", "Resource": "arn:aws:states:::sagemaker:createTrainingJob.sync", "Arguments": arguments}


GLUE = {"Type": "Task", "Resource": "arn:aws:states:::glue:startJobRun.sync", "Arguments": {"JobName": "ingest"}}


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("Train model", "a redrive would run the state 'Train model' with the container image from before"),
        ("Ingest raw data", ""),
        ("Train child", "a redrive would run the state 'Train child' with the definition from before"),
        ("Old state", "the state 'Old state' is no longer part of the workflow"),
        ("", ""),
    ],
)
def test_a_redrive_cannot_help_where_its_state_has_changed(state, expected):
    child = {"States": {"Train child": {"Type": "Task"}}}
    began = {"Train model": task("a:1"), "Ingest raw data": GLUE, "Map": {"ItemProcessor": child}, "Old state": {}}
    child = {"States": {"Train child": {"Type": "Pass"}}}
    now = {"Train model": task("a:2"), "Ingest raw data": GLUE, "Map": {"ItemProcessor": child}}
    assert going_on.outdated(state, began={"States": began}, deployed={"States": now}) == expected


@pytest.mark.parametrize(
    ("resource", "arguments", "what"),
    [
        ("lambda:invoke", {"FunctionName": "arn:aws:lambda:us-east-1:1:function:gate:{}"}, "the function's code"),
        ("glue:startJobRun.sync", {"JobName": "ingest", "Arguments": {"--extra-py-files": "{}.zip"}}, "the job's code"),
        ("sagemaker:createModel", {"PrimaryContainer": {"Image": "images:{}"}}, "the container image"),
        ("sns:publish", {"Message": "{}"}, "the definition"),
    ],
)
def test_it_says_which_code_is_from_before(resource, arguments, what):
    def machine(version: str) -> dict[str, object]:
        told = json.loads(json.dumps(arguments).replace("{}", version))
        return {"States": {"S": {"Type": "Task", "Resource": f"arn:aws:states:::{resource}", "Arguments": told}}}

    old = going_on.outdated("S", began=machine("1"), deployed=machine("2"))
    assert old == f"a redrive would run the state 'S' with {what} from before"


@pytest.mark.parametrize("state", ["Train model", "Ingest raw data", "Notify"])
def test_the_advice_says_what_a_redrive_keeps(state):
    states = {"States": {"Train model": task("a"), "Ingest raw data": GLUE, "Notify": {"Type": "Task"}}}
    lines = going_on.advice("e1", state=state, began=states, deployed=states, redrive="REDRIVE", rerun="RERUN")
    assert "keeps the workflow and the code" in " ".join(lines)
    assert "  REDRIVE" in lines
    assert "  RERUN" in lines


def test_what_followed_a_decision_is_not_advised_to_be_started_again():
    states = {"States": {"Evaluate model": task("a")}}
    lines = going_on.advice("e1", state="Evaluate model", began=states, deployed={}, redrive="REDRIVE", rerun="")
    assert lines[1:] == ["  REDRIVE", going_on.DECIDED]
    assert "trainyard promote" in going_on.DECIDED
