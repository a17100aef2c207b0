"""`trainyard check`: says how files would be read, and whether a model could be made of them; runs on a laptop."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from trainyard.cli.command import terminal
from trainyard.cli.command.options import JsonOption, RecipeArgument, SetOption
from trainyard.cli.dataset.settings import gather
from trainyard.cli.execution_view.exit_codes import BAD_DATA, DONE
from trainyard.contract.config import to_mapping
from trainyard.contract.lean.imports import uncollected

if TYPE_CHECKING:
    from trainyard.client.dataset.check import Looked, Preview
    from trainyard.contract.quality import Quality

# Letters of a cell that are shown, and columns that a terminal has room for side by side.
CELL, WIDE = 40, 8


def check(
    recipe_name: RecipeArgument,
    data: Annotated[Path, typer.Option("--data", help="Folder with the files; a run.json in it holds.")],
    *,
    settings: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say how files would be read, without a cloud and without training.

    Shows which file is which table, how it was understood, what is missing, the mapping that would help, and the first
    rows as they would be read; then what the recipe says of them. Ends with 0 for data that a model can be made of, 3
    for others.

    Examples:

    * `trainyard check two_tower --data data`

    * `trainyard check two_tower --data data --set files.ratings.file=plays.tsv`
    """
    with uncollected(), tempfile.TemporaryDirectory(prefix="trainyard-check-") as scratch:
        # Here, for no other command reads files itself, and DuckDB takes its time to load.
        from trainyard.client.dataset import check as files

        changed = gather(recipe_name, data, assignments=settings or [], tune=False)
        looked = files.look(recipe_name, data, settings=changed, scratch=Path(scratch))
        if not as_json:
            _show_files(looked)
        judged = files.judge(recipe_name, looked, scratch=Path(scratch))
    quality = looked.quality + judged
    if as_json:
        found = {"quality": to_mapping(quality), "previews": [to_mapping(each) for each in looked.previews]}
        terminal.print_json({"ok": quality.ok, **found, "cut": looked.cut})
    else:
        for note in judged.notes:
            terminal.out().print(Text(note), soft_wrap=True)
        _show_judgement(judged)
        if quality.ok:
            terminal.out().print(
                Text(f"● {recipe_name} can make a model of these data.", style="green"), soft_wrap=True
            )
    raise typer.Exit(DONE if quality.ok else BAD_DATA)


def _show_files(looked: Looked) -> None:
    """How the files were read and their first rows, before the recipe has judged them: that takes longer."""
    out = terminal.out()
    for name in looked.cut:
        out.print(Text(f"Of {name} only the beginning was looked at.", style="yellow"), soft_wrap=True)
    for note in looked.quality.notes:
        out.print(Text(note), soft_wrap=True)
    for preview in looked.previews:
        out.print(_table(preview, rows=looked.quality.figures.get(f"{preview.table}_rows")))
    _show_judgement(looked.quality)


def _show_judgement(quality: Quality) -> None:
    out = terminal.out()
    for warning in quality.warnings:
        out.print(Text(f"Worth knowing: {warning}", style="yellow"), soft_wrap=True)
    for problem in quality.problems:
        out.print(Text(f"✗ {problem}", style="red"), soft_wrap=True)


def _table(preview: Preview, *, rows: float | None) -> Table:
    """Columns side by side as in the file; a wide table lies on its side, a column a line."""
    counted = "" if rows is None else f", {rows:,.0f} rows"
    table = Table(title=f"{preview.table}{counted}", title_justify="left", box=None, padding=(0, 2, 0, 0))
    cells = [[_cell(each) for each in row] for row in preview.rows]
    if len(preview.columns) <= WIDE:
        for name, kind in preview.columns:
            table.add_column(Text.assemble(name, (f"\n{kind}", "dim")), overflow="fold")
        for row in cells:
            table.add_row(*row)
        return table
    for title in ("column", "type", *(f"row {number}" for number in range(1, len(cells) + 1))):
        table.add_column(Text(title, style="dim"), overflow="fold")
    for place, (name, kind) in enumerate(preview.columns):
        table.add_row(Text(name), Text(kind, style="dim"), *(row[place] for row in cells))
    return table


def _cell(cell: str | None) -> Text:
    return Text("-", style="dim") if cell is None else Text(terminal.one_line(cell, CELL))
