"""Parts of the local Step Functions that need no server: delays, matching of errors, interruption, names in events."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future

import pytest
from hypothesis import given
from hypothesis import strategies as some

from local_cloud import lambda_errors
from local_cloud.step_functions import cancellation
from local_cloud.step_functions.history import details_name, log_groups
from local_cloud.step_functions.live import ExecutionTimedOut, Interrupted, LiveExecution, TaskTimedOut
from local_cloud.step_functions.retrying import delay, matching
from local_cloud.step_functions.tasks import split_resource


@pytest.mark.parametrize(("retries", "seconds"), [(0, 2.0), (1, 6.0), (2, 10.0), (9, 10.0)])
def test_delays_grow_up_to_the_maximum(retries: int, seconds: float) -> None:
    retrier = {"IntervalSeconds": 2, "BackoffRate": 3, "MaxDelaySeconds": 10}
    assert delay(retrier, retries) == seconds


@given(interval=some.integers(1, 600), retries=some.integers(0, 12))
def test_full_jitter_stays_between_zero_and_the_plain_delay(interval: int, retries: int) -> None:
    retrier = {"IntervalSeconds": interval}
    assert 0 <= delay({**retrier, "JitterStrategy": "FULL"}, retries) <= delay(retrier, retries)


@pytest.mark.parametrize(
    ("error", "index"),
    [
        ("Mine", 0),
        ("States.Timeout", 1),
        ("Other", 1),
        ("States.Runtime", None),
        ("States.DataLimitExceeded", None),
    ],
)
def test_the_first_handler_that_covers_the_error_is_taken(error: str, index: int | None) -> None:
    assert matching([{"ErrorEquals": ["Mine"]}, {"ErrorEquals": ["States.ALL"]}], error) == index


def test_task_failed_covers_everything_but_a_timeout() -> None:
    handlers = [{"ErrorEquals": ["States.TaskFailed"]}]
    assert matching(handlers, "Whatever") == 0
    assert matching(handlers, "States.Timeout") is None


def test_a_stop_reaches_the_running_task_and_whoever_waits_for_it() -> None:
    execution = LiveExecution(None)
    with execution.task() as stop:
        threading.Timer(0.05, execution.stop).start()
        with pytest.raises(Interrupted):
            execution.result_of(Future(), seconds=None, stop=stop)
        assert stop.is_set()
    assert execution.interrupted


def test_a_time_limit_tells_the_task_to_stop() -> None:
    execution = LiveExecution(None)
    with execution.task() as stop, pytest.raises(TaskTimedOut):
        execution.result_of(Future(), seconds=0.02, stop=stop)
    assert stop.is_set()
    assert not execution.interrupted


def test_the_executions_own_limit_ends_waits_and_tasks() -> None:
    execution = LiveExecution(0.05)
    started = time.monotonic()
    with execution.task() as stop, pytest.raises(ExecutionTimedOut):
        execution.result_of(Future(), seconds=30, stop=stop)
    assert stop.is_set()
    with pytest.raises(ExecutionTimedOut):
        execution.sleep(30)
    assert time.monotonic() - started < 5


def test_an_error_of_the_work_is_raised_to_the_waiter() -> None:
    execution, work = LiveExecution(None), Future[None]()
    work.set_exception(ValueError("broken"))
    with execution.task() as stop, pytest.raises(ValueError, match="broken"):
        execution.result_of(work, seconds=None, stop=stop)
    assert not stop.is_set()


def test_outside_a_task_nothing_is_ever_stopped() -> None:
    assert not cancellation.stop_requested().is_set()
    cancellation.report_submitted({"JobRunId": "jr"})


@pytest.mark.parametrize(
    ("resource", "names"),
    [
        ("arn:aws:states:::sagemaker:createTrainingJob.sync", ("sagemaker", "createTrainingJob.sync")),
        ("arn:aws:states:::states:startExecution.sync:2", ("states", "startExecution.sync:2")),
        ("arn:aws:states:::aws-sdk:s3:getObject", ("aws-sdk:s3", "getObject")),
        ("arn:aws:lambda:us-east-1:0:function:f", ("lambda", "arn:aws:lambda:us-east-1:0:function:f")),
    ],
)
def test_names_of_a_tasks_resource(resource: str, names: tuple[str, str]) -> None:
    assert split_resource(resource) == names


def test_details_are_kept_where_botocore_looks_for_them() -> None:
    assert details_name("ChoiceStateEntered") == "stateEnteredEventDetails"
    assert details_name("MapStateExited") == "stateExitedEventDetails"
    assert details_name("ExecutionRedriven") == "executionRedrivenEventDetails"


def test_log_groups_of_a_logging_configuration() -> None:
    arn = "arn:aws:logs:us-east-1:000000000000:log-group:/aws/vendedlogs/states/m:*"
    assert log_groups({"destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": arn}}]}) == [
        "/aws/vendedlogs/states/m"
    ]
    assert log_groups({"level": "OFF"}) == []


def test_a_functions_error_carries_its_class_and_stack() -> None:
    trace = (
        'Traceback (most recent call last):\n  File "index.py", line 1, in handler\n    raise BadThing\nBadThing: no'
    )
    answer = {"error": True, "body": {"errorMessage": "no", "errorType": "Runtime.HandlerError"}}
    body = lambda_errors.explained(answer, {"type": "BadThing", "trace": trace})["body"]
    assert body == {
        "errorMessage": "no",
        "errorType": "BadThing",
        "stackTrace": ['  File "index.py", line 1, in handler', "    raise BadThing"],
    }
    assert lambda_errors.explained(answer, None) == answer
