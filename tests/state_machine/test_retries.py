"""The complete definition: the steps, and for every task the retry policy of its kind."""

from __future__ import annotations

import json
from typing import Any

import pytest

from state_machines.definition import RETRIES, STEPS, assemble, definition
from tests.state_machine.walk import states

ONCE = [{"ErrorEquals": ["Once"]}]
TWICE = [{"ErrorEquals": ["Twice"]}]


def task(resource: str, **more: Any) -> dict[str, Any]:
    return {"Type": "Task", "Resource": f"arn:aws:states:::{resource}", "Arguments": {}, "End": True, **more}


def machine(**states: dict[str, Any]) -> dict[str, Any]:
    return {"StartAt": next(iter(states)), "States": states}


def without_retries(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: without_retries(each) for key, each in node.items() if key != "Retry"}
    return [without_retries(each) for each in node] if isinstance(node, list) else node


def test_the_complete_definition_is_the_steps_with_retries_and_nothing_else() -> None:
    assert without_retries(definition()) == json.loads(STEPS.read_text(encoding="utf-8"))
    for each in states(definition()).values():
        assert ("Retry" in each) is (each["Type"] == "Task")


def test_a_state_is_still_read_from_top_to_bottom() -> None:
    for each in states(definition()).values():
        if each["Type"] == "Task":
            names = list(each)
            assert names.index("Retry") == names.index("Arguments") + 1


def test_the_most_specific_policy_counts() -> None:
    given = machine(A=task("s:a"), B=task("s:b.sync"), C=task("s:bc"))
    policies = {"s:*": {"Retry": ONCE}, "s:b*": {"Retry": TWICE}, "s:b.sync": {"Retry": ONCE, "Comment": "why"}}
    complete = assemble(given, {"Comment": "a table", **policies})["States"]
    assert [complete[name]["Retry"] for name in "ABC"] == [ONCE, ONCE, TWICE]


def test_a_task_inside_a_map_has_its_policy_too() -> None:
    given = machine(Each={"Type": "Map", "ItemProcessor": machine(A=task("s:a")), "End": True})
    complete = assemble(given, {"s:a": {"Retry": ONCE}})
    assert complete["States"]["Each"]["ItemProcessor"]["States"]["A"]["Retry"] == ONCE


def test_a_task_without_a_policy_is_named() -> None:
    with pytest.raises(ValueError, match=r"for 'A', found none for s:a: add one"):
        assemble(machine(A=task("s:a")), {"s": {"Retry": ONCE}, "s:b*": {"Retry": ONCE}})


def test_a_policy_that_no_task_uses_is_named() -> None:
    with pytest.raises(ValueError, match=r"found none for s:\*, t:b: correct the name, or remove the policy"):
        assemble(machine(A=task("s:a")), {each: {"Retry": ONCE} for each in ("s:*", "s:a", "t:b")})


def test_a_task_with_retries_of_its_own_is_named() -> None:
    """Two homes for one thing would let them drift apart."""
    with pytest.raises(ValueError, match=r"retries of 'A' in retries\.json"):
        assemble(machine(A=task("s:a", Retry=ONCE)), {"s:a": {"Retry": ONCE}})


def test_every_policy_says_why() -> None:
    table = json.loads(RETRIES.read_text(encoding="utf-8"))
    for kind, policy in table.items():
        assert kind == "Comment" or set(policy) == {"Comment", "Retry"}
