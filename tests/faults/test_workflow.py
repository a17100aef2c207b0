"""The workflow: races, lost answers, faults of services and redrives.

The real definition runs on the local Step Functions; what each task meets is in tests/faults/machine.py.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from state_machines.definition import definition
from tests.faults.conftest import Observation
from tests.faults.machine import Machine, in_moto, killed, lost, run_of, taken
from tests.state_machine.scenarios.answers import error, s3_object
from tests.state_machine.scenarios.children import CHILDREN, child_failed, child_finished, child_output, fan_out_plan
from trainyard.errors import BadRequest
from trainyard.run import recipe
from trainyard.stages.resolve.duration import require_in_time
from trainyard.stages.resolve.request import parse
from trainyard.stages.resolve.uploads import parse_overrides

SAGEMAKER = "(Service: AmazonSageMaker; Status Code: 400; Error Code: {}; Request ID: 1; Proxy: null)"
OVERTAKEN = "one run's place is taken while it is compared"


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    with in_moto(tmp_path, monkeypatch) as made:
        yield made


def job_failed(reason: str, kind: str = "TrainingJob") -> Any:
    """A job that ended, as `.sync` tells it."""
    described = {f"{kind}Name": "job-1", f"{kind}Status": "Failed", "FailureReason": reason}
    return error("States.TaskFailed", json.dumps(described))


def overtaken_by(machine: Machine, other: str, *, score: float) -> Callable[[Callable[[], Any]], Any]:
    """Another run is promoted while this one is being compared with the champion of before."""

    def compare(call: Callable[[], Any]) -> Any:
        machine.run(other, score=score)
        return call()

    return compare


def registry(machine: Machine) -> str:
    """What is registered, in words; every version has to be an approved one, and the champion has to know its own."""
    found = machine.approvals()
    assert [approval for _, approval in found] == ["Approved"] * len(found)
    assert len({run for run, _ in found}) == len(found)
    champion = machine.champion()
    assert champion["run_id"] == max(machine.scores, key=lambda run: machine.scores[run])
    own = 1 + [run for run, _ in found].index(champion["run_id"])
    assert champion["package"].endswith(f"/{own}")
    return f"{len(found)} approved and no other version, the better model in use"


@pytest.mark.fault(f"{OVERTAKEN}; it loses to the new champion", "it leaves nothing in the registry")
def test_the_loser_of_a_race(machine: Machine, observed: Observation) -> None:
    machine.instead["Evaluate model"] = [overtaken_by(machine, "better", score=0.9)]
    ended = machine.run("slower", score=0.6)
    assert json.loads(ended["output"])["outcome"] == "refused"
    assert machine.tried("Evaluate model", "slower") == 2
    assert (machine.tried("Create model", "slower"), machine.tried("Register model", "slower")) == (0, 0)
    observed(f"compared again and refused; {registry(machine)}")


@pytest.mark.fault(f"{OVERTAKEN}; it beats the new champion too", "two promotions, two approved versions")
def test_the_winner_of_a_race_that_was_overtaken_first(machine: Machine, observed: Observation) -> None:
    machine.instead["Evaluate model"] = [overtaken_by(machine, "quicker", score=0.6)]
    ended = machine.run("best", score=0.9)
    assert json.loads(ended["output"])["outcome"] == "registered"
    assert machine.approvals() == [(run_of("quicker"), "Approved"), (run_of("best"), "Approved")]
    observed(f"compared again and promoted; {registry(machine)}")


@pytest.mark.fault("five runs are compared with the same champion at once", "as many approved versions as promotions")
def test_many_runs_race_for_the_champion(machine: Machine, observed: Observation) -> None:
    names = ["r1", "r4", "r2", "r3"]

    def nested(call: Callable[[], Any]) -> Any:
        if names:
            name = names.pop()
            machine.instead["Evaluate model"].append(nested)
            machine.run(name, score=0.1 * int(name[1]))
        return call()

    machine.instead["Evaluate model"] = [nested]
    machine.run("r5", score=0.5)
    promotions = machine.tried("Create model")
    assert len(machine.approvals()) == promotions
    observed(f"{promotions} promotions: {registry(machine)}")


PROMOTION = ["Move champion pointer", "Create model", "Register model", "Note package of champion"]


@pytest.mark.parametrize(
    "state",
    [
        pytest.param(each, marks=pytest.mark.fault(f"the answer of '{each}' is lost", "a redrive: registered once"))
        for each in PROMOTION
    ],
)
def test_an_answer_is_lost_in_a_promotion(machine: Machine, observed: Observation, state: str) -> None:
    machine.instead[state] = [lost]
    assert machine.run("one")["status"] == "FAILED"
    assert machine.failure("one").state == state
    assert machine.redrive("one")["status"] == "SUCCEEDED"
    assert (machine.tried(state), machine.tried("Evaluate model")) == (2, 1)
    observed(f"redriven at that state: {registry(machine)}")


@pytest.mark.parametrize(
    "state",
    [
        pytest.param(
            each, marks=pytest.mark.fault(f"the execution is killed before '{each}'", "a redrive: registered once")
        )
        for each in PROMOTION
    ],
)
def test_a_promotion_is_killed_between_two_states(machine: Machine, observed: Observation, state: str) -> None:
    machine.instead[state] = [killed]
    assert machine.run("one")["status"] == "FAILED"
    assert machine.redrive("one")["status"] == "SUCCEEDED"
    observed(f"redriven at that state: {registry(machine)}")


@pytest.mark.fault(
    "a promotion is killed before it registers, and overtaken before its redrive", "the newer champion's entry stays"
)
def test_a_promotion_is_overtaken_before_it_is_redriven(machine: Machine, observed: Observation) -> None:
    machine.instead["Register model"] = [killed]
    machine.run("first", score=0.5)
    machine.run("second", score=0.9)
    assert machine.redrive("first")["status"] == "SUCCEEDED"
    assert machine.champion()["run_id"] == run_of("second")
    observed(f"two promotions: {registry(machine)}")


@pytest.mark.fault("registering is throttled after it took effect", "it is tried again and makes no second version")
def test_registering_is_tried_again(machine: Machine, observed: Observation) -> None:
    def throttled(call: Callable[[], Any]) -> Any:
        call()
        return taken(error("SageMaker.SageMakerException", "Rate exceeded (Service: SageMaker, Status Code: 400)"))

    machine.instead["Register model"] = [throttled]
    assert machine.run("one")["status"] == "SUCCEEDED"
    assert machine.tried("Register model") == 2
    observed(registry(machine))


@pytest.mark.parametrize(
    ("state", "fault", "key"),
    [
        pytest.param(*given, marks=pytest.mark.fault(what, "the job is tried again after a pause, under another name"))
        for what, given in {
            "SageMaker has no instance for a training job (CapacityError), twice": (
                "Train model",
                [job_failed("CapacityError: Unable to provision requested ML compute capacity.")] * 2,
                "TrainingJobName",
            ),
            "SageMaker fails while it runs a processing job (InternalServerError)": (
                "Build training examples",
                [job_failed("InternalServerError: We encountered an internal error.", "ProcessingJob")],
                "ProcessingJobName",
            ),
            "SageMaker throttles a job's creation": (
                "Evaluate model",
                [
                    error(
                        "SageMaker.AmazonSageMakerException", f"Rate exceeded {SAGEMAKER.format('ThrottlingException')}"
                    )
                ],
                "ProcessingJobName",
            ),
        }.items()
    ],
)
def test_a_fault_of_sagemaker(machine: Machine, observed: Observation, state: str, fault: list[Any], key: str) -> None:
    attempts = len(fault) + 1
    machine.instead[state] = fault
    assert machine.run("one")["status"] == "SUCCEEDED"
    names = [each[key] for each in machine.requests(state)]
    assert len(set(names)) == len(names) == attempts
    observed(f"{attempts} attempts with {attempts} names, and the run went on")


@pytest.mark.parametrize(
    ("state", "fault"),
    [
        pytest.param(*given, marks=pytest.mark.fault(what, "it is tried again after a pause"))
        for what, given in {
            "Glue fails while it runs a job (internal service error)": (
                "Ingest raw data",
                error(
                    "States.TaskFailed",
                    '{"Id": "jr_1", "JobRunState": "ERROR", "ErrorMessage": "Internal service error"}',
                ),
            ),
            "S3 answers 503": (
                "Read data quality",
                error(
                    "S3.S3Exception", "Please reduce your request rate. (Service: S3, Status Code: 503, Request ID: 1)"
                ),
            ),
            "Lambda answers with a fault of its own": (
                "Gate",
                error("Lambda.AWSLambdaException", "(Service: AWSLambda; Status Code: 500)"),
            ),
            "DynamoDB throttles the champion pointer": (
                "Move champion pointer",
                error("DynamoDB.RequestLimitExceededException", "Throughput exceeds the current limit."),
            ),
        }.items()
    ],
)
def test_a_fault_of_another_service(machine: Machine, observed: Observation, state: str, fault: Any) -> None:
    machine.instead[state] = [fault]
    assert machine.run("one")["status"] == "SUCCEEDED"
    assert machine.tried(state) == 2
    observed("2 attempts, and the run went on")


@pytest.mark.parametrize(
    ("state", "refusal"),
    [
        pytest.param(*given, marks=pytest.mark.fault(what, "not tried again; a redrive goes on exactly there"))
        for what, given in {
            "a training job's own code fails": ("Train model", job_failed("AlgorithmError: ValueError: NaN loss")),
            "a Glue script fails": (
                "Ingest raw data",
                error("States.TaskFailed", '{"Id": "jr_1", "JobRunState": "FAILED", "ErrorMessage": "JobFailed: no"}'),
            ),
            "the machine's role may not create a training job": (
                "Train model",
                error(
                    "SageMaker.AmazonSageMakerException", f"not authorized {SAGEMAKER.format('AccessDeniedException')}"
                ),
            ),
            "SageMaker finds a request invalid": (
                "Build training examples",
                error("SageMaker.AmazonSageMakerException", f"1 error {SAGEMAKER.format('ValidationException')}"),
            ),
            "S3 forbids a read": (
                "Read data quality",
                error("S3.S3Exception", "Access Denied (Service: S3, Status Code: 403, Request ID: 1)"),
            ),
        }.items()
    ],
)
def test_what_cannot_pass_by_itself(machine: Machine, observed: Observation, state: str, refusal: Any) -> None:
    machine.instead[state] = [refusal]
    assert machine.run("one")["status"] == "FAILED"
    assert machine.tried(state) == 1
    failure = machine.failure("one")
    assert (failure.state, failure.error) == (state, refusal["error"])
    before = len(machine.visits)
    assert machine.redrive("one")["status"] == "SUCCEEDED"
    assert machine.visits[before][1] == state
    observed(f"1 attempt; failed in '{state}' with {failure.error}; redriven from there to the end")


@pytest.mark.fault("SageMaker has no instance for hours", "it fails in its own state in the end, and a redrive goes on")
def test_capacity_that_does_not_come(machine: Machine, observed: Observation) -> None:
    none = job_failed("CapacityError: Unable to provision requested ML compute capacity.")
    machine.instead["Train model"] = [none] * 9
    assert machine.run("one")["status"] == "FAILED"
    failure = machine.failure("one")
    assert failure.state == "Train model"
    machine.instead["Train model"] = [none] * 3
    assert machine.redrive("one")["status"] == "SUCCEEDED"
    names = [each["TrainingJobName"] for each in machine.requests("Train model")]
    assert len(set(names)) == len(names) == 13
    observed(f"9 attempts, then '{failure.reason}'; after the redrive 4 attempts, and the run went on")


def children(machine: Machine, *answers: Any) -> None:
    machine.instead["Resolve request"] = [fan_out_plan()]
    listed = [{"name": f"product-{each}", "overrides": {}} for each in range(len(answers))]
    machine.instead["Read list of children"] = [s3_object({"children": listed})]
    machine.instead["Train child"] = list(answers)


GOOD = child_finished(0, child_output("registered", "auc 0.81"))


@pytest.mark.fault(
    "a parent whose child failed is redriven", "its Fail state is entered again, as in AWS: nothing else runs"
)
def test_a_parent_that_ended_because_of_a_child_is_redriven(machine: Machine, observed: Observation) -> None:
    children(
        machine, GOOD, child_failed(1, Error="States.TaskFailed", Cause=json.dumps({"FailureReason": "no memory"}))
    )
    first = machine.run("parent")
    assert (first["status"], first["error"]) == ("FAILED", "ChildrenFailed")
    told, before = machine.tried("Report on children"), len(machine.visits)
    again = machine.redrive("parent")
    assert (again["error"], again["cause"], len(machine.visits)) == ("ChildrenFailed", first["cause"], before)
    observed(f"ChildrenFailed again, {told} message in all; the failed child is redriven by itself")


@pytest.mark.fault("a parent is killed while two of three children train", "a redrive follows those two only")
def test_a_parent_is_killed_among_its_children(machine: Machine, observed: Observation) -> None:
    def killed_before(call: Callable[[], Any]) -> Any:
        machine.instead["Find child"] = [killed]
        return taken(error("StepFunctions.ExecutionAlreadyExistsException", "it exists"))

    children(machine, GOOD, killed_before, GOOD)
    assert machine.run("parent")["status"] == "FAILED"
    started = machine.tried("Train child")
    found = {"ExecutionArn": f"arn:aws:states:us-east-1:1:execution:m:{CHILDREN}-product-1", "Status": "SUCCEEDED"}
    output = json.dumps(child_output("refused", "auc 0.6"))
    machine.instead["Find child"] = [{"result": {**found, "Output": output}}]
    ended = machine.redrive("parent")
    assert ended["status"] == "SUCCEEDED"
    outcomes = sorted(each["outcome"] for each in json.loads(ended["output"])["children"])
    assert machine.tried("Train child") == started == 3
    observed(f"no child was started twice; the outcomes are {', '.join(outcomes)}")


@pytest.mark.fault("a database lists more children than can end in time", "refused before the first one starts")
def test_too_many_children(machine: Machine, observed: Observation) -> None:
    children(machine, *[GOOD] * 6)
    ended = machine.run("parent")
    assert ended["error"] == "BadRequest"
    assert machine.tried("Train child") == 0
    observed(ended["cause"])


@pytest.mark.fault("a search of 500 jobs of five days each is asked for", "refused before any job, with the arithmetic")
def test_a_search_that_cannot_end_in_time(observed: Observation) -> None:
    settings = {"tune": True, "tuning": {"max_jobs": 500}, "jobs": {"tune": {"max_runtime_s": 432_000}}}
    with pytest.raises(BadRequest) as refused:
        require_in_time(recipe.config("prod2vec", settings), task="train")
    assert definition()["TimeoutSeconds"] == 7_776_000
    observed(str(refused.value))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(text, marks=pytest.mark.fault(f"run.json has {what}", "a sentence says so, before any job"))
        for what, text in {
            "9,000 nested brackets": '{"a": ' + "[" * 9_000 + "]" * 9_000 + "}",
            "a number of 5,000 digits": '{"seed": 1' + "0" * 4_999 + "}",
            "half a character": '{"jobs": {"train": {"instance_type": "\\ud800"}}}',
            "NaN": '{"hyperparameters": {"learning_rate": NaN}}',
            "the same name twice": '{"tune": true, "tune": false}',
            "a megabyte of spaces": " " * 1_000_000,
        }.items()
    ],
)
def test_settings_that_cannot_be_read(observed: Observation, text: str) -> None:
    with pytest.raises(BadRequest) as refused:
        parse_overrides(text.encode(), "run.json")
    observed(str(refused.value))


@pytest.mark.fault("an event says that an object was created, and not which", "a sentence says so")
def test_an_event_without_its_object(observed: Observation) -> None:
    with pytest.raises(BadRequest) as refused:
        parse({"detail-type": "Object Created", "source": "aws.s3"})
    observed(str(refused.value))
