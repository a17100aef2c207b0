"""Stage process: turns prepared tables into the training examples of a recipe; runs in the processing image."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from trainyard.run import recipe
from trainyard.run.run import Run
from trainyard.run.settings.read import noting

FOLDERS = ("train", "validation", "holdout", "features")
FIGURES_FILE = "figures.json"


def process(run: Run, prepared: Path, *, output: Path) -> Mapping[str, float]:
    """Write the four folders of examples and `figures.json` to `output`; returns the figures."""
    config, noted = noting(recipe.config(run.recipe, run.config))
    for folder in FOLDERS:
        (output / folder).mkdir(exist_ok=True)
    figures: Mapping[str, float] = recipe.module(run.recipe, "process").process(prepared, output, config=config)
    noted.document.write(output)
    (output / FIGURES_FILE).write_text(json.dumps(figures, indent=2), encoding="utf-8")
    return figures
