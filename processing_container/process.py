"""Processing job: turns the prepared tables into the training examples of the recipe."""

from __future__ import annotations

import json

from trainyard import container, recipe
from trainyard.run import Run

FOLDERS = ("train", "validation", "holdout", "features")


def main() -> None:
    """Write the four folders of examples and `figures.json`."""
    run = Run.read(container.processing_input("resolve"))
    config = recipe.config(run.recipe, run.config)
    output = container.processing_output("process")
    for folder in FOLDERS:
        (output / folder).mkdir(exist_ok=True)
    figures = recipe.module(run.recipe, "process").process(container.processing_input("prepare"), output, config)
    (output / "figures.json").write_text(json.dumps(figures, indent=2), encoding="utf-8")
    print(", ".join(f"{name} {value:g}" for name, value in figures.items()), flush=True)
