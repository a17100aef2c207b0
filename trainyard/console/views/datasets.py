"""What was uploaded, by data set, and what each still waits for."""

from __future__ import annotations

from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import Response

from trainyard.client.dataset import datasets as client
from trainyard.console import pages


def datasets(request: Request) -> Response:
    """Every data set in the raw bucket, the newest first."""
    deployment = pages.deployment(request)
    return pages.page(
        request,
        "datasets.html.j2",
        title="Data sets",
        sets=client.listed(deployment),
        named=client.MOST_NAMED,
        bucket=deployment.raw_bucket,
        now=datetime.now(UTC),
    )
