"""`trainyard check-recipe`: says in sentences what a recipe lacks of the contract; runs on a laptop."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from trainyard.cli.command import terminal
from trainyard.cli.command.options import JsonOption, RecipeArgument, SetOption
from trainyard.cli.dataset.samples import size_of
from trainyard.cli.dataset.settings import assigned

SIZE = "2000"
FAILED = 1


def check_recipe(
    recipe_name: RecipeArgument,
    size: Annotated[str, typer.Option("--size", help="Lines of the sample that it is run on.")] = SIZE,
    *,
    settings: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what a recipe lacks to keep the contract: its files first, then a run of its own sample to scores.

    Settings that make training short make the check short. Ends with 0 for a recipe that keeps the contract.

    Examples:

    * `trainyard check-recipe churn`

    * `trainyard check-recipe prod2vec --size 5000 --set hyperparameters.epochs=1`
    """
    from trainyard.client.recipe.check_recipe import check_recipe as checked

    def tell(what: str) -> None:
        if not as_json:
            terminal.err().print(Text(f"… {what}", style="dim"), soft_wrap=True)

    problems = checked(recipe_name, size=size_of(size), settings=assigned({}, settings or []), tell=tell)
    if as_json:
        terminal.print_json({"ok": not problems, "problems": list(problems)})
    else:
        for each in problems:
            terminal.out().print(Text(f"✗ {each}", style="red"), soft_wrap=True)
        if not problems:
            terminal.out().print(Text(f"● {recipe_name} keeps the contract.", style="green"), soft_wrap=True)
    raise typer.Exit(FAILED if problems else 0)
