"""A recipe of an installed package: the wheel alone deploys, trains and serves it, in a folder without a clone."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.stack.conftest import CUSTOMERS, Stack

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("endpoints")]


def test_it_becomes_a_registered_model_whose_image_has_its_package(
    stack: Stack, customers: tuple[str, dict[str, Any]]
) -> None:
    arn, described = customers
    assert json.loads(described["output"])["outcome"] == "registered"
    assert "Create endpoint configuration" in stack.entered(arn)
    [package] = stack.packages(CUSTOMERS)
    assert package["ModelApprovalStatus"] == "Approved"
    assert stack.champion(CUSTOMERS) == json.loads(described["output"])["run_id"]


def test_its_endpoint_answers(stack: Stack, customers: tuple[str, dict[str, Any]]) -> None:
    del customers
    rows = {"instances": [{"plan": plan, "age": age} for plan, age in (("basic", 20), ("pro", 85))]}
    asked = stack.installed.call("predict", CUSTOMERS, "--input", json.dumps(rows), variables=stack.environment)
    assert asked.returncode == 0, asked.stderr
    young, old = (each["prediction"] for each in json.loads(asked.stdout)["predictions"])
    assert (young, old) == ("true", "false")
