"""A state folder as it was before there was a journal: a snapshot of each service as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ACCOUNT, REGION = "000000000000", "us-east-1"
MACHINE = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:old"
EXECUTION = f"arn:aws:states:{REGION}:{ACCOUNT}:execution:old:run"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/old"
AT = "2026-11-01T00:00:00.000Z"


def write_snapshots(directory: Path) -> str:
    """Write a table with an item, a parameter and an execution; returns the execution's ARN."""
    directory.mkdir(parents=True)
    table = {
        "TableName": "kept-table",
        "TableArn": f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/kept-table",
        "TableStatus": "ACTIVE",
        "KeySchema": [{"AttributeName": "key", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "key", "AttributeType": "S"}],
        "pk_name": "key",
        "sk_name": None,
        "items": {"old": {"__no_sort__": {"key": {"S": "old"}, "value": {"S": "kept"}}}},
        "ItemCount": 1,
    }
    parameter = {
        "Name": "/old",
        "ARN": f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/old",
        "Type": "String",
        "Value": "value",
        "Version": 1,
        "LastModifiedDate": 1.0,
        "DataType": "text",
    }
    machine = {"stateMachineArn": MACHINE, "name": "old", "definition": "{}", "roleArn": ROLE, "type": "STANDARD"}
    _write(directory, "dynamodb", {"tables": _scoped({"kept-table": table})})
    _write(directory, "ssm", {"parameters": _scoped({"/old": parameter})})
    _write(directory, "stepfunctions", {
        "state_machines": _scoped({MACHINE: machine}), "executions": _scoped({EXECUTION: _execution()}),
    })  # fmt: skip
    return EXECUTION


def _execution() -> dict[str, Any]:
    events = [
        {"id": number, "type": kind, "timestamp": AT, "previousEventId": number - 1}
        for number, kind in enumerate(("ExecutionStarted", "ExecutionSucceeded"), start=1)
    ]
    return {
        "executionArn": EXECUTION,
        "stateMachineArn": MACHINE,
        "name": "run",
        "status": "SUCCEEDED",
        "startDate": AT,
        "stopDate": AT,
        "input": "{}",
        "output": "{}",
        "events": events,
        "definition": json.dumps({"Comment": "what it began with", "StartAt": "Only", "States": {}}),
        "roleArn": ROLE,
    }


def _scoped(entries: dict[str, Any]) -> dict[str, Any]:
    data = {f"{ACCOUNT}\0{REGION}\0{name!r}": value for name, value in entries.items()}
    return {"__account_region_scoped__": True, "data": data}


def _write(directory: Path, service: str, state: dict[str, Any]) -> None:
    (directory / f"{service}.json").write_text(json.dumps({"__ministack_format__": 2, "payload": state}))
