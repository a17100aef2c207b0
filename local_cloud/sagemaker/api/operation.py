"""What the local SageMaker knows of one operation of the API; runs in the server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from typing import Any

from local_cloud.jobs.records import Record
from local_cloud.sagemaker.api.context import Request
from local_cloud.sagemaker.api.kinds import Kind


@dataclass(frozen=True)
class Operation:
    """One row of the table of operations.

    `kind` is what the operation is about: the one object that looks after this kind carries it out, by `function`, and
    policies must allow the operation on the resource that the request names. The rest says what an operation has that
    most have not:

    * `within`: the request names a group, not the resources in it, so that policies name all of that group.
    * `uses`: policies must allow the operation on the resource of this kind as well that the request names.
    * `optimized`: Step Functions has an integration of its own for it, `arn:aws:states:::sagemaker:createModel`.
    * `sync_rule`: that integration has a `.sync` form, which waits for the job; the name of the EventBridge rule with
      which Step Functions hears of its end ("IAM policies for integrated services").
    """

    kind: Kind
    function: Callable[[Any, Request], Record]
    _: KW_ONLY
    within: Kind | None = None
    uses: Kind | None = None
    optimized: bool = False
    sync_rule: str = ""
