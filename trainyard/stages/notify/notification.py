"""A message of the topic, taken apart: what happened, to which run, where to look and what to do next; pure.

The state machine and the function that explains failures write for people who read mail: a subject, sentences, and a
line for each address. An alarm is CloudWatch's own document. Chat and programs get the same from one class.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# The lines of a message that name something: `Run: 20261121-024833-1a2b3c4d`.
NAMED = re.compile(
    r"^(Run|Report|Model package|Endpoint|Execution|Table|Files|Console|Failed state|Error|Reason|Job): (\S.*)$",
    re.MULTILINE,
)
# What a link is made of. A message quotes what somebody uploaded, which must not lead people anywhere else.
ADDRESSES: Mapping[str, re.Pattern[str]] = {
    "console": re.compile(r"https://([a-z0-9-]+\.)?console\.(aws\.amazon\.com|amazonaws\.cn)/\S*"),
    "execution": re.compile(r"arn:[a-z-]+:states:[a-z0-9-]+:\d{12}:\S+"),
}
COMMAND = re.compile(r"^  ((?:trainyard|aws) .+)$", re.MULTILINE)
ALARM = "alarm"
# What only a person can do, by outcome; of every other outcome there is more to see than the message says.
BY_HAND: Mapping[str, str] = {
    "bad_data": "Correct the lines that are named, and upload the files again.",
    "bad_request": "Correct the settings that are named, and upload or start again.",
}
LOCAL_ACCOUNT = "000000000000"


@dataclass(frozen=True, kw_only=True)
class Notification:
    """One message. `id` is the same whenever it is sent again, `sent` is ISO 8601, `link` empty where there is none.

    `facts` are the named lines of the text by lower case name, `next_steps` commands or sentences.
    """

    id: str
    sent: str
    environment: str
    outcome: str
    title: str
    text: str
    facts: Mapping[str, str] = field(default_factory=dict)
    link: str = ""
    next_steps: tuple[str, ...] = ()

    @property
    def subject(self) -> str:
        """What the message is about, by which those about the same thing belong together: a run or an execution."""
        return self.facts.get("run") or self.facts.get("execution", "").rpartition(":")[2] or self.title

    @property
    def resources(self) -> list[str]:
        """The ARNs that the message names."""
        return [each for each in self.facts.values() if each.startswith("arn:")]


def notification(record: Mapping[str, Any], *, environment: str) -> Notification:
    """The message in what SNS hands to its subscribers: `Message`, `Subject`, `MessageId`, `Timestamp`, attributes."""
    text, attributes = str(record["Message"]), record.get("MessageAttributes") or {}
    alarm = _alarm(text)
    outcome = ALARM if alarm else str(attributes.get("outcome", {}).get("Value", "message"))
    text = alarm or text
    facts = _facts(text)
    return Notification(
        id=str(record["MessageId"]),
        sent=str(record["Timestamp"]),
        environment=environment,
        outcome=outcome,
        title=str(record.get("Subject") or "trainyard"),
        text=text,
        facts=facts,
        link=_link(facts),
        next_steps=_next_steps(outcome, text, facts=facts, options=_options(str(record["TopicArn"]), environment)),
    )


def _alarm(text: str) -> str:
    """What an alarm of CloudWatch says; empty for any other message."""
    if not text.startswith("{"):
        return ""
    try:
        document = json.loads(text)
    except ValueError:
        return ""
    if not isinstance(document, dict) or "AlarmName" not in document:
        return ""
    return (
        f"{document.get('AlarmDescription') or document['AlarmName']}\n\n{document.get('NewStateReason', '')}".strip()
    )


def _facts(text: str) -> dict[str, str]:
    facts: dict[str, str] = {}
    for name, value in ((name.lower(), value.strip()) for name, value in NAMED.findall(text)):
        if value != "none" and (name not in ADDRESSES or ADDRESSES[name].fullmatch(value)):
            facts.setdefault(name, value)
    return facts


def _link(facts: Mapping[str, str]) -> str:
    """Where to look: the execution, or the report where the message names no execution."""
    arn, report = facts.get("execution", ""), facts.get("report", "").removeprefix("s3://")
    if "console" in facts:
        return facts["console"]
    if arn.startswith("arn:"):
        region = arn.split(":")[3]
        return f"https://{region}.console.aws.amazon.com/states/home?region={region}#/v2/executions/details/{arn}"
    bucket, _, key = report.partition("/")
    return f"https://s3.console.aws.amazon.com/s3/object/{bucket}?prefix={key}" if key else ""


def _next_steps(outcome: str, text: str, *, facts: Mapping[str, str], options: str) -> tuple[str, ...]:
    """What a person alone can do; else the commands that the message itself gives, or how to see more."""
    if outcome in BY_HAND:
        return (BY_HAND[outcome],)
    # Of a failure they stand below the console's line; above it are lines of a log, which may look like commands.
    if commands := COMMAND.findall(text.rpartition("\nConsole: ")[2]):
        return tuple(f"{each}{options}" if each.startswith("trainyard ") else each for each in commands)
    return (f"trainyard show {facts['run']}{options}",) if "run" in facts else (f"trainyard executions{options}",)


def _options(topic_arn: str, environment: str) -> str:
    """What a command needs to reach this environment."""
    if topic_arn.split(":")[4] == LOCAL_ACCOUNT:
        return ""
    return " --aws" if environment == "dev" else f" --aws --env {environment}"
