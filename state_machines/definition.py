"""Assembles the complete definition: the steps of `training.asl.json`, each task with its policy of `retries.json`.

Runs when the state machine is synthesized, checked, tested or printed; it needs the standard library only.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from state_machines.faults import COUNTER, COUNTER_INSIDE, RETRY_ON_CAUSE, catcher, pause

STEPS = Path(__file__).with_name("training.asl.json")
RETRIES = Path(__file__).with_name("retries.json")
# A state is read in this order: what it asks for, then what happens if that fails, then what it passes on.
BEFORE_RETRY = ("Comment", "Type", "Resource", "Arguments")
# Where a state holds machines of its own: a Map one (Iterator is its older name), a Parallel state several.
ONE_INSIDE = ("ItemProcessor", "Iterator")
SEVERAL_INSIDE = "Branches"
EVERY_ERROR = "States.ALL"
Machine = dict[str, Any]
State = dict[str, Any]
Policy = Mapping[str, Any]
Policies = Mapping[str, Policy]


def definition() -> Machine:
    """The state machine as Step Functions takes it, with the `${...}` that the deployment fills in.

    Raises ValueError when a task has no retry policy or a policy has no task.
    """
    return assemble(_read(STEPS), _read(RETRIES))


def definition_text() -> str:
    """The same as indented JSON."""
    return json.dumps(definition(), indent=2, ensure_ascii=False) + "\n"


def assemble(steps: Machine, retries: Mapping[str, Any]) -> Machine:
    """`steps` with a retry policy in every task, those inside a Map or Parallel state too.

    `retries` is {kind: {"Comment": why, "Retry": [...]}}, and may have a "Comment" beside the kinds. A kind is a task's
    Resource without its prefix, or the beginning of several that ends in `*`; the most specific one counts. A policy
    with "RetryOnCause" adds to each of its tasks a catcher, and a pause after which the task is tried again.
    """
    policies = {kind: each for kind, each in retries.items() if kind != "Comment"}
    used = {_kind(name, task, policies=policies) for name, task in _tasks(steps)}
    if unused := sorted(policies.keys() - used):
        raise ValueError(
            f"Expected every policy of {RETRIES.name} to serve a task, found none for {', '.join(unused)}: "
            "correct the name, or remove the policy."
        )
    return _complete_machine(steps, policies)


def inside(state: State) -> list[Machine]:
    """The machines that a Map or Parallel state runs; none for any other state."""
    return [*(state[key] for key in ONE_INSIDE if key in state), *state.get(SEVERAL_INSIDE, ())]


def _tasks(machine: Machine) -> Iterator[tuple[str, State]]:
    for name, state in machine["States"].items():
        if state["Type"] == "Task":
            yield name, state
        for each in inside(state):
            yield from _tasks(each)


def _kind(name: str, task: State, *, policies: Policies) -> str:
    resource = task["Resource"].removeprefix("arn:aws:states:::")
    if "Retry" in task:
        raise ValueError(
            f"Expected the retries of {name!r} in {RETRIES.name}, found them in the state: move them there."
        )
    matching = [kind for kind in policies if kind == resource or (kind[-1] == "*" and resource.startswith(kind[:-1]))]
    if not matching:
        raise ValueError(f"Expected a policy in {RETRIES.name} for {name!r}, found none for {resource}: add one.")
    return max(matching, key=lambda kind: (kind == resource, len(kind)))


def _complete_machine(machine: Machine, policies: Policies, *, counter: str = COUNTER) -> Machine:
    states: dict[str, State] = {}
    for name, state in machine["States"].items():
        states |= _complete_state(name, state, policies=policies, counter=counter)
    return machine | {"States": states}


def _complete_state(name: str, state: State, *, policies: Policies, counter: str) -> dict[str, State]:
    """The state with all that belongs to it, and the pause before its next attempt where it has one."""
    if state["Type"] != "Task":
        complete = partial(_complete_machine, policies=policies, counter=COUNTER_INSIDE)
        nested: State = {key: complete(state[key]) for key in ONE_INSIDE if key in state}
        if SEVERAL_INSIDE in state:
            nested[SEVERAL_INSIDE] = [complete(each) for each in state[SEVERAL_INSIDE]]
        return {name: state | nested}
    policy = policies[_kind(name, state, policies=policies)]
    handled = {"Retry": policy["Retry"]}
    completed = {name: _in_order(state, handled)}
    # One that goes on whatever happens has no use for a catcher that raises what it does not retry.
    if RETRY_ON_CAUSE in policy and not _goes_on(state):
        waiting = pause(name, policy[RETRY_ON_CAUSE], counter=counter)
        again = catcher(policy[RETRY_ON_CAUSE], counter=counter, following=next(iter(waiting)))
        handled["Catch"] = [*state.get("Catch", ()), again]
        completed = {name: _in_order(state, handled)} | waiting
    return completed


def _goes_on(task: State) -> bool:
    return any(EVERY_ERROR in each["ErrorEquals"] for each in task.get("Catch", ()))


def _in_order(state: State, handled: State) -> State:
    first = {key: state[key] for key in BEFORE_RETRY if key in state}
    return first | handled | {key: each for key, each in state.items() if key not in handled}


def _read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


if __name__ == "__main__":
    sys.stdout.write(definition_text())
