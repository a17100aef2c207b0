"""`trainyard sample`: writes realistic input files of a recipe; runs on a laptop."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from trainyard.cli.command import terminal
from trainyard.cli.command.options import DEFAULT_SIZE, RecipeArgument, SeedOption, SizeOption
from trainyard.cli.dataset import samples
from trainyard.pages import formats


def sample(
    recipe_name: RecipeArgument,
    out: Annotated[Path, typer.Option("--out", help="New or empty folder for the files.")],
    *,
    size: SizeOption = DEFAULT_SIZE,
    seed: SeedOption = 42,
) -> None:
    """Write realistic input files of any size for a recipe.

    Example: `trainyard sample prod2vec --size 100k --out data`
    """
    for path in samples.make(recipe_name, out, size=samples.size_of(size), seed=seed):
        terminal.out().print(Text(f"{path}  {formats.size(path.stat().st_size)}"), soft_wrap=True)
