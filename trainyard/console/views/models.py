"""The registered models: every version of each, and which one is in use."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import Response

from trainyard.client import models as client
from trainyard.client.models import InUse, Version
from trainyard.console import pages
from trainyard.run.naming import NAMED


@dataclass(frozen=True, kw_only=True)
class ModelView:
    """A model and its versions, the newest first; those of a recipe's variants share one group."""

    model: InUse
    versions: list[Version]


def models(request: Request) -> Response:
    """Every model in use with its versions."""
    deployment = pages.deployment(request)
    shown = [
        ModelView(
            model=each,
            versions=list(client.versions(deployment, each.recipe, model=each.name.partition(NAMED)[2])),
        )
        for each in client.in_use(deployment)
    ]
    return pages.page(request, "models.html.j2", title="Models", models=shown, now=datetime.now(UTC))
