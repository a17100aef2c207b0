"""One readable message about an execution that failed, timed out or was stopped; runs in a Lambda."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from trainyard.run.outcome import FAILURES
from trainyard.run.registry import is_decision
from trainyard.stages.explain_failure.asked import asked_for
from trainyard.stages.explain_failure.going_on import advice
from trainyard.stages.explain_failure.history import History
from trainyard.stages.explain_failure.log_tail import Tail, log_tail
from trainyard.stages.explain_failure.root_cause import Failure, root_cause
from trainyard.stages.explain_failure.told import Told, told

LOG_LINES = 15
# What SNS allows.
MAX_SUBJECT = 100
logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Message:
    """What people are sent."""

    subject: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the execution was to work on; a field that is not known is empty."""

    recipe: str
    dataset: str
    run_id: str


def explain(arn: str, status: str, *, step_functions: Any, logs: Any, s3: Any) -> Message | None:
    """Why an execution ended with `status`; None where a state of the workflow has told people already."""
    pages = step_functions.get_paginator("get_execution_history").paginate(executionArn=arn)
    events = [each for page in pages for each in page["events"]]
    failure = root_cause(events, status=status)
    if failure.error in FAILURES:
        return None
    history = History.of(events)
    asked = _asked(history)
    tail = log_tail(failure.log, logs=logs) if failure.log else Tail()
    why = told(failure, tail.lines, s3=s3, limit=LOG_LINES)
    text = _text(arn, status, asked=asked, failure=failure, why=why, unreadable=tail.unreadable)
    decided = is_decision(history.input)
    next_steps = _next_steps(arn, failure.state, decided=decided, step_functions=step_functions)
    return Message(subject=_subject(status, asked=asked, failure=failure), text="\n".join([*text, *next_steps]))


def _subject(status: str, *, asked: Asked, failure: Failure) -> str:
    """What SNS takes: one short line of ASCII. A recipe may be any text that somebody started the workflow with."""
    ended = status.lower().replace("_", " ")
    text = f"trainyard: {asked.recipe or 'a'} run {ended} at {failure.state or 'its start'}"
    plain = " ".join(text.encode("ascii", "replace").decode().split())
    return "".join(each for each in plain if each.isprintable())[:MAX_SUBJECT]


def _asked(history: History) -> Asked:
    """What Resolve planned, else, where it failed or was not reached, what the input of the execution names."""
    first = history.visits[0].name if history.visits else ""
    plans = [each.output for each in history.visits if each.name == first and isinstance(each.output, Mapping)]
    plan = plans[-1] if plans else {}
    recipe, dataset = asked_for(history.input)
    return Asked(
        recipe=str(plan.get("recipe") or recipe),
        dataset=str(plan.get("dataset") or dataset),
        run_id=str(plan.get("run_id") or ""),
    )


def _text(arn: str, status: str, *, asked: Asked, failure: Failure, why: Told, unreadable: str) -> list[str]:
    region = arn.split(":")[3]
    what = f"recipe {asked.recipe or 'unknown'} on data set {asked.dataset or 'unknown'}"
    lines = [
        f"The run of {what} ended: {status}.",
        "",
        f"Failed state: {failure.where or 'none was entered'}",
        f"Error: {failure.error}",
        f"Reason: {why.reason}",
        f"Run: {asked.run_id or 'none'}",
    ]
    if failure.log:
        shown = why.lines or [unreadable]
        lines += [f"Job: {failure.job}", "", "Lines of its log:", *(f"  {each}" for each in shown)]
    return [
        *lines,
        "",
        f"Console: https://{region}.console.aws.amazon.com/states/home?region={region}#/v2/executions/details/{arn}",
    ]


def _next_steps(arn: str, state: str, *, decided: bool, step_functions: Any) -> list[str]:
    """How to go on; definitions that cannot be read must not keep the message from being sent."""
    name = arn.rpartition(":")[2]
    began: Mapping[str, Any] = {}
    deployed: Mapping[str, Any] = {}
    try:
        found = step_functions.describe_state_machine_for_execution(executionArn=arn)
        # Of the machine itself, also where the answer names a version of it: what is deployed.
        machine = ":".join(found["stateMachineArn"].split(":")[:7])
        now = step_functions.describe_state_machine(stateMachineArn=machine)
        began, deployed = json.loads(found["definition"]), json.loads(now["definition"])
    except (BotoCoreError, ClientError) as error:
        logger.warning("the definitions of %s are not readable: %s", arn, error)
    return advice(
        name,
        state=state,
        began=began,
        deployed=deployed,
        redrive=f"aws stepfunctions redrive-execution --execution-arn {arn}",
        rerun="" if decided else f"trainyard rerun {name}",
    )
