"""Loads the module of a command once that command is called, and of no other: people wait for each; on a laptop."""

from __future__ import annotations

import importlib
import keyword
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, cast

from typer.core import TyperCommand, TyperGroup
from typer.main import get_command_from_info
from typer.models import CommandInfo

FOLDER = Path(__file__).parents[1]
MARKUP: Final = "markdown"


def function_name(command: str) -> str:
    """How the function of a command and its module are called: `check_recipe` for `check-recipe`, `try_` for `try`."""
    name = command.replace("-", "_")
    return f"{name}_" if keyword.iskeyword(name) else name


def function(command: str) -> Callable[..., None]:
    """The function that a command calls; its module is loaded."""
    name = function_name(command)
    found: Callable[..., None] = getattr(importlib.import_module(f"trainyard.cli.{name}"), name)
    return found


def summary(command: str) -> str:
    """The first paragraph of what a command says of itself, read from its source: loading it takes a hundred times as
    long.
    """
    name = function_name(command)
    source = (FOLDER / f"{name}.py").read_text(encoding="utf-8")
    docstring = source.partition(f"\ndef {name}(")[2].partition('"""')[2].partition('"""')[0]
    return " ".join(docstring.partition("\n\n")[0].split())


class OnDemandCommand(TyperCommand):
    """Stands for a command in the list of all; what is asked of it beyond that is asked of the command itself."""

    def __init__(self, name: str, *, panel: str) -> None:
        super().__init__(name, help=summary(name), rich_help_panel=panel)
        self.command = name

    def loaded(self) -> TyperCommand:
        """The command itself, with its options."""
        info = CommandInfo(name=self.command, callback=function(self.command), rich_help_panel=self.rich_help_panel)
        made = get_command_from_info(info, pretty_exceptions_short=True, rich_markup_mode=MARKUP)
        return cast(TyperCommand, made)

    def make_context(self, *given: Any, **named: Any) -> Any:
        """The context of a call: that of the command itself."""
        return self.loaded().make_context(*given, **named)


class OnDemandCommands(Mapping[str, OnDemandCommand]):
    """The commands by their names, of panels with names: each stands for one that is not loaded yet."""

    def __init__(self, panels: Mapping[str, tuple[str, ...]]) -> None:
        self._panels = {name: panel for panel, names in panels.items() for name in names}

    def __getitem__(self, name: str) -> OnDemandCommand:
        return OnDemandCommand(name, panel=self._panels[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._panels)

    def __len__(self) -> int:
        return len(self._panels)


class OnDemandGroup(TyperGroup):
    """The program with all its commands; a subclass names them in `panels`."""

    panels: Mapping[str, tuple[str, ...]]

    def __init__(self, **given: Any) -> None:
        super().__init__(**{**given, "commands": OnDemandCommands(self.panels)})

    def list_commands(self, _context: Any) -> list[str]:
        """The names, in the order of their panels."""
        return list(self.commands)
