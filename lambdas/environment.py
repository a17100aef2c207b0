"""Environment variables of the functions, read and checked once per process."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from functools import cache
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Environment:
    """What the deployment tells the functions."""

    raw_bucket: str
    artifacts_bucket: str
    ledger_table: str
    topic_arn: str
    code_version: str
    tags: dict[str, str] = field(default_factory=dict)
    job_defaults: dict[str, Any] = field(default_factory=dict)


@cache
def read() -> Environment:
    """The function's environment. Raises KeyError naming a variable that the deployment forgot."""
    return Environment(
        raw_bucket=os.environ["RAW_BUCKET"],
        artifacts_bucket=os.environ["ARTIFACTS_BUCKET"],
        ledger_table=os.environ["LEDGER_TABLE"],
        topic_arn=os.environ["TOPIC_ARN"],
        code_version=os.environ["CODE_VERSION"],
        tags=json.loads(os.environ["TAGS"]),
        job_defaults=json.loads(os.environ["JOB_DEFAULTS"]),
    )
