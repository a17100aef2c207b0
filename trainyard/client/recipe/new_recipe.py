"""Writes the folder of a new recipe: one that learns from a given table, or an empty one; runs on a laptop."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainyard.client.recipe.columns import Understood
from trainyard.errors import BadRequest
from trainyard.run import recipe_packages

if TYPE_CHECKING:
    from jinja2 import Environment

TABULAR, EMPTY = "tabular", "empty"
SUFFIX = ".jinja"
# Of a name in a sentence.
LONGEST_WORDS = 40


def new_tabular(name: str, understood: Understood, *, folder: Path) -> list[Path]:
    """Write a recipe that learns from a table; returns its files. Raises BadRequest for a name that cannot be one."""
    values = {"name": name, "title": _title(name), "found": understood, "columns": _columns(understood)}
    return _write(name, TABULAR, folder=folder, values=values)


def new_empty(name: str, *, folder: Path) -> list[Path]:
    """Write every file of the contract with the functions that stages call, each to be filled in; returns the files."""
    return _write(name, EMPTY, folder=folder, values={"name": name, "title": _title(name)})


def _write(name: str, kind: str, *, folder: Path, values: Mapping[str, Any]) -> list[Path]:
    target = folder / name
    _require_free(name, target)
    partial = folder / f".{name}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    for file, text in rendered(kind, values).items():
        (partial / file).write_text(text, encoding="utf-8")
    partial.rename(target)
    return sorted(target.iterdir())


def rendered(kind: str, values: Mapping[str, Any]) -> dict[str, str]:
    """The files of a folder of templates, by name."""
    names = _templates().list_templates(filter_func=lambda each: each.startswith(f"{kind}/"))
    return {
        each.removeprefix(f"{kind}/").removesuffix(SUFFIX): _templates().get_template(each).render(values)
        for each in names
    }


def _require_free(name: str, target: Path) -> None:
    if not recipe_packages.is_name(name):
        raise BadRequest(f"Expected a recipe's name of {recipe_packages.NAME_RULE}; found {name!r:.60}.")
    if name in recipe_packages.names() or target.exists():
        raise BadRequest(f"Expected the name of a recipe that there is not yet, found {name}; choose another name.")


def _title(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _columns(understood: Understood) -> list[str]:
    """The key, what is learned from, and the target, as lines of Python."""
    key, target = understood.key, understood.target
    first = f'Column(name="{understood.key_name}", type="int64", required=False, place=True)'
    lines = [f'Column(name={_quoted(key.name)}, type="id")' if key else first]
    for each in understood.features:
        nullable = ", nullable=True" if each.missing else ""
        lines.append(f'Column(name={_quoted(each.name)}, type="{each.type}"{nullable})')
    # Files that are only to be scored have none.
    lines.append(f'Column(name={_quoted(target.name)}, type="{target.type}", nullable=True, required=False)')
    return lines


def _quoted(text: str) -> str:
    """A literal of Python as the formatter writes it."""
    plain = repr(text)
    return f'"{plain[1:-1]}"' if plain.startswith("'") and '"' not in plain else plain


def _words(text: str) -> str:
    """A name of people's as it may stand in a sentence of a docstring or a Markdown table."""
    return re.sub(r"[^\w .-]", " ", text)[:LONGEST_WORDS]


@cache
def _templates() -> Environment:
    # Only commands that write files need it.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        # They make Python and Markdown; there is nothing to escape but what `quoted` does.
        autoescape=False,  # noqa: S701
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters["quoted"] = _quoted
    made.filters["words"] = _words
    return made
