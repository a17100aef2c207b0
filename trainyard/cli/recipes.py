"""`trainyard recipes`: which model families there are, what they read and what can be set; runs on a laptop."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from trainyard.cli.command import terminal
from trainyard.cli.command.options import JsonOption
from trainyard.contract.config import RecipeConfig, settings, to_mapping
from trainyard.contract.sources import Source
from trainyard.errors import TrainyardError
from trainyard.pages import formats
from trainyard.run import recipe
from trainyard.stages.resolve.files import file_name, missing


def recipes(
    name: Annotated[str | None, typer.Argument(metavar="[RECIPE]", help="One recipe, with everything to set.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List the recipes, or one recipe's input files and settings with their defaults.

    Examples:

    * `trainyard recipes`

    * `trainyard recipes prod2vec`
    """
    if name is None:
        _list(as_json=as_json)
    elif as_json:
        config = recipe.config(name)
        sources = [to_mapping(each) for each in recipe.sources(name, config)]
        terminal.print_json({"recipe": name, "config": to_mapping(config), "sources": sources})
    else:
        _show(name)


def _list(*, as_json: bool) -> None:
    found = dict(_loadable())
    if as_json:
        terminal.print_json({name: config.title for name, config in found.items()})
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("Recipe", "What it makes", "Reads"):
        table.add_column(column)
    for name, config in found.items():
        table.add_row(name, config.title, ", ".join(missing((), recipe.sources(name, config))))
    terminal.out().print(table)


def _loadable() -> Iterator[tuple[str, RecipeConfig]]:
    """Every recipe with its configuration; of an installed one that is broken it is said."""
    for name in recipe.names():
        try:
            yield name, recipe.config(name)
        except TrainyardError as error:
            terminal.err().print(Text(str(error), style="red"), soft_wrap=True)


def _show(name: str) -> None:
    config = recipe.config(name)
    out = terminal.out()
    out.print(Text(f"{name}: {config.title}", style="bold"))
    for source in recipe.sources(name, config):
        out.print(_source(source))
    table = Table(title="Settings, for --set and run.json", title_justify="left", box=None, padding=(0, 2, 0, 0))
    for column in ("Setting", "Default", "Meaning"):
        table.add_column(column, overflow="fold")
    for path, value, help_text in settings(config):
        table.add_row(
            path, Text(formats.number(value) if isinstance(value, float) else terminal.one_line(value, 60)), help_text
        )
    out.print()
    out.print(table)


def _source(source: Source) -> Text:
    """A table: how its file may be called, and its columns; one with a question mark may be missing or empty."""
    columns = ", ".join(
        f"{each.name} {each.type}{'?' if each.nullable or not each.required else ''}" for each in source.columns
    )
    need = "" if source.required else " (optional)"
    names = ", ".join([file_name(source), *source.files[1:]])
    return Text.assemble((f"\n{source.name}{need}", "cyan"), f" in {names}, or a file with its columns\n  {columns}")
