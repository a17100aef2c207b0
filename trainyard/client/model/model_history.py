"""Reads every registered version of the models in use, with what each one's run found; runs on a laptop."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

from trainyard.client.deployment import Deployment
from trainyard.client.model import models
from trainyard.client.model.models import InUse
from trainyard.client.run import artifacts
from trainyard.run.documents import Comparison, Metric
from trainyard.run.naming import ModelParts
from trainyard.run.registry import Version
from trainyard.run.stage import Stage

READ_AT_ONCE = 8


@dataclass(frozen=True, kw_only=True)
class MeasuredVersion:
    """A version, the primary metric of its model on held-out data, and the names under which it is in use, if any."""

    version: Version
    metric: str = ""
    value: Metric | None = None
    in_use: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class ModelHistory:
    """The versions of one group of the registry, the newest first: of a recipe, its variants, or one named model."""

    recipe: str
    model: str
    in_use: Sequence[InUse]
    versions: Sequence[MeasuredVersion]


def histories(deployment: Deployment, recipe: str | None = None, *, limit: int) -> list[ModelHistory]:
    """Each group with a model in use, with at most `limit` of its versions."""
    found = [each for each in models.in_use(deployment) if recipe in (None, each.recipe)]
    groups = dict.fromkeys((each.recipe, ModelParts.of(each.name).model) for each in found)
    return [
        _history(
            deployment,
            [each for each in found if (each.recipe, ModelParts.of(each.name).model) == (recipe_name, model)],
            versions=islice(models.versions(deployment, recipe_name, model=model), limit),
        )
        for recipe_name, model in groups
    ]


def _history(deployment: Deployment, in_use: Sequence[InUse], *, versions: Iterable[Version]) -> ModelHistory:
    recipe, model = in_use[0].recipe, ModelParts.of(in_use[0].name).model
    with ThreadPoolExecutor(READ_AT_ONCE) as pool:
        measured = list(pool.map(lambda each: _measured(deployment, recipe, version=each, in_use=in_use), versions))
    return ModelHistory(recipe=recipe, model=model, in_use=in_use, versions=measured)


def _measured(deployment: Deployment, recipe: str, *, version: Version, in_use: Iterable[InUse]) -> MeasuredVersion:
    found = artifacts.of_run(deployment, recipe, run_id=version.run_id).document(Stage.EVALUATE, Comparison)
    return MeasuredVersion(
        version=version,
        metric=found.primary if found else "",
        value=found.metrics.get(found.primary) if found else None,
        in_use=[each.name for each in in_use if each.run_id == version.run_id],
    )
