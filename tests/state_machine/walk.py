"""Walks the state machine over recorded results and keeps every JSONata expression with what it was evaluated on."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ministack.services import stepfunctions

ROOT = Path(__file__).resolve().parents[2]
DEFINITION = ROOT / "state_machines" / "training.asl.json"
RECORDED = Path(__file__).parent / "recorded.json"
JOB = "arn:aws:iam::111122223333:role/"
SUBSTITUTIONS = {
    "ResolveFunctionArn": "arn:aws:lambda:us-east-1:111122223333:function:trainyard-dev-resolve",
    "GateFunctionArn": "arn:aws:lambda:us-east-1:111122223333:function:trainyard-dev-gate",
    "IngestJobName": "trainyard-dev-ingest",
    "PrepareJobName": "trainyard-dev-prepare",
    "ProcessingImageUri": "111122223333.dkr.ecr.us-east-1.amazonaws.com/images:processing",
    "TrainingImageUri": "111122223333.dkr.ecr.us-east-1.amazonaws.com/images:training",
    **{f"{each}RoleArn": f"{JOB}{each}" for each in ("Process", "Train", "Evaluate", "Report", "Analyse", "Model")},
    "ArtifactsBucket": "artifacts",
    "LedgerTable": "ledger",
    "TopicArn": "arn:aws:sns:us-east-1:111122223333:topic",
    "GroupPrefix": "trainyard-dev-",
    "UseSpot": "false",
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
    text = DEFINITION.read_text(encoding="utf-8")
    return json.loads(re.sub(r"\$\{(\w+)\}", lambda found: substitutions[found[1]], text))


def scenarios() -> list[dict[str, Any]]:
    return json.loads(RECORDED.read_text(encoding="utf-8"))["scenarios"]


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
    """Follow a scenario to its end, taking each task's results in order."""
    done = Walk()
    results = {state: list(each) for state, each in scenario["results"].items()}
    variables: dict[str, Any] = {}
    name, given = machine["StartAt"], scenario["input"]
    while name:
        state = machine["States"][name]
        done.path.append(name)
        context = copy.deepcopy(scenario["context"])
        context["State"] = {"Name": name, "RetryCount": scenario.get("retries", {}).get(name, 0)}
        step = _Step(done, name, given, variables, context)
        name, given = _take(state, step, results.get(name, []))
    return done


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
                return choice["Next"], step.input
        return state["Default"], step.input
    if kind == "Succeed":
        step.walk.output = step.fill(state["Output"]) if "Output" in state else step.input
        return "", None
    if kind == "Fail":
        step.walk.error, step.walk.cause = state["Error"], step.fill(state["Cause"])
        return "", None
    raise NotImplementedError(f"Expected Task, Choice, Succeed or Fail, found {kind}: teach this walk about it.")


def _task(state: Mapping[str, Any], step: _Step, results: list[Any]) -> tuple[str, Any]:
    arguments = step.fill(state["Arguments"])
    step.walk.calls.append(Call(step.name, state["Resource"], arguments))
    if not results:
        raise AssertionError(f"nothing recorded for another visit of {step.name!r}")
    recorded = results.pop(0)
    if "error" in recorded:
        error = {"Error": recorded["error"], "Cause": recorded["cause"]}
        catch = next(each for each in state["Catch"] if recorded["error"] in each["ErrorEquals"])
        step.assign(catch, error=error)
        return catch["Next"], step.fill(catch["Output"], error=error) if "Output" in catch else error
    result = recorded["result"]
    output = step.fill(state["Output"], result=result) if "Output" in state else result
    step.assign(state, result=result)
    return state["Next"], output
