"""What endpoints keep of requests and answers: who decides it, where it lies, and which columns it has."""

from __future__ import annotations

import json
import os
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from trainyard.contract.config import Capture, Deployment
from trainyard.errors import ConfigError
from trainyard.run.document import decoded, encoded

# Tells the service what to keep. A variable of SageMaker's holds 1,024 characters, this much of it names of fields.
VARIABLE, LONGEST_NAMES = "TRAINYARD_CAPTURE", 600
# Folder of the artifacts bucket, and name of the table in the catalogue.
PREFIX = "captured"
SECONDS = 60
LONGEST_RETENTION_DAYS = 3650
NESTED = (dict, list, tuple)
# Ends the name of a model where what its shadow was asked lies; no name of a model has a dot.
SHADOW = ".shadow"


class Column(NamedTuple):
    """One column of the table: its name, its type in the terms of the catalogue, and what it holds."""

    name: str
    type: str
    comment: str


PARTITIONS = (
    Column("recipe", "string", "of the model"),
    Column("model", "string", "its name in the ledger; a query has to name it"),
    Column("date", "string", "when it was asked, in UTC: 2026-11-30"),
    Column("hour", "int", "of that day, from 0"),
)
COLUMNS = (
    Column("event_id", "string", "one for each request"),
    Column("inference_id", "string", "what the caller called the request, else the event_id"),
    Column("row", "int", "which row of the request, from 0"),
    Column("time", "timestamp", "when the request came, in UTC"),
    Column("run", "string", "the run whose model answered"),
    Column("route", "string", "how it was called: POST /invocations"),
    Column("request", "string", "the row, in JSON, without the fields that are never kept"),
    Column("answer", "string", "what the model said of it, in JSON, without these either"),
    Column("latency_ms", "double", "from the head of the request to the whole answer"),
)


@dataclass(frozen=True, kw_only=True)
class CaptureRules:
    """What an environment keeps: a share of the requests, for some days, and never some fields.

    `share` holds for every endpoint that does not ask for another one. By `id_fields` of a request, or columns of
    scores, rows of one person are found again when they are to be forgotten.
    """

    share: float = 1.0
    never_kept: tuple[str, ...] = ()
    id_fields: tuple[str, ...] = ()
    retention_days: int = 30

    def problems(self) -> Iterator[str]:
        """What is wrong with it, each as the end of a sentence about the environment."""
        if not 0 <= self.share <= 1:
            yield f"expected capture.share from 0 to 1, found {self.share}."
        if not 1 <= self.retention_days <= LONGEST_RETENTION_DAYS:
            yield f"expected capture.retention_days from 1 to {LONGEST_RETENTION_DAYS}, found {self.retention_days}."
        names = {"never_kept": self.never_kept, "id_fields": self.id_fields}
        if texts := {each: name for each, name in names.items() if isinstance(name, str)}:
            # Python takes ("email") for a text, whose letters would be the names.
            yield from (f"expected names in capture.{each}, found the text {name!r}." for each, name in texts.items())
            return
        if (size := len(json.dumps(self.never_kept))) > LONGEST_NAMES:
            # Said here, for else each run of the environment would be refused.
            yield f"expected names of at most {LONGEST_NAMES} characters in capture.never_kept, found {size}."
        hidden = {plain(each) for each in self.never_kept}
        if both := [each for each in self.id_fields if plain(each) in hidden]:
            yield f"expected capture.id_fields that are kept, found {', '.join(both)} in capture.never_kept too."


@dataclass(frozen=True, kw_only=True)
class CapturePlan:
    """What one endpoint keeps: a share of its requests, below a URI, at most `seconds` after they came."""

    uri: str
    share: float
    never_kept: tuple[str, ...] = ()
    seconds: int = SECONDS

    @classmethod
    def of_environment(cls, environment: Mapping[str, str] = os.environ) -> CapturePlan | None:
        """What the service was told to keep, None for nothing. Raises JobFailed for what is no plan."""
        text = environment.get(VARIABLE)
        return None if text is None else decoded(cls, json.loads(text))


def require_comparable(chosen: Deployment, rules: CaptureRules | None) -> None:
    """Raise ConfigError where answers are to be compared by requests that the endpoint does not keep."""
    if chosen.compare.most_changed is None or (rules is not None and _share(chosen.capture, rules) > 0):
        return
    keeps, remedy = (
        ("this environment keeps none", "set capture=CaptureRules(...) in infra/settings.py and deploy it")
        if rules is None
        else (
            "the share that this one keeps is 0",
            "set deploy.capture.share; an environment's share is that of its CaptureRules",
        )
    )
    raise ConfigError(
        [
            f"deploy.compare.most_changed: the run asks for {chosen.compare.most_changed}, which is looked at by "
            f"requests that endpoints kept, but {keeps}. Leave it out, or {remedy}."
        ]
    )


def require_possible(chosen: Capture, rules: CaptureRules | None) -> None:
    """Raise ConfigError where a run asks to keep requests in an environment that keeps none, or names many fields."""
    if rules is None and chosen.share:
        raise ConfigError(
            [
                f"deploy.capture.share: the run asks for {chosen.share}, but this environment keeps no requests. "
                "Leave it out, or set capture=CaptureRules(...) in infra/settings.py and deploy it."
            ]
        )
    size = len(json.dumps(never_kept(chosen, rules or CaptureRules())))
    if size > LONGEST_NAMES:
        raise ConfigError(
            [
                f"deploy.capture.never_kept: expected names of at most {LONGEST_NAMES} characters in all, which "
                f"is what an endpoint can be told, found {size} with those of the environment. Name fewer fields."
            ]
        )


def planned(chosen: Capture, rules: CaptureRules | None, *, bucket: str, recipe: str, model: str) -> CapturePlan | None:
    """What the endpoint of a model keeps, by the settings of its run and its environment; None for nothing.

    A run chooses how many requests are kept, and adds to what is never kept.
    """
    if rules is None:
        return None
    share = _share(chosen, rules)
    if share == 0:
        return None
    return CapturePlan(
        uri=f"s3://{bucket}/{folder(recipe, model)}",
        share=share,
        never_kept=never_kept(chosen, rules),
        seconds=chosen.seconds,
    )


def _share(chosen: Capture, rules: CaptureRules) -> float:
    return rules.share if chosen.share is None else chosen.share


def never_kept(chosen: Capture, rules: CaptureRules) -> tuple[str, ...]:
    """The fields that an endpoint never keeps: those of its environment, and those that a run adds."""
    return tuple(dict.fromkeys((*rules.never_kept, *chosen.never_kept)))


def variables(plan: CapturePlan | None) -> dict[str, str]:
    """What the container of an endpoint is told of it."""
    return {} if plan is None else {VARIABLE: json.dumps(encoded(plan), separators=(",", ":"))}


def folder(recipe: str, model: str = "") -> str:
    """Where the records of a recipe lie, or of one of its models; in the form that the catalogue finds by itself.

    >>> folder("prod2vec", "prod2vec--shop")
    'captured/recipe=prod2vec/model=prod2vec--shop'
    """
    return f"{PREFIX}/recipe={recipe}" + (f"/model={model}" if model else "")


def shadow_of(model: str) -> str:
    """The name under which lies what the shadow of a model was asked and answered, apart from what went out.

    >>> folder("prod2vec", shadow_of("prod2vec--shop"))
    'captured/recipe=prod2vec/model=prod2vec--shop.shadow'
    """
    return f"{model}{SHADOW}"


def partition(moment: datetime) -> str:
    """The folder of an hour, below that of its model.

    >>> partition(datetime(2026, 11, 30, 7, 59))
    'date=2026-11-30/hour=07'
    """
    return f"date={moment:%Y-%m-%d}/hour={moment:%H}"


@lru_cache(maxsize=1024)
def plain(name: str) -> str:
    """A field's name as names are compared here: `E-Mail`, `e_mail` and `email` are one, and so is each way to write é.

    >>> plain("E-Mail")
    'email'
    """
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", name)).casefold()


def without(value: Any, never_kept: frozenset[str]) -> Any:
    """A value of JSON without the fields of some names (as `plain` has them), however deep they are."""
    if isinstance(value, dict):
        return {
            name: without(each, never_kept) if isinstance(each, NESTED) else each
            for name, each in value.items()
            if plain(name) not in never_kept
        }
    return [without(each, never_kept) for each in value] if isinstance(value, list | tuple) else value
