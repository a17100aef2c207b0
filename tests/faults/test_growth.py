"""Nothing piles up."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from local_cloud import lifecycle
from local_cloud.images.build import BuildRequest
from local_cloud.images.registry import Registry
from local_cloud.state import images_directory, temporary_directory
from tests.faults.conftest import Observation
from tests.local_cloud.conftest import Cloud, start_cloud
from tests.local_cloud.processes import only_linux_tells
from tests.local_cloud.test_glue import stocked
from tests.local_cloud.test_step_functions import (
    ANYTHING,
    FUNCTION,
    count_up,
    get_counter,
    invoke,
    machine,
    packed_function,
    table_of,
)
from tests.local_cloud.tiny_images import HOST, docker, statements

EXECUTIONS, WARM, TOGETHER = 300, 50, 10
MEGABYTE = 1_000_000
# What an execution leaves is kept as Python objects, which take several times the room of their text.
OBJECTS_PER_TEXT = 4
NOISE_MEGABYTES = 12
# Of a function's process: its input, output and errors.
PIPES = 3


@dataclass(frozen=True, kw_only=True)
class Usage:
    """What a process holds: memory in bytes, open descriptors, threads, and processes that it started."""

    memory: int
    descriptors: int
    threads: int
    children: int


def usage(pid: int) -> Usage:
    only_linux_tells()
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return Usage(
        memory=int(status["VmRSS"].split()[0]) * 1024,
        descriptors=len(list(Path(f"/proc/{pid}/fd").iterdir())),
        threads=int(status["Threads"]),
        children=sum(len(each.read_text().split()) for each in Path(f"/proc/{pid}/task").glob("*/children")),
    )


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Cloud]:
    running = start_cloud(tmp_path / "state")
    yield running
    lifecycle.down(running.state_dir)


def workflow(cloud: Cloud) -> str:
    """A machine that calls a function, counts in a table, meets an error, and runs a Glue job where it is asked to."""
    role = cloud.role("machine", "states.amazonaws.com", ANYTHING)
    table, function = table_of(cloud, "table"), packed_function(cloud, "function", FUNCTION)
    job = stocked(cloud).job()
    again = [{"ErrorEquals": ["States.ALL"], "Next": "Job?"}]
    states = {
        "Call": invoke(function, {"data": "{% $states.input.data %}"}, Next="Count"),
        "Count": count_up(table, Next="Read"),
        "Read": get_counter(table, Next="Fail"),
        "Fail": invoke(function, {"fail": "bad"}, Catch=again, Next="Job?"),
        "Job?": {
            "Type": "Choice",
            "Choices": [{"Condition": "{% $states.context.Execution.Input.job %}", "Next": "Job"}],
            "Default": "Done",
        },
        "Job": {
            "Type": "Task",
            "Resource": "arn:aws:states:::glue:startJobRun.sync",
            "Arguments": {"JobName": job},
            "Next": "Done",
        },
        "Done": {"Type": "Succeed"},
    }
    return machine(cloud, role, states)


def in_turn(cloud: Cloud, arn: str, count: int) -> str:
    """Run `count` executions, ten at a time, one of these with a job; returns the last one's ARN."""
    started: list[str] = []
    for _ in range(count // TOGETHER):
        started = [cloud.start(arn, {"data": "x" * 1000, "job": each == 0}) for each in range(TOGETHER)]
        ended = [cloud.finished(each, seconds=300) for each in started]
        assert [(each.get("error"), each.get("cause")) for each in ended if each["status"] != "SUCCEEDED"] == []
    return started[-1]


def kept(cloud: Cloud, execution: str) -> int:
    """How much text an execution leaves: what it was given, gave, and its history."""
    document: list[Any] = [cloud.client("stepfunctions").describe_execution(executionArn=execution)]
    return len(json.dumps([*document, *cloud.events(execution)], default=str))


@pytest.mark.long
@pytest.mark.fault(
    "300 executions, ten at a time, each with a function that fails and every tenth with a job",
    "after the first 50 the server holds no more descriptors and threads, and no more memory than what it keeps",
)
def test_after_the_first_executions_no_more_is_held_than_what_they_leave(cloud: Cloud, observed: Observation) -> None:
    arn = workflow(cloud)
    in_turn(cloud, arn, WARM)
    before = usage(cloud.cloud.pid)
    last = in_turn(cloud, arn, EXECUTIONS - WARM)
    after = usage(cloud.cloud.pid)
    allowed = (EXECUTIONS - WARM) * kept(cloud, last) * OBJECTS_PER_TEXT + NOISE_MEGABYTES * MEGABYTE
    # A function has as many processes as were ever called at once, each with three pipes and a thread that reads.
    more = max(0, after.children - before.children)
    assert after.children <= TOGETHER
    assert after.descriptors <= before.descriptors + 2 + PIPES * more
    assert after.threads <= before.threads + 2 + more
    assert after.memory - before.memory <= allowed
    observed("descriptors and threads as after the first 50; memory grew by less than what is kept")


@pytest.mark.fault(
    "kill -9 of the server while functions are loaded, twice", "the next `up` and `down` remove their files"
)
def test_files_of_functions_after_a_kill(cloud: Cloud, observed: Observation) -> None:
    function, seen = packed_function(cloud, "loaded", FUNCTION), []
    for goes_on in (cloud.restarted, lambda: lifecycle.down(cloud.state_dir)):
        cloud.client("lambda").invoke(FunctionName=function, Payload=b"{}")
        left = list(temporary_directory(cloud.state_dir).glob("*loaded*"))
        os.kill(cloud.cloud.pid, signal.SIGKILL)
        while lifecycle.status(cloud.state_dir):
            time.sleep(0.005)
        assert left and all(each.exists() for each in left)
        goes_on()
        seen.append(any(each.exists() for each in left))
    assert seen == [False, False]
    observed("the files were there after each kill, and gone after `up` and after `down`")


def image(cloud: Cloud, folder: Path, number: int) -> str:
    """Build an image of its own content, the newer the higher its number; returns its address."""
    folder.mkdir(exist_ok=True)
    (folder / "Dockerfile").write_text(f"FROM x\nENV NUMBER={number}\n")
    registry = Registry(images_directory(cloud.state_dir))
    digest, uri = registry.build(BuildRequest(context=folder)).digest, f"{HOST}/assets:tag{number}"
    registry.tag(uri, digest)
    os.utime(registry.load(digest).root.parent, (number, number))
    return uri


def ran(cloud: Cloud, name: str, *, uri: str, role: str, last: str) -> str:
    """Run a machine that names an image and ends in a state of the type `last`; returns its ARN."""
    states = {"Start": {"Type": "Pass", "Output": {"image": uri}, "Next": "End"}, "End": {"Type": last}}
    arn = cloud.machine(name, {"StartAt": "Start", "States": states}, role)
    assert cloud.run(arn)["status"] == f"{last.upper()}ED"
    return arn


@pytest.mark.fault(
    "15 container images of old deployments, one each named by a machine, a failed execution, one that succeeded, and "
    "a model",
    "the next `up` removes those that nothing can run any more, but for the ten newest",
)
def test_images_of_old_deployments(cloud: Cloud, tmp_path: Path, observed: Observation) -> None:
    uris = [image(cloud, tmp_path / "context", number) for number in range(15)]
    role = cloud.role("machine", "states.amazonaws.com", [])
    ran(cloud, "deployed", uri=uris[0], role=role, last="Succeed")
    for name, number, last in (("failed", 1, "Fail"), ("succeeded", 2, "Succeed")):
        arn = ran(cloud, name, uri=uris[number], role=role, last=last)
        definition = json.dumps({"QueryLanguage": "JSONata", "StartAt": "Now", "States": {"Now": {"Type": "Succeed"}}})
        cloud.client("stepfunctions").update_state_machine(stateMachineArn=arn, definition=definition)
    cloud.client("ecr").create_repository(repositoryName="assets")
    assert docker(cloud, "push", uris[3], cwd=tmp_path).returncode == 0
    models = cloud.role("models", "sagemaker.amazonaws.com", statements("bucket"))
    cloud.client("sagemaker").create_model(
        ModelName="deployable", PrimaryContainer={"Image": uris[3]}, ExecutionRoleArn=models
    )
    lifecycle.down(cloud.state_dir)
    cloud.restarted()
    left = Registry(images_directory(cloud.state_dir)).tags()
    assert left == sorted(f"assets:tag{number}" for number in (0, 1, 3, *range(5, 15)))
    observed("removed: that of the execution that succeeded, and one that nothing named; 13 stayed")
