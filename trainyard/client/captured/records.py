"""Reads what endpoints kept of requests and answers, in a notebook or a program; runs on a laptop.

pandas comes with the extra `notebook` and is imported when records are read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from trainyard.client.deployment import Deployment
from trainyard.client.run import artifacts, tables
from trainyard.errors import NotFound
from trainyard.run.document import decoded
from trainyard.run.naming import ModelParts
from trainyard.run.watch.capture import CaptureRules, folder

if TYPE_CHECKING:
    import pandas as pd

VARIABLE = "CAPTURE"
DAY = re.compile(r"/date=([^/]+)/")


def rules(deployment: Deployment) -> CaptureRules | None:
    """What the endpoints of an environment keep, by what was deployed; None where they keep nothing."""
    text = deployment.variables().get(VARIABLE)
    return None if text is None else decoded(CaptureRules, json.loads(text))


def captured(
    deployment: Deployment,
    model: str,
    *,
    since: date | None = None,
    until: date | None = None,
    newest: int | None = None,
) -> pd.DataFrame:
    """A row for each row of the requests that a model's endpoint kept, by time; `request` and `answer` are objects.

    `model` is its name in the ledger; `since` and `until` are days in UTC, both inclusive; `newest` is how many rows at
    most. Raises NotFound where there are none, TrainyardError where pandas is not installed.
    """
    keys = _keys(deployment, model, since=since, until=until)
    if not keys:
        raise NotFound(
            f"Expected requests to the model {model} that its endpoint kept, found none. They are kept where the "
            "environment has `capture` in infra/settings.py, and written some seconds after they came."
        )
    found = _rows(deployment, keys, newest=newest).sort_values(["time", "event_id", "row"], ignore_index=True)
    found = found if newest is None else found.tail(newest).reset_index(drop=True)
    return found.assign(request=found["request"].map(json.loads), answer=found["answer"].map(json.loads))


def _keys(deployment: Deployment, model: str, *, since: date | None, until: date | None) -> list[str]:
    """The files of the days that are asked for, by time."""
    listed = artifacts.listed(deployment, f"{folder(ModelParts.of(model).recipe, model)}/")
    days = ((each.key, date.fromisoformat(found[1])) for each in listed if (found := DAY.search(each.key)))
    return sorted(key for key, day in days if (since is None or day >= since) and (until is None or day <= until))


def _rows(deployment: Deployment, keys: Sequence[str], *, newest: int | None) -> pd.DataFrame:
    """The rows of all files, or of as many of those that were begun last as have `newest` rows."""
    count = 0
    frames: list[pd.DataFrame] = []
    for key in reversed(keys):
        if newest is not None and count >= newest:
            break
        frames.append(tables.frame(deployment, deployment.artifacts_bucket, keys=[key]))
        count += len(frames[-1])
    return tables.joined(frames)
