"""Environment variables of the functions, read and checked once per process."""

from __future__ import annotations

import json
import os
from functools import cache

from trainyard.run.document import decoded
from trainyard.run.environment import Environment
from trainyard.run.settings.policy import Policy
from trainyard.run.watch.capture import CaptureRules


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
        settling_seconds=int(os.environ["SETTLING_SECONDS"]),
        gpu=os.environ.get("GPU") == "true",
        approval=os.environ.get("APPROVAL") == "required",
        prefix=os.environ["PREFIX"],
        policy=decoded(Policy, json.loads(os.environ["POLICY"])),
        capture=decoded(CaptureRules, json.loads(os.environ["CAPTURE"])) if "CAPTURE" in os.environ else None,
    )
