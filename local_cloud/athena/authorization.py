"""What requests of Athena are about, which decides who may make them: a query's work group; runs in the server."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ministack.core import iam_actions
from ministack.core.responses import get_account_id, get_region
from ministack.services import athena

# The group of a query that names none.
PRIMARY = "primary"


def install() -> None:
    """Judge a query, its state and its rows by its work group, as AWS does; MiniStack knows one that is named only."""
    iam_actions.extract_resource_arn = _by_work_group(iam_actions.extract_resource_arn)


def _by_work_group(original: Callable[..., str]) -> Callable[..., str]:
    def extract(  # noqa: PLR0917 - MiniStack's signature
        service: str, method: str, path: str, headers: dict[str, str], body: bytes, *others: Any, **named: Any
    ) -> str:
        found = original(service, method, path, headers, body, *others, **named)
        if service != "athena" or found != "*":
            return found
        group = _group(str(headers.get("x-amz-target", "")).rpartition(".")[2], _parsed(body))
        return f"arn:aws:athena:{get_region()}:{get_account_id()}:workgroup/{group}" if group else found

    return extract


def _group(action: str, request: dict[str, Any]) -> str:
    """The work group that a request is about; empty for one that is about none."""
    if action == "StartQueryExecution":
        return PRIMARY
    execution = athena._executions.get(str(request.get("QueryExecutionId", ""))) or {}
    return str(execution.get("WorkGroup", ""))


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
