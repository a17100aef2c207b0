"""The size limit on what passes between the states of an execution."""

from __future__ import annotations

import json
from typing import Any

from local_cloud.step_functions.status import execution_error

# AWS Step Functions quotas: maximum input or output size of a task, state or execution, in UTF-8 bytes.
LIMIT_BYTES = 256 * 1024


def require_within_limit(value: Any, what: str) -> str:
    """JSON text of `value`; fails the state as AWS does when it is larger than 256 KiB."""
    text = json.dumps(value, default=str)
    size = len(text.encode())
    if size > LIMIT_BYTES:
        raise execution_error(
            "States.DataLimitExceeded",
            f"{what} with a size exceeding the maximum number of bytes service limit ({size} > {LIMIT_BYTES}).",
        )
    return text
