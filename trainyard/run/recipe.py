"""Loads the modules of recipes by their names, wherever their packages are; the only place that does."""

from __future__ import annotations

import functools
import importlib
import importlib.util
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from trainyard.contract.captured import Captured
from trainyard.contract.config import RecipeConfig, Schedule, ScoreColumn, Share
from trainyard.contract.meaning import Meanings
from trainyard.contract.sources import Source
from trainyard.contract.truth import TABLE, Truth
from trainyard.errors import BadRequest, ConfigError
from trainyard.run import recipe_packages
from trainyard.run.recipe_packages import configuration, loaded, package
from trainyard.run.settings.overrides import override
from trainyard.run.settings.suggestion import did_you_mean


def names() -> tuple[str, ...]:
    """The recipes there are, sorted."""
    return recipe_packages.names()


def unknown(recipe: str) -> str:
    """What is said of a recipe that does not exist."""
    return f"Expected one of the recipes {', '.join(names())}; found {recipe!r:.60}.{did_you_mean(recipe, names())}"


def module(recipe: str, name: str) -> ModuleType:
    """Module `name` of a recipe, imported only now so that a stage loads nothing it does not run."""
    where = module_name(recipe, name)
    return configuration(recipe) if name == "config" else loaded(recipe, where)


def module_name(recipe: str, name: str) -> str:
    """Where module `name` of a recipe is: in its own folder, else in the package that its configuration builds on.

    Raises BadRequest for a recipe that there is not, and where that of a package from outside cannot be loaded.
    """
    if recipe not in names():
        raise BadRequest(unknown(recipe))
    own = f"{package(recipe)}.{name}"
    if name == "config" or has(recipe, name):
        return own
    shared: str = module(recipe, "config").CONFIG.base
    return f"{shared}.{name}" if shared else own


def has(recipe: str, name: str) -> bool:
    """Whether a recipe's own package has a module, such as the optional `ingest` and `register`."""
    # One that cannot be imported is named.
    recipe_packages.folder(recipe)
    return importlib.util.find_spec(f"{package(recipe)}.{name}") is not None


def meanings(recipe: str) -> Meanings:
    """What the recipe's metrics mean to a reader; of one that does not say it, nothing."""
    name = module_name(recipe, "meanings")
    found: Meanings = importlib.import_module(name).MEANINGS if importlib.util.find_spec(name) else {}
    return found


def config(recipe: str, *changes: Mapping[str, Any]) -> RecipeConfig:
    """The recipe's configuration with `changes` laid over it, one after the other; raises ConfigError."""
    default: RecipeConfig = module(recipe, "config").CONFIG
    changed = functools.reduce(override, changes, default)
    if problems := list(_unknown_tables(recipe, changed)):
        raise ConfigError(problems)
    return changed


def _unknown_tables(recipe: str, changed: RecipeConfig) -> Iterator[str]:
    """What is wrong with settings about files of tables or columns that the recipe does not read."""
    tables = {each.name: each for each in sources(recipe, changed)} if changed.files else {}
    if changed.files and (told := truth(recipe)):
        tables[TABLE] = told.source
    for name, said in changed.files.items():
        if name not in tables:
            yield f"files.{name}: unknown table; known here are {', '.join(tables) or 'none, for a database is read'}."
            continue
        columns = [each.name for each in tables[name].columns]
        for unknown in sorted(set(said.columns) - set(columns)):
            yield f"files.{name}.columns.{unknown}: unknown column; known here are {', '.join(columns)}."


def sources(recipe: str, recipe_config: RecipeConfig) -> tuple[Source, ...]:
    """The tables the recipe reads under this configuration."""
    tables: tuple[Source, ...] = module(recipe, "config").sources(recipe_config)
    return tables


def truth(recipe: str) -> Truth | None:
    """What predictions of the recipe can be judged by later: `TRUTH` in its `config.py`; None for one without."""
    told: Truth | None = getattr(module(recipe, "config"), "TRUTH", None)
    return told


def tables_read(recipe: str, recipe_config: RecipeConfig, *, task: str) -> tuple[Source, ...]:
    """The tables that a run of this task reads: those of the recipe, or what became true. Raises BadRequest."""
    if task != "verify":
        return sources(recipe, recipe_config)
    told = truth(recipe)
    if told is None:
        raise BadRequest(
            f"Expected truth for a recipe whose predictions can be judged by it, found {recipe}: what it says is not "
            "known to be right or wrong later. Upload nothing for it here."
        )
    return (told.source,)


def schedule(recipe: str) -> Schedule | None:
    """When the recipe is started by the clock, if at all: `SCHEDULE` in its `config.py`."""
    wanted: Schedule | None = getattr(module(recipe, "config"), "SCHEDULE", None)
    return wanted


def score_columns(recipe: str) -> tuple[ScoreColumn, ...]:
    """The columns of the table that bulk scoring with the recipe writes."""
    columns: tuple[ScoreColumn, ...] = module(recipe, "config").SCORES
    return columns


def shares(recipe: str) -> tuple[Share, ...]:
    """What is watched as a share of all rows together; most recipes have none."""
    found: tuple[Share, ...] = getattr(module(recipe, "config"), "SHARES", ())
    return found


def captured(recipe: str, model_dir: Path, *, config: RecipeConfig) -> Captured:
    """What a recipe says of requests that an endpoint kept; without `captured.py`, fields go by their names."""
    name = module_name(recipe, "captured")
    if not importlib.util.find_spec(name):
        return Captured()
    found: Captured = importlib.import_module(name).load(model_dir, config=config)
    return found


def seen(recipe: str, model_dir: Path) -> Mapping[str, Mapping[str, float] | float]:
    """What a model learned from, per score column; empty where the recipe's `score.py` has no `seen` that says it."""
    score = module(recipe, "score")
    told: Mapping[str, Mapping[str, float] | float] = score.seen(model_dir) if hasattr(score, "seen") else {}
    return told
