"""What a deployment tells its functions; how they come to know it is the shell's part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from trainyard.run.settings.policy import Policy
from trainyard.run.watch.capture import CaptureRules


@dataclass(frozen=True, kw_only=True)
class Environment:
    """Names of what was deployed, its code version, the tags of every job, its machines by stage, and its policy.

    An upload starts its run when no file of its set is younger than `settling_seconds`. `gpu` says whether there is an
    image that trains on one, `approval` whether a person has to approve a model that passed the gate. The names of its
    endpoints begin with `prefix`; they keep what `capture` says of their requests, and nothing where it is None.
    """

    raw_bucket: str
    artifacts_bucket: str
    ledger_table: str
    topic_arn: str
    code_version: str
    tags: Mapping[str, str] = field(default_factory=dict)
    job_defaults: Mapping[str, Any] = field(default_factory=dict)
    settling_seconds: int = 0
    gpu: bool = False
    approval: bool = False
    prefix: str = ""
    policy: Policy = field(default_factory=Policy)
    capture: CaptureRules | None = None
