"""Every expression of the machine, on recorded inputs: the reference implementation and the local cloud agree."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

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
            assert TIMESTAMP.fullmatch(ours.value)
            assert TIMESTAMP.fullmatch(theirs["value"])
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


@pytest.mark.parametrize("scenario", scenarios(), ids=lambda each: each["name"])
def test_each_recorded_way_ends_where_it_should(scenario: dict[str, Any]) -> None:
    done = walk(definition(), scenario)
    assert done.path == scenario["path"]
    if "error" in scenario:
        assert (done.error, done.cause) == (scenario["error"], scenario["cause"])
    else:
        assert done.output["outcome"] == scenario["outcome"]
