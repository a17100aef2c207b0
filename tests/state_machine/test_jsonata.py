"""Every expression of the machine, on recorded inputs: the reference implementation and the local cloud agree."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ministack.services import stepfunctions

from infra.node import node_bin
from tests.state_machine.scenarios import scenarios
from tests.state_machine.walk import ROOT, SUBSTITUTIONS, Evaluation, definition, expressions, walk

DRIVER = Path(__file__).parent / "evaluate.mjs"
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
SPOT = definition(SUBSTITUTIONS | {"UseSpot": "true"})
MACHINES = {"on demand": definition(), "spot": SPOT}


def reference(evaluations: list[Evaluation]) -> list[dict[str, Any]]:
    """What the reference implementation makes of the same expressions and bindings."""
    questions = [{"expression": each.expression, "bindings": each.bindings} for each in evaluations]
    asked = subprocess.run(
        [node_bin() / "node", DRIVER, ROOT],
        input=json.dumps(questions),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return json.loads(asked.stdout)


def without_times(value: Any) -> str:
    """A value as JSON in which every moment is the same."""
    return TIMESTAMP.sub("then", json.dumps(value, sort_keys=True))


def test_both_implementations_agree_on_every_evaluation() -> None:
    evaluations = [
        each
        for machine in MACHINES.values()
        for scenario in scenarios()
        for each in walk(machine, scenario).evaluations
    ]
    assert len(evaluations) > 1000
    for ours, theirs in zip(evaluations, reference(evaluations), strict=True):
        if "$now()" in ours.expression:
            assert TIMESTAMP.search(json.dumps(ours.value))
            assert without_times(theirs) == without_times({"value": ours.value})
        elif "$random()" in ours.expression:
            assert all(0 < each <= 900 and each == int(each) for each in (ours.value, theirs["value"]))
        else:
            assert theirs == {"value": ours.value}, f"{ours.state}: {ours.expression}"


def test_the_recorded_ways_evaluate_every_expression_there_is() -> None:
    machine = definition()
    seen = {each.expression for scenario in scenarios() for each in walk(machine, scenario).evaluations}
    assert set(expressions(machine["States"])) == seen


def test_the_reference_tells_wrong_from_right() -> None:
    """A comparison that cannot fail would prove nothing."""
    answers = reference(
        [
            Evaluation("", "$run.uri & '/process'", {"run": {"uri": "s3://a"}}, None),
            Evaluation("", "$run.nothing", {"run": {}}, None),
            Evaluation("", "$hash('a', 'SHA-256')", {}, None),
            Evaluation("", "$parse('{\"a\": [1]}').a", {}, None),
            Evaluation("", "1 + 'a'", {}, None),
            Evaluation("", "$run.(nothing & 1 & 'a' & nothing)", {"run": {"uri": "s3://a"}}, None),
        ]
    )
    assert answers[0] == {"value": "s3://a/process"}
    assert answers[1] == {"error": "undefined"}
    assert answers[2]["value"].startswith("ca978112ca1bbdcafac231b39a23dc4d")
    assert answers[3] == {"value": [1]}
    assert answers[4] == {"error": "T2002"}
    # Names of jobs rely on it: the redrive count is missing before the first redrive.
    assert answers[5] == {"value": "1a"}


JOB = '{"TrainingJobName": "t", "FailureReason": "%s"}'
REFUSED = "%s (Service: AmazonSageMaker; Status Code: 400; Error Code: %s; Request ID: 1; Proxy: null)"


@pytest.mark.parametrize(
    ("cause", "faults", "redrives", "retried"),
    [
        (JOB % "CapacityError: none", 0, {}, True),
        (JOB.replace(": ", ":") % "InternalServerError: try again", 7, {}, True),
        (JOB % "CapacityError: none", 8, {}, False),
        (JOB % "CapacityError: none", 8, {"RedriveCount": 1}, True),
        (JOB % "CapacityError: none", 16, {"RedriveCount": 1}, False),
        (JOB % "AlgorithmError: CapacityError", 0, {}, False),
        (JOB % 'AlgorithmError: \\"FailureReason\\": \\"CapacityError', 0, {}, False),
        (REFUSED % ("Rate exceeded", "ThrottlingException"), 0, {}, True),
        (REFUSED.replace("400", "503") % ("Unavailable", "ServiceUnavailable"), 0, {}, True),
        (REFUSED % ("2 validation errors", "ValidationException"), 0, {}, False),
        (REFUSED % ("not authorized", "AccessDeniedException"), 0, {}, False),
        ("", 0, {}, False),
    ],
)
def test_both_implementations_agree_on_which_causes_are_retried(
    cause: str, faults: int, redrives: dict[str, int], retried: bool
) -> None:
    catcher = definition()["States"]["Train model"]["Catch"][-1]
    given = {"errorOutput": {"Error": "E", "Cause": cause}, "input": {"kept": 1}, "context": {"Execution": redrives}}
    asked = [catcher["Output"], catcher["Assign"]["faults"]]
    questions = [Evaluation("", each[2:-2], {"faults": faults, "states": given}, None) for each in asked]
    theirs, ours = reference(questions), [locally(each) for each in questions]
    assert ours == theirs
    assert theirs[1] in ({"value": faults + 1}, {"error": "D3137"})
    assert (theirs == [{"value": {"kept": 1}}, {"value": faults + 1}]) is retried


def locally(asked: Evaluation) -> dict[str, Any]:
    """What the local cloud makes of an expression: its value, or the code of its error."""
    states = asked.bindings["states"]
    seen = {**states["context"], "variables": {"faults": asked.bindings["faults"]}}
    try:
        value = stepfunctions._evaluate_jsonata(asked.expression, states["input"], seen, None, states["errorOutput"])
    except stepfunctions._ExecutionError as error:
        return {"error": error.cause.partition(":")[0]}
    return {"value": value}


@pytest.mark.parametrize("scenario", scenarios(), ids=lambda each: each["name"])
def test_each_recorded_way_ends_where_it_should(scenario: dict[str, Any]) -> None:
    done = walk(definition(), scenario)
    assert done.path == scenario["path"]
    if "error" in scenario:
        assert (done.error, done.cause) == (scenario["error"], scenario["cause"])
    else:
        assert done.output["outcome"] == scenario["outcome"]
