"""What docs/recipes.md asks of a recipe's folder, as rules that give a sentence for each breach; runs on a laptop."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from trainyard.contract.config import RecipeConfig, to_mapping
from trainyard.contract.sources import Source
from trainyard.errors import TrainyardError
from trainyard.run import recipe, recipe_packages

SAMPLE = "sample"
# By module, what it exports; what is a function has the parameters named after it.
EXPORTS: Mapping[str, Mapping[str, str]] = {
    "config": {"CONFIG": "", "SCORES": "", "sources": "config"},
    "features": {},
    "prepare": {"check": "tables config", "prepare": "tables config"},
    "process": {"process": "inputs outputs config"},
    "model": {},
    "train": {"train": "channels model_dir checkpoints config"},
    "inference": {},
    "metrics": {},
    "evaluate": {"evaluate": "model_dir holdout config", "references": "channels holdout config"},
    "report": {"report": "inputs outputs config"},
    "serve": {"load": "model_dir"},
    "score": {"count": "tables config", "score": "model_dir tables config"},
    SAMPLE: {"write": "directory size seed"},
}
# On a laptop the others run without the training image.
IN_THE_TRAINING_IMAGE = ("model", "train")
FRAMEWORKS = frozenset({"tensorflow", "keras", "torch", "jax"})
OWN_FILES = ("__init__.py", "README.md")
# Prints the top-level names that a fresh interpreter loads for some modules; recipes may lie in several folders.
LOADED = """
import importlib, json, sys
before = set(sys.modules)
import {package}
{package}.__path__[:] = json.loads(sys.argv[1])
for name in sys.argv[2:]: importlib.import_module(name)
print(json.dumps(sorted({{each.partition(".")[0] for each in set(sys.modules) - before}})))
"""

Rule = Callable[[str], Iterator[str]]


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """What importing some modules loads, by top-level names, or why they cannot be imported."""

    names: frozenset[str] = frozenset()
    problem: str = ""


def files_are_there(name: str) -> Iterator[str]:
    """Every module is in the folder, or in the package that the recipe builds on."""
    folder = recipe_packages.folder(name)
    for file in OWN_FILES:
        if not (folder / file).is_file():
            yield f"{file}: expected it in {folder}, found none; add it."
    if not recipe.has(name, "config"):
        yield f"config.py: expected it in {folder}, found none; it says what a run can be told."
        return
    for module in EXPORTS:
        if not _is_there(recipe.module_name(name, module)):
            yield f"{module}.py: expected it in {folder}, found none; add it (docs/recipes.md says what it exports)."


def modules_export_what_stages_call(name: str) -> Iterator[str]:
    """Every module has a docstring and the functions that stages call, with their parameters."""
    for module, exports in EXPORTS.items():
        found = recipe.module(name, module)
        if not found.__doc__:
            yield f"{module}.py: expected a first sentence that says what it does and where it runs, found none."
        for export, parameters in exports.items():
            if not hasattr(found, export):
                yield f"{module}.py: expected {export}, found none; add it (docs/recipes.md says what it is for)."
            elif parameters:
                yield from _parameters(module, getattr(found, export), expected=parameters.split())


def _parameters(module: str, function: Callable[..., object], *, expected: list[str]) -> Iterator[str]:
    found = list(inspect.signature(function).parameters)
    if found != expected:
        yield (
            f"{module}.py: expected {function.__name__}({', '.join(expected)}), "
            f"found {function.__name__}({', '.join(found)}); the stages call it by these names."
        )


def configuration_needs_the_standard_library_only(name: str) -> Iterator[str]:
    """`config.py` is read in Lambda functions too, where nothing is installed."""
    loaded = loaded_by(recipe.module_name(name, "config"))
    if loaded.problem:
        yield f"config.py: expected to import it alone, found {loaded.problem}."
    if foreign := sorted(
        loaded.names - set(sys.stdlib_module_names) - {recipe_packages.PACKAGE, _top(name), "trainyard"}
    ):
        yield f"config.py: expected the standard library only, found {', '.join(foreign)}; move what needs them."


def only_training_loads_a_framework(name: str) -> Iterator[str]:
    """Serving starts in seconds, and other images have no TensorFlow: nothing but training reaches it."""
    modules = [each for each in EXPORTS if each not in IN_THE_TRAINING_IMAGE]
    loaded = loaded_by(*(recipe.module_name(name, each) for each in modules))
    if loaded.problem:
        yield f"expected to import {', '.join(modules)} on this machine, found {loaded.problem}."
    if found := sorted(loaded.names & FRAMEWORKS):
        yield (
            f"expected no framework outside {' and '.join(f'{each}.py' for each in IN_THE_TRAINING_IMAGE)}, found "
            f"{', '.join(found)}; keep weights as numpy arrays and load them in inference.py."
        )


def configuration_is_sound(name: str) -> Iterator[str]:
    """It survives being written down, names tables that can be read, and searches settings that there are."""
    try:
        config = recipe.config(name)
    except TrainyardError as error:
        yield f"config.py: {error}"
        return
    if not isinstance(config, RecipeConfig):
        yield f"config.py: expected CONFIG to be a RecipeConfig, found {type(config).__name__}."
        return
    yield from _written(name, config)
    yield from _sources(name, config)
    unknown = sorted(set(config.tuning.ranges) - set(to_mapping(config.hyperparameters)))
    if unknown:
        yield f"config.py: expected ranges of hyperparameters, found {', '.join(unknown)} that are none."
    if "validation" not in config.tuning.objective:
        yield (
            f"config.py: expected the objective of the search to be a validation metric, found "
            f"{config.tuning.objective}; the holdout takes no part in a choice."
        )


def _written(name: str, config: RecipeConfig) -> Iterator[str]:
    try:
        again = recipe.config(name, json.loads(json.dumps(to_mapping(config))))
    except (TrainyardError, TypeError, ValueError) as error:
        yield f"config.py: expected settings that JSON can hold and that are within their bounds: {error}"
        return
    if again != config:
        yield "config.py: expected the same configuration after it went through JSON, found another one."


def _sources(name: str, config: RecipeConfig) -> Iterator[str]:
    found = recipe.sources(name, config)
    if not found:
        yield "config.py: expected a table in sources(config), found none."
    for each in found:
        if not isinstance(each, Source):
            yield f"config.py: expected a Source in sources(config), found {type(each).__name__}."
        elif unknown := sorted(set(each.unique) - {column.name for column in each.columns}):
            yield f"config.py: expected `unique` of {each.name} to name its columns, found {', '.join(unknown)}."


def truth_is_about_scores(name: str) -> Iterator[str]:
    """What labels are set beside has to be among the columns of scores, and a module has to judge it."""
    truth = recipe.truth(name)
    if truth is None:
        return
    columns = {each.name for each in recipe.score_columns(name)}
    if unknown := sorted({*truth.predicted, *filter(None, [truth.key])} - columns):
        yield f"config.py: expected columns of SCORES in TRUTH, found {', '.join(unknown)} that are none."
    if not _is_there(recipe.module_name(name, "truth")):
        yield "truth.py: expected it beside TRUTH in config.py, found none; its `judge` says what labels tell."
    else:
        yield from _parameters("truth", recipe.module(name, "truth").judge, expected=["joined", "config"])


# In this order, for the later ones import what the first found.
RULES: tuple[Rule, ...] = (
    files_are_there,
    modules_export_what_stages_call,
    configuration_needs_the_standard_library_only,
    only_training_loads_a_framework,
    configuration_is_sound,
    truth_is_about_scores,
)


def loaded_by(*modules: str) -> Loaded:
    """What a fresh interpreter loads for these modules."""
    package = importlib.import_module(recipe_packages.PACKAGE)
    code = LOADED.format(package=recipe_packages.PACKAGE)
    command = [sys.executable, "-W", "ignore", "-c", code, json.dumps(list(package.__path__)), *modules]
    # Where this interpreter finds modules, the other one does too.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(each for each in sys.path if each)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        return Loaded(problem=(done.stderr.strip().splitlines() or ["no reason"])[-1])
    return Loaded(names=frozenset(json.loads(done.stdout.splitlines()[-1])))


def _top(name: str) -> str:
    """The outermost package of a recipe, which is loaded before it."""
    return recipe_packages.package(name).partition(".")[0]


def _is_there(module: str) -> bool:
    return importlib.util.find_spec(module) is not None
