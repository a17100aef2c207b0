"""What CloudFormation asks of a custom resource, and how it is answered; runs in a Lambda."""

from __future__ import annotations

import json
import os
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.request import Request, urlopen

# The resources of a stack in these are deleted with it; in any other state one was only taken out of the template.
ENDING = ("DELETE_IN_PROGRESS", "ROLLBACK_IN_PROGRESS")
SECONDS = 30
# CloudFormation takes an answer of 4 KB.
LONGEST_REASON = 1000


def ends(event: Mapping[str, Any], *, cloudformation: Any) -> bool:
    """Whether the resource is deleted because its stack is."""
    if event["RequestType"] != "Delete":
        return False
    [stack] = cloudformation.describe_stacks(StackName=event["StackId"])["Stacks"]
    return stack["StackStatus"] in ENDING


def answer(event: Mapping[str, Any], *, problem: str = "") -> None:
    """Tell CloudFormation, which waits for it, that all is done, or what the problem is."""
    document = {
        "Status": "FAILED" if problem else "SUCCESS",
        "Reason": problem[:LONGEST_REASON],
        # The same for all of its life: CloudFormation would ask to delete what an update gives another one.
        "PhysicalResourceId": event.get("PhysicalResourceId") or event["LogicalResourceId"],
        **{name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")},
    }
    request = Request(event["ResponseURL"], data=json.dumps(document).encode(), method="PUT")  # noqa: S310
    # The signature of the address holds for a request without a type.
    request.add_header("Content-Type", "")
    trusted = ssl.create_default_context(cafile=os.environ.get("AWS_CA_BUNDLE"))
    with urlopen(request, timeout=SECONDS, context=trusted):  # noqa: S310 - an address of S3, from CloudFormation
        pass
