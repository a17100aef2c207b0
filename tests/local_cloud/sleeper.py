"""A Lambda function that sleeps once it was asked, for tests that look at its process."""

from __future__ import annotations

import io
import zipfile

from local_cloud import leftovers
from tests.local_cloud.conftest import Cloud
from tests.local_cloud.processes import until, variables_of

CODE = "import time\ndef handler(event, context):\n    time.sleep(120)\n"


def working(cloud: Cloud, name: str) -> int:
    """Create the function and ask it; returns the process that works on it."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("index.py", CODE)
    cloud.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.11",
        Role=cloud.role(f"{name}-role", "lambda.amazonaws.com", []),
        Handler="index.handler",
        Timeout=300,
        Code={"ZipFile": packed.getvalue()},
    )
    cloud.client("lambda").invoke(FunctionName=name, InvocationType="Event")
    return until(lambda: _worker(cloud, name))


def _worker(cloud: Cloud, name: str) -> int | None:
    """The process of a function, once it has become Python with its own variables."""
    for pid in leftovers.members(cloud.cloud.pid):
        if variables_of(pid).get("AWS_LAMBDA_FUNCTION_NAME") == name:
            return pid
    return None
