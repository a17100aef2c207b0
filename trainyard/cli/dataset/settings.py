"""Turns `--set key=value`, `--tune` and a `run.json` into checked settings of a recipe; runs on a laptop."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from trainyard.client.dataset.submission import checked
from trainyard.errors import ConfigError
from trainyard.run.folders import OVERRIDES_FILE
from trainyard.run.run import Task
from trainyard.stages.resolve.strict_json import DEEPEST, depth
from trainyard.stages.resolve.uploads import parse_overrides


def gather(
    recipe_name: str,
    directory: Path | None,
    *,
    assignments: Sequence[str],
    tune: bool = False,
    model: str = "",
    task: Task = "train",
) -> dict[str, Any]:
    """The settings that a person changes: `run.json` of the data directory, then `--tune` and `--model`, then `--set`.

    Raises ConfigError or BadRequest with the sentences that the deployed workflow would refuse them with.
    """
    file = directory / OVERRIDES_FILE if directory is not None else None
    settings = parse_overrides(file.read_bytes(), str(file)) if file is not None and file.exists() else {}
    if tune:
        settings["tune"] = True
    if model:
        settings["model"] = model
    checked(recipe_name, assigned(settings, assignments), task=task)
    return settings


def assigned(settings: dict[str, Any], assignments: Sequence[str]) -> dict[str, Any]:
    """The settings, with each `--set key=value` laid over them. Raises ConfigError for what is no such text."""
    for assignment in assignments:
        _assign(settings, assignment)
    return settings


def _assign(settings: dict[str, Any], assignment: str) -> None:
    path, equals, text = assignment.partition("=")
    names = path.split(".")
    if not equals or not all(names):
        raise ConfigError([f"Expected --set key=value, found {assignment!r}; for example hyperparameters.epochs=5."])
    parent = settings
    for name in names[:-1]:
        inner = parent.setdefault(name, {})
        if not isinstance(inner, dict):
            raise ConfigError([f"--set {assignment}: {name} was already given a value; set one or the other."])
        parent = inner
    if isinstance(parent.get(names[-1]), Mapping):
        raise ConfigError([f"--set {assignment}: parts of {path} were already set; set one or the other."])
    # The parser goes as deep as the stack of this process happens to let it.
    if depth(text) > DEEPEST:
        raise ConfigError([f"--set {path}: expected JSON of at most {DEEPEST} levels, found {len(text)} characters."])
    parent[names[-1]] = value_of(text)


def value_of(text: str) -> Any:
    """A value written as JSON (`5`, `0.1`, `true`, `[1, 2]`), or the text itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text
