"""A Lambda function that sleeps once it was asked, for tests that look at its process."""

from __future__ import annotations

import io
import zipfile

from local_cloud import leftovers
from tests.local_cloud.conftest import Cloud
from tests.local_cloud.processes import until, variables_of

CODE = """
import os, pathlib, time
def handler(event, context):
    pathlib.Path(os.environ["BEGUN"]).touch()
    time.sleep(120)
"""


def working(cloud: Cloud, name: str) -> int:
    """Create the function and ask it; returns the process that works on it."""
    packed, begun = io.BytesIO(), cloud.state_dir / f"{name}-begun"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("index.py", CODE)
    cloud.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.11",
        Role=cloud.role(f"{name}-role", "lambda.amazonaws.com", []),
        Handler="index.handler",
        Timeout=300,
        Environment={"Variables": {"BEGUN": str(begun)}},
        Code={"ZipFile": packed.getvalue()},
    )
    cloud.client("lambda").invoke(FunctionName=name, InvocationType="Event")
    until(begun.exists)
    processes = leftovers.members(cloud.cloud.pid)
    return next(pid for pid in processes if variables_of(pid).get("AWS_LAMBDA_FUNCTION_NAME") == name)
