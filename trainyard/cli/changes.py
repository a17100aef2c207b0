"""Turns `--set key=value`, `--tune` and a `run.json` into one checked set of changes to a recipe; runs on a laptop."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from trainyard import recipe, resolve
from trainyard.errors import ConfigError

SIZE_UNITS = {"k": 1_000, "m": 1_000_000, "g": 1_000_000_000}


def gather(recipe_name: str, directory: Path | None, assignments: Sequence[str], *, tune: bool) -> dict[str, Any]:
    """The changes that a run asks for: `run.json` of the data directory, then `--tune`, then `--set`.

    Raises ConfigError or BadRequest with the sentences that the deployed workflow would refuse them with.
    """
    file = directory / resolve.OVERRIDES_FILE if directory is not None else None
    changes = resolve.parse_overrides(file.read_bytes(), str(file)) if file is not None and file.is_file() else {}
    if tune:
        changes["tune"] = True
    for assignment in assignments:
        _assign(changes, assignment)
    recipe.config(recipe_name, changes)
    return changes


def _assign(changes: dict[str, Any], assignment: str) -> None:
    path, equals, text = assignment.partition("=")
    names = path.split(".")
    if not equals or not all(names):
        raise ConfigError([f"Expected --set key=value, found {assignment!r}; for example hyperparameters.epochs=5."])
    place = changes
    for name in names[:-1]:
        inner = place.setdefault(name, {})
        if not isinstance(inner, dict):
            raise ConfigError([f"--set {assignment}: {name} was already given a value; set one or the other."])
        place = inner
    if isinstance(place.get(names[-1]), Mapping):
        raise ConfigError([f"--set {assignment}: parts of {path} were already set; set one or the other."])
    place[names[-1]] = value_of(text)


def value_of(text: str) -> Any:
    """A value written as JSON (`5`, `0.1`, `true`, `[1, 2]`), or the text itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def size_of(text: str) -> int:
    """A number of lines, written like `5000`, `10k` or `1.5M`; raises ConfigError."""
    unit = SIZE_UNITS.get(text[-1:].lower(), 1)
    digits = text[:-1] if unit > 1 else text
    try:
        lines = float(digits) * unit
    except ValueError:
        lines = 0.0
    if not 1 <= lines < float("inf") or not lines.is_integer():
        raise ConfigError([f"Expected a size such as 5000, 10k or 1M, found {text!r}."])
    return int(lines)
