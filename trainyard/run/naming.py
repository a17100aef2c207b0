"""What the models of a recipe and their endpoints are called, everywhere."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime

from trainyard.contract.config import MODEL_NAME, MODEL_RULE, RecipeConfig
from trainyard.errors import BadRequest

# Stands before the name that people gave a model; no recipe and no variant has two dashes in a row.
NAMED = "--"
# SageMaker's names have 63 characters: 20 of them for the environment's prefix, 9 for the hash of a configuration.
LONGEST = 63 - 20 - 9
HASH = 8
# The alias of the state machine that uploads, schedules and people start: it stands for the version deployed last.
LIVE = "live"
# How the id of a run begins.
RUN_TIME = "%Y%m%d-%H%M%S"
# What the alarms of an endpoint are about.
ALARMS = ("errors", "latency")


def run_prefix(recipe: str, run_id: str) -> str:
    """The folder of a run in the artifacts bucket, without a slash at its end."""
    return f"{recipe}/{run_id}"


def began(run_id: str) -> datetime:
    """When a run began, which its id says, in UTC. Raises ValueError for an id that does not.

    >>> began("20261130-075900-1a2b3c4d").isoformat()
    '2026-11-30T07:59:00+00:00'
    """
    return datetime.strptime("-".join(run_id.split("-")[:2]), RUN_TIME).replace(tzinfo=UTC)


def model_name(recipe: str, *, variant: str = "", model: str = "") -> str:
    """What champion pointer, endpoint and scores are named after.

    The recipe; its variant where it trains several models; and the name that people gave one of several of their own.

    >>> model_name("two_tower"), model_name("propensity", variant="product-3", model="shop-north")
    ('two_tower', 'propensity-product-3--shop-north')
    """
    return (f"{recipe}-{variant}" if variant else recipe) + (f"{NAMED}{model}" if model else "")


def model_of(recipe: str, config: RecipeConfig) -> str:
    """The name (`model_name`) of the model that a run of a recipe with a configuration is about."""
    return model_name(recipe, variant=config.variant, model=config.model)


@dataclass(frozen=True, kw_only=True)
class ModelParts:
    """What the name of a model (`model_name`) says: its recipe, and a variant and a name of its own where it has them.

    >>> ModelParts.of("propensity-product-3--shop-north")
    ModelParts(recipe='propensity', variant='product-3', model='shop-north')
    """

    recipe: str
    variant: str
    model: str

    @classmethod
    def of(cls, name: str) -> ModelParts:
        start, _, model = name.partition(NAMED)
        recipe, _, variant = start.partition("-")
        return cls(recipe=recipe, variant=variant, model=model)


def execution_mark(arn: str) -> str:
    """How the ids of the runs of an execution end: eight hex digits."""
    return hashlib.sha256(arn.encode()).hexdigest()[:HASH]


def checked_model(name: str) -> str:
    """The name of a model as a person gave it, empty for the recipe's own. Raises BadRequest for what is no name."""
    if name and not MODEL_NAME.fullmatch(name):
        raise BadRequest(f"Expected a model's name of {MODEL_RULE}; found {name!r:.60}. Choose another name.")
    return name


def short_name(model: str) -> str:
    """A model's name (`model_name`) as a part of names in SageMaker: without underscores, and never too long.

    >>> short_name("two_tower")
    'two-tower'
    """
    written = model.replace("_", "-")
    if len(written) <= LONGEST:
        return written
    start = written[: LONGEST - HASH - 1].rstrip("-")
    return f"{start}-{hashlib.sha256(model.encode()).hexdigest()[:HASH]}"


def endpoint_name(prefix: str, model: str) -> str:
    """The endpoint of a model (`model_name`) in the environment whose names begin with `prefix`, as in the machine.

    >>> endpoint_name("trainyard-dev", "two_tower")
    'trainyard-dev-two-tower'
    """
    return f"{prefix}-{short_name(model)}"


def alarm_names(endpoint: str) -> list[str]:
    """The alarms that are watched while an endpoint gets a new version step by step, as in the machine.

    >>> alarm_names("trainyard-dev-two-tower")
    ['trainyard-dev-two-tower-errors', 'trainyard-dev-two-tower-latency']
    """
    return [f"{endpoint}-{each}" for each in ALARMS]


def group_name(prefix: str, recipe: str, *, model: str = "") -> str:
    """The group of a model's versions in the registry; the variants of a recipe share one."""
    return endpoint_name(prefix, model_name(recipe, model=model))
