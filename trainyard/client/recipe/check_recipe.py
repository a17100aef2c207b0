"""Says in sentences what a recipe lacks of the contract: by its files, then by a run of its sample; on a laptop."""

from __future__ import annotations

import tempfile
import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from trainyard.client.recipe import rules
from trainyard.errors import TrainyardError
from trainyard.run import recipe, recipe_packages
from trainyard.run.settings.overrides import override

Tell = Callable[[str], None]


def check_recipe(name: str, *, size: int, settings: Mapping[str, Any], tell: Tell) -> tuple[str, ...]:
    """What is to be changed, a sentence each; nothing where the recipe keeps the contract.

    Later rules are asked once the earlier ones hold. `tell` is called with what is being looked at.
    """
    for rule in rules.RULES:
        tell(rule.__name__.replace("_", " "))
        if problems := tuple(_asked(name, rule(name))):
            return problems
    with tempfile.TemporaryDirectory(prefix="trainyard-check-recipe-") as root:
        return _of_a_run(name, Path(root), size=size, settings=settings, tell=tell)


def _of_a_run(name: str, root: Path, *, size: int, settings: Mapping[str, Any], tell: Tell) -> tuple[str, ...]:
    # Here, for it loads the engine of the tables.
    from trainyard.client.recipe.sample_run import SampleRun

    config = override(recipe.config(name), settings)
    run = SampleRun(name=name, config=config, root=root, size=size)
    for step in run.steps:
        tell(f"{step.__name__} of {size:,} lines of its sample")
        if problems := tuple(_asked(name, step())):
            return problems
    return ()


def _asked(name: str, problems: Iterator[str]) -> Iterator[str]:
    """The problems of a rule, and what the recipe's code ended with, by its own line."""
    try:
        yield from problems
    except TrainyardError as error:
        yield str(error)
    except Exception as error:
        lines = traceback.extract_tb(error.__traceback__)
        own = [each for each in lines if Path(each.filename).is_relative_to(recipe_packages.folder(name))]
        place = (own or lines)[-1]
        said = f"{type(error).__name__}: {error}".rstrip(": ")
        yield f"{Path(place.filename).name}, line {place.lineno}, in {place.name}: expected it to run, found {said}."
