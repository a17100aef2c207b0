"""Walks the state machine over the answers of a scenario and keeps every JSONata expression with what it saw."""

from __future__ import annotations

import copy
import functools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ministack.services import stepfunctions

from local_cloud.step_functions import retrying
from state_machines.definition import definition_text

ROOT = Path(__file__).resolve().parents[2]
JOB = "arn:aws:iam::111122223333:role/"
ENTERED = "2026-11-01T08:00:00.000Z"
SUBSTITUTIONS = {
    "ResolveFunctionArn": "arn:aws:lambda:us-east-1:111122223333:function:trainyard-dev-resolve",
    "ReuseFunctionArn": "arn:aws:lambda:us-east-1:111122223333:function:trainyard-dev-reuse",
    "GateFunctionArn": "arn:aws:lambda:us-east-1:111122223333:function:trainyard-dev-gate",
    "CompareScoresFunctionArn": "arn:aws:lambda:us-east-1:111122223333:function:trainyard-dev-compare-scores",
    "SmokeTestFunctionArn": "arn:aws:lambda:us-east-1:111122223333:function:trainyard-dev-smoke-test",
    "IngestJobName": "trainyard-dev-ingest",
    "PrepareJobName": "trainyard-dev-prepare",
    "RegisterJobName": "trainyard-dev-register",
    "ProcessingImageUri": "111122223333.dkr.ecr.us-east-1.amazonaws.com/images:processing",
    "TrainingImageUri": "111122223333.dkr.ecr.us-east-1.amazonaws.com/images:training",
    "GpuTrainingImageUri": "111122223333.dkr.ecr.us-east-1.amazonaws.com/images:gpu",
    **{
        f"{each}RoleArn": f"{JOB}{each}"
        for each in ("Process", "Train", "Evaluate", "Report", "Analyse", "Model", "Score", "Mlflow", "Verify")
    },
    "ScoresDatabase": "trainyard_dev",
    "ArtifactsBucket": "artifacts",
    "LedgerTable": "ledger",
    "TopicArn": "arn:aws:sns:us-east-1:111122223333:topic",
    "GroupPrefix": "trainyard-dev-",
    # As long as the name of an environment may be.
    "JobPrefix": "trainyard-ninechars-",
    "MetricPrefix": "trainyard-dev/",
    "UseSpot": "false",
    "GluePackagesUri": "s3://cdk-assets/packages.zip",
    "GlueModulesUri": "s3://cdk-assets/modules.zip",
    "KeyArn": "none",
    "MlflowUri": "https://mlflow.example.com",
    "MlflowExperiment": "trainyard-dev",
    "MlflowSecret": "none",
}


@dataclass(frozen=True)
class Evaluation:
    """One evaluation of one expression: everything the expression can see, and what the local cloud made of it."""

    state: str
    expression: str
    bindings: dict[str, Any]
    value: Any


@dataclass(frozen=True)
class Call:
    """A request that a task made of a service."""

    state: str
    resource: str
    arguments: dict[str, Any]


@dataclass
class Walk:
    """What happened on one way through the machine."""

    path: list[str] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    evaluations: list[Evaluation] = field(default_factory=list)
    output: Any = None
    error: str = ""
    cause: str = ""


def definition(substitutions: Mapping[str, str] = SUBSTITUTIONS) -> dict[str, Any]:
    """The machine with its `${...}` filled in, the way CloudFormation does: as text."""
    text = re.sub(r"\$\{(\w+)\}", lambda found: substitutions[found[1]], definition_text())
    return json.loads(text)


def states(machine: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Every state by its name, those inside a Map too: names are unique in the whole machine."""
    found = dict(machine["States"])
    for each in machine["States"].values():
        found |= states(each["ItemProcessor"]) if each["Type"] == "Map" else {}
    return found


def expressions(node: Any) -> Iterator[str]:
    """Every JSONata expression anywhere below a node of the definition."""
    if isinstance(node, str) and node.startswith("{%"):
        yield node[2:-2].strip()
    elif isinstance(node, Mapping):
        for each in node.values():
            yield from expressions(each)
    elif isinstance(node, list):
        for each in node:
            yield from expressions(each)


def walk(machine: Mapping[str, Any], scenario: Mapping[str, Any]) -> Walk:
    """Follow a scenario to its end, taking each task's results in order; an expression that raises is an end.

    Many tests ask about the same ways, and a way takes a good part of a second: each is walked once in a process.
    """
    return _walked(json.dumps(machine), json.dumps(scenario))


@functools.cache
def _walked(machine_text: str, scenario_text: str) -> Walk:
    machine, scenario = json.loads(machine_text), json.loads(scenario_text)
    done = Walk()
    results = {state: list(each) for state, each in scenario["results"].items()}
    try:
        _Way(done, results, scenario).follow(machine, scenario["input"], {})
    except stepfunctions._ExecutionError as failure:
        done.error, done.cause = failure.error, failure.cause
    return done


@dataclass
class _Way:
    """A scenario being followed; the items of a Map take their turns, and answers in that order."""

    walk: Walk
    results: dict[str, list[Any]]
    scenario: Mapping[str, Any]

    def follow(self, machine: Mapping[str, Any], given: Any, variables: dict[str, Any]) -> Any:
        name = machine["StartAt"]
        while name:
            state = machine["States"][name]
            self.walk.path.append(name)
            context = copy.deepcopy(self.scenario["context"])
            retried = self.scenario.get("retries", {}).get(name, 0)
            context["State"] = {"Name": name, "EnteredTime": ENTERED, "RetryCount": retried}
            step = _Step(self.walk, name, given, variables, context)
            if state["Type"] == "Map":
                name, given = self._each(state, step)
            else:
                name, given = _take(state, step, self.results.get(name, []))
        return given

    def _each(self, state: Mapping[str, Any], step: _Step) -> tuple[str, Any]:
        outcomes = [
            self.follow(state["ItemProcessor"], each, copy.deepcopy(step.variables))
            for each in step.fill(state["Items"])
        ]
        output = step.fill(state["Output"], result=outcomes)
        step.assign(state, result=outcomes)
        return state["Next"], output


@dataclass
class _Step:
    """One state being run; evaluates in the order in which Step Functions does."""

    walk: Walk
    name: str
    input: Any
    variables: dict[str, Any]
    context: dict[str, Any]

    def fill(self, template: Any, *, result: Any = None, error: Any = None) -> Any:
        if isinstance(template, str) and template.startswith("{%"):
            return self._evaluate(template[2:-2].strip(), result, error)
        if isinstance(template, Mapping):
            return {key: self.fill(each, result=result, error=error) for key, each in template.items()}
        if isinstance(template, list):
            return [self.fill(each, result=result, error=error) for each in template]
        return template

    def _evaluate(self, expression: str, result: Any, error: Any) -> Any:
        seen = copy.deepcopy(self.context | {"variables": self.variables})
        value = stepfunctions._evaluate_jsonata(expression, copy.deepcopy(self.input), seen, result, error)
        states = {"input": self.input, "context": self.context}
        states |= {"result": result} if result is not None else {}
        states |= {"errorOutput": error} if error is not None else {}
        bindings = copy.deepcopy({**self.variables, "states": states})
        self.walk.evaluations.append(Evaluation(self.name, expression, bindings, copy.deepcopy(value)))
        return value

    def assign(self, given: Mapping[str, Any], **seen: Any) -> None:
        self.variables.update(self.fill(given.get("Assign", {}), **seen))


def _take(state: Mapping[str, Any], step: _Step, results: list[Any]) -> tuple[str, Any]:
    """Run one state; the name of the next one (empty at an end) and its input."""
    kind = state["Type"]
    if kind == "Task":
        return _task(state, step, results)
    if kind == "Choice":
        for choice in state["Choices"]:
            if step.fill(choice["Condition"]) is True:
                step.assign(choice)
                return choice["Next"], step.input
        step.assign(state)
        return state["Default"], step.input
    if kind in ("Pass", "Wait"):
        step.fill(state.get("Seconds"))
        output = step.fill(state["Output"]) if "Output" in state else step.input
        step.assign(state)
        return state.get("Next", ""), output
    if kind == "Succeed":
        step.walk.output = step.fill(state["Output"]) if "Output" in state else step.input
        return "", None
    if kind == "Fail":
        step.walk.error, step.walk.cause = state["Error"], step.fill(state["Cause"])
        return "", None
    raise NotImplementedError(f"Expected a state that this walk knows, found {kind}: teach it.")


def _task(state: Mapping[str, Any], step: _Step, results: list[Any]) -> tuple[str, Any]:
    arguments = step.fill(state["Arguments"])
    step.walk.calls.append(Call(step.name, state["Resource"], arguments))
    if not results:
        raise AssertionError(f"nothing recorded for another visit of {step.name!r}")
    recorded = results.pop(0)
    if "error" in recorded:
        error = {"Error": recorded["error"], "Cause": recorded["cause"]}
        catch = next(each for each in state["Catch"] if retrying.matching([each], recorded["error"]) == 0)
        step.assign(catch, error=error)
        return catch["Next"], step.fill(catch["Output"], error=error) if "Output" in catch else error
    result = recorded["result"]
    output = step.fill(state["Output"], result=result) if "Output" in state else result
    step.assign(state, result=result)
    return state["Next"], output
