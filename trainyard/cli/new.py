"""`trainyard new`: writes the folder of a recipe; runs on a laptop."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, cast, get_args

import typer
from rich.text import Text

from trainyard.cli.command import terminal
from trainyard.client import project
from trainyard.contract.tabular.table import Task
from trainyard.errors import BadRequest
from trainyard.run import recipe_packages

FromOption = Annotated[
    Path | None, typer.Option("--from", metavar="FILE", help="A table to learn from: CSV, Parquet, Excel, ...")
]
TargetOption = Annotated[
    str, typer.Option("--target", metavar="COLUMN", help="The column of that table that is to be predicted.")
]
KeyOption = Annotated[
    str,
    typer.Option("--key", metavar="COLUMN", help="The column that rows are held out by; found by its name if none."),
]
PackageOption = Annotated[
    Path | None,
    typer.Option("--package", metavar="FOLDER", help="Write it into the package of this folder, made if need be."),
]
TaskOption = Annotated[
    str, typer.Option("--task", metavar="TASK", help="classification or regression; by the target if none.")
]


def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the new recipe, such as late_deliveries.")],
    table: FromOption = None,
    *,
    target: TargetOption = "",
    key: KeyOption = "",
    task: TaskOption = "",
    package: PackageOption = None,
) -> None:
    """Write a recipe: one that learns a column of a table, with a model that works, or an empty one to fill in.

    Of a table it finds the key, the kinds of the columns and those that nothing can be learned from, and says which. A
    recipe in a package of its own (--package) needs no clone of trainyard: installed, it is found by its entry point.

    Examples:

    * `trainyard new churn --from customers.csv --target churned`

    * `trainyard new my_recipe`

    * `trainyard new churn --from customers.csv --target churned --package acme-recipes`
    """
    from trainyard.client.recipe.recipe_package import add_recipe

    if table is None and (target or key or task):
        raise BadRequest("Expected --from with a table beside --target, --key and --task, found none.")

    def write(folder: Path) -> list[Path]:
        return _write(name, table, target=target, key=key, task=task, folder=folder)

    written = write(_own_folder()) if package is None else add_recipe(name, package, write=write)
    out = terminal.out()
    for path in written:
        out.print(Text(str(path)), soft_wrap=True)
    install = "" if package is None else f"pip install -e {package}, then "
    out.print(Text(f"Next: {install}trainyard check-recipe {name}", style="bold"), soft_wrap=True)


def _own_folder() -> Path:
    if not project.is_checkout():
        raise BadRequest(
            "Expected --package with a folder, found none; only a clone of trainyard has a place for recipes."
        )
    return recipe_packages.own_folder()


def _write(name: str, table: Path | None, *, target: str, key: str, task: str, folder: Path) -> list[Path]:
    # Here, for it loads DuckDB.
    from trainyard.client.recipe import new_recipe
    from trainyard.client.recipe.columns import understand
    from trainyard.client.recipe.profile import profile

    if table is None:
        return new_recipe.new_empty(name, folder=folder)
    if not target:
        raise BadRequest("Expected --target with the column that is to be predicted, found none.")
    if task and task not in get_args(Task):
        raise BadRequest(f"Expected {' or '.join(get_args(Task))} after --task, found {task!r:.60}.")
    found = understand(profile(table), target=target, key=key, task=cast(Task, task) if task else None)
    out = terminal.out()
    held_out = f"by {found.key_name}" if found.key else "by their place in the file, for there is no key"
    out.print(
        Text(f"{found.table.rows:,} rows, a {found.task} of {found.target.name}, held out {held_out}."), soft_wrap=True
    )
    for each in found.left_out:
        out.print(Text(f"{each.name} is left out: it {each.reason}.", style="yellow"), soft_wrap=True)
    return new_recipe.new_tabular(name, found, folder=folder)
