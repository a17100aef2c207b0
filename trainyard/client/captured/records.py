"""Reads what endpoints kept of requests and answers, in a notebook or a program; runs on a laptop.

pandas comes with the extra `notebook` and is imported when records are read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING

from trainyard.client.deployment import Deployment
from trainyard.client.run import artifacts, tables
from trainyard.errors import NotFound
from trainyard.run.document import decoded
from trainyard.run.naming import ModelParts
from trainyard.run.watch.capture import CaptureRules, folder, partition, shadow_of

if TYPE_CHECKING:
    import pandas as pd

VARIABLE = "CAPTURE"
DAY = re.compile(r"/date=([^/]+)/")
# As `partition` writes it; as texts, hours are in their order.
HOUR = re.compile(r"date=[^/]+/hour=\d\d")


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
    shadow: bool = False,
) -> pd.DataFrame:
    """A row for each row of the requests that a model's endpoint kept, by time; `request` and `answer` are objects.

    `model` is its name in the ledger; `since` and `until` are days in UTC, both inclusive; `newest` is how many rows at
    most. With `shadow`, what was answered in its shadow, which went to no caller. Raises NotFound where there are none,
    TrainyardError where pandas is not installed.
    """
    found = as_kept(deployment, model, since=since, until=until, newest=newest, shadow=shadow)
    return found.assign(request=found["request"].map(json.loads), answer=found["answer"].map(json.loads))


def as_kept(
    deployment: Deployment,
    model: str,
    *,
    since: date | None = None,
    until: date | None = None,
    newest: int | None = None,
    shadow: bool = False,
) -> pd.DataFrame:
    """The same with `request` and `answer` as they lie there: texts, of JSON. Raises the same."""
    keys = _keys(deployment, model, since=since, until=until, shadow=shadow)
    if not keys:
        raise _no_copies(deployment, model) if shadow else _no_requests(model)
    found = _rows(deployment, keys, newest=newest)
    return found if newest is None else found.tail(newest).reset_index(drop=True)


def kept_between(deployment: Deployment, model: str, *, first: datetime, last: datetime) -> pd.DataFrame | None:
    """What a model's endpoint kept of two moments (UTC, without a zone) and of the time between, likewise.

    None where there are no files of these hours. Raises TrainyardError where pandas is not installed.
    """
    listed = artifacts.listed(deployment, f"{_folder(model)}/")
    hours = ((each.key, found[0]) for each in listed if (found := HOUR.search(each.key)))
    keys = sorted(key for key, hour in hours if partition(first) <= hour <= partition(last))
    if not keys:
        return None
    kept = _rows(deployment, keys, newest=None)
    return kept[kept["time"].between(first, last)].reset_index(drop=True)


def _no_requests(model: str) -> NotFound:
    return NotFound(
        f"Expected requests to the model {model} that its endpoint kept, found none. They are kept where the "
        "environment has `capture` in infra/settings.py, and written some seconds after they came."
    )


def _no_copies(deployment: Deployment, model: str) -> NotFound:
    if rules(deployment) is None:
        return NotFound(
            f"Expected what the shadow of {model} was asked, but this environment keeps no requests. Set "
            "capture=CaptureRules(...) in infra/settings.py, deploy it, and release the model with its shadow again."
        )
    parts = ModelParts.of(model)
    named = f" --model {parts.model}" if parts.model else ""
    return NotFound(
        f"Expected what the shadow of {model} was asked, found nothing kept: it has had none, or it was asked a moment "
        f"ago. Give it one: `trainyard release {parts.recipe}{named} --shadow VERSION --set deploy.type=instances`."
    )


def _folder(model: str, *, shadow: bool = False) -> str:
    return folder(ModelParts.of(model).recipe, shadow_of(model) if shadow else model)


def _keys(deployment: Deployment, model: str, *, since: date | None, until: date | None, shadow: bool) -> list[str]:
    """The files of the days that are asked for, by time."""
    listed = artifacts.listed(deployment, f"{_folder(model, shadow=shadow)}/")
    days = ((each.key, date.fromisoformat(found[1])) for each in listed if (found := DAY.search(each.key)))
    return sorted(key for key, day in days if (since is None or day >= since) and (until is None or day <= until))


def _rows(deployment: Deployment, keys: Sequence[str], *, newest: int | None) -> pd.DataFrame:
    """The rows of all files by time, or of as many of those that were begun last as have `newest` rows."""
    count = 0
    frames: list[pd.DataFrame] = []
    for key in reversed(keys):
        if newest is not None and count >= newest:
            break
        frames.append(tables.frame(deployment, deployment.artifacts_bucket, keys=[key]))
        count += len(frames[-1])
    return tables.joined(frames).sort_values(["time", "event_id", "row"], ignore_index=True)
