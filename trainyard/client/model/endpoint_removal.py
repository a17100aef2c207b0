"""Deletes endpoints. SageMaker refuses while one is made or updated, so that is waited for; runs on a laptop."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection

from botocore.exceptions import ClientError

from trainyard.client.session import Target
from trainyard.errors import TrainyardError

# What SageMaker does with an endpoint by itself, and lets nobody delete it before it is over.
UNSETTLED = ("Creating", "Updating", "RollingBack", "SystemUpdating")
DELETING = "Deleting"
# A container that does not start is tried for some 25 minutes before SageMaker gives it up.
LONGEST_SECONDS = 3600.0


def delete(target: Target, names: Collection[str], *, prefix: str, tell: Callable[[str], None]) -> None:
    """Delete endpoints whose names begin with a prefix, each as soon as it is settled, and wait until they are gone.

    `tell` gets a sentence about each that has to settle first. Whatever is gone already is passed over.
    Raises TrainyardError where one is still there after an hour.
    """
    done: set[tuple[str, str]] = set()
    deadline = time.monotonic() + LONGEST_SECONDS
    while names and (left := _statuses(target, names, prefix=prefix)):
        # An execution may have made one anew since.
        done = {(name, status) for name, status in done if left.get(name) == status}
        for name, status in sorted(left.items() - done):
            if status in UNSETTLED:
                tell(f"Endpoint {name} is {status}: it is deleted as soon as that is over.")
            elif status != DELETING and not _deleted(target, name, status=status, prefix=prefix):
                continue
            done.add((name, status))
        if time.monotonic() > deadline:
            shown = ", ".join(f"{name} is still {status}" for name, status in sorted(left.items()))
            raise TrainyardError(
                f"Expected endpoints to be gone within {LONGEST_SECONDS:,.0f} seconds; {shown}. `trainyard endpoints` "
                "shows how far that is: call the same command again then."
            )
        # One that an execution makes again in the meantime is not the one that was to go.
        names = left.keys()
        time.sleep(target.poll_seconds)


def _deleted(target: Target, name: str, *, status: str, prefix: str) -> bool:
    """Whether the deletion began: an execution that deploys may have changed or deleted the endpoint just before."""
    try:
        target.client("sagemaker").delete_endpoint(EndpointName=name)
    except ClientError:
        if _statuses(target, [name], prefix=prefix).get(name) == status:
            raise
        return False
    return True


def _statuses(target: Target, names: Collection[str], *, prefix: str) -> dict[str, str]:
    """The status of each of the endpoints that is there."""
    pages = target.client("sagemaker").get_paginator("list_endpoints").paginate(NameContains=prefix)
    found = [each for page in pages for each in page["Endpoints"]]
    return {each["EndpointName"]: each["EndpointStatus"] for each in found if each["EndpointName"] in names}
