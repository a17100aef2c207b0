"""Assembles the complete definition: the steps of `training.asl.json`, each task with its policy of `retries.json`.

Runs when the state machine is synthesized, checked, tested or printed; it needs the standard library only.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

STEPS = Path(__file__).with_name("training.asl.json")
RETRIES = Path(__file__).with_name("retries.json")
# A state is read in this order: what it asks for, then what happens if that fails, then what it passes on.
BEFORE_RETRY = ("Comment", "Type", "Resource", "Arguments")
Machine = dict[str, Any]
State = dict[str, Any]


def definition() -> Machine:
    """The state machine as Step Functions takes it, with the `${...}` that the deployment fills in.

    Raises ValueError when a task has no retry policy or a policy has no task.
    """
    return assemble(_read(STEPS), _read(RETRIES))


def definition_text() -> str:
    """The same as indented JSON."""
    return json.dumps(definition(), indent=2, ensure_ascii=False) + "\n"


def assemble(steps: Machine, retries: Mapping[str, Any]) -> Machine:
    """`steps` with a retry policy in every task, those inside a Map too.

    `retries` is {kind: {"Comment": why, "Retry": [...]}}, and may have a "Comment" beside the kinds. A kind is a task's
    Resource without its prefix, or the beginning of several that ends in `*`; the most specific one counts.
    """
    policies = {kind: each["Retry"] for kind, each in retries.items() if kind != "Comment"}
    used = {_kind(name, task, policies=policies) for name, task in _tasks(steps)}
    if unused := sorted(policies.keys() - used):
        raise ValueError(
            f"Expected every policy of {RETRIES.name} to serve a task, found none for {', '.join(unused)}: "
            "correct the name, or remove the policy."
        )
    return _complete_machine(steps, policies)


def _tasks(machine: Machine) -> Iterator[tuple[str, State]]:
    for name, state in machine["States"].items():
        if state["Type"] == "Task":
            yield name, state
        elif "ItemProcessor" in state:
            yield from _tasks(state["ItemProcessor"])


def _kind(name: str, task: State, *, policies: Collection[str]) -> str:
    resource = task["Resource"].removeprefix("arn:aws:states:::")
    if "Retry" in task:
        raise ValueError(
            f"Expected the retries of {name!r} in {RETRIES.name}, found them in the state: move them there."
        )
    matching = [kind for kind in policies if kind == resource or (kind[-1] == "*" and resource.startswith(kind[:-1]))]
    if not matching:
        raise ValueError(f"Expected a policy in {RETRIES.name} for {name!r}, found none for {resource}: add one.")
    return max(matching, key=lambda kind: (kind == resource, len(kind)))


def _complete_machine(machine: Machine, policies: Mapping[str, Any]) -> Machine:
    states = {name: _complete_state(name, each, policies=policies) for name, each in machine["States"].items()}
    return machine | {"States": states}


def _complete_state(name: str, state: State, *, policies: Mapping[str, Any]) -> State:
    if "ItemProcessor" in state:
        return state | {"ItemProcessor": _complete_machine(state["ItemProcessor"], policies)}
    if state["Type"] != "Task":
        return state
    first = {key: state[key] for key in BEFORE_RETRY if key in state}
    return first | {"Retry": policies[_kind(name, state, policies=policies)]} | state


def _read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


if __name__ == "__main__":
    sys.stdout.write(definition_text())
