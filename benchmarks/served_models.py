"""Trains one model per recipe on its generated sample, the short way, for what measures or tests serving."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ibis

from tests.recipes.tables import read_sources
from trainyard.contract.config import RecipeConfig, to_mapping
from trainyard.run import recipe
from trainyard.run.model_archive import ModelCard
from trainyard.stages.ingest import database
from trainyard.stages.train import keep_examples

FOLDERS = ("train", "validation", "holdout", "features")
# Full size where size costs time in serving (products, films, words), few epochs everywhere: values do not matter.
SIZES: Mapping[str, tuple[int, Mapping[str, Any]]] = {
    "prod2vec": (1_000_000, {"epochs": 1}),
    "two_tower": (2_650_000, {"rating_epochs": 1, "retrieval_epochs": 1}),
    "propensity": (200_000, {"search": "none", "epochs": 2}),
    "headline_classifier": (40_000, {"vector_epochs": 1, "epochs": 1}),
    "neural_topic_model": (20_000, {"epochs": 1}),
}


def train(name: str, folder: Path, *, size: int, hyperparameters: Mapping[str, Any]) -> Path:
    """The model folder under `folder`, with `process/holdout` beside it; trains only if it is not there."""
    model = folder / "model"
    if (model / ModelCard.FILE).is_file():
        return model
    config = recipe.config(name, {"hyperparameters": dict(hyperparameters)})
    for each in ("raw", "prepare", "checkpoints", "model", *(f"process/{part}" for part in FOLDERS)):
        (folder / each).mkdir(parents=True, exist_ok=True)
    recipe.module(name, "sample").write(folder / "raw", size=size, seed=1)
    tables = recipe.module(name, "prepare").prepare(_tables(name, folder, config=config), config)
    for table, rows in tables.items():
        (folder / "prepare" / table).mkdir(exist_ok=True)
        rows.to_parquet(folder / "prepare" / table / "part-00000.parquet")
    recipe.module(name, "process").process(folder / "prepare", folder / "process", config=config)
    channels = {each: folder / "process" / each for each in ("train", "validation", "features")}
    metrics = recipe.module(name, "train").train(channels, model, checkpoints=folder / "checkpoints", config=config)
    keep_examples(name, model)
    card(name, model, metrics=metrics)
    return model


def card(name: str, model: Path, *, metrics: Mapping[str, float]) -> None:
    """Write the `model.json` that every model carries."""
    config = recipe.config(name)
    ModelCard(
        recipe=name,
        run_id="generated",
        dataset="sample",
        fingerprint="",
        code_version="",
        seed=config.seed,
        hyperparameters=to_mapping(config.hyperparameters),
        config=to_mapping(config),
        objects={},
        metrics=dict(metrics),
    ).write(model)


def _tables(name: str, folder: Path, *, config: RecipeConfig) -> dict[str, ibis.Table]:
    """The recipe's source tables: read from its files, or by its own `ingest` from the database that its sample is."""
    sources, duckdb = recipe.sources(name, config), ibis.duckdb.connect()
    files = [
        path
        for path in (folder / "raw").iterdir()
        if any(s.accepts(path.name) for s in sources if s.format == "sqlite")
    ]
    if not files:
        return read_sources(duckdb, folder / "raw", sources)
    for each in ("scratch", "ingest"):
        (folder / each).mkdir(exist_ok=True)
    with database.open_sqlite(files[0], files[0].name, scratch=folder / "scratch") as connection:
        recipe.module(name, "ingest").extract(connection, folder / "ingest", config=config)
    found = [path for path in (folder / "ingest").iterdir() if path.is_dir()]
    return {each.name: duckdb.read_parquet(str(each / "*.parquet")) for each in found}


def main() -> None:
    """Train the recipes named as arguments, or all, under `--folder`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipes", nargs="*", default=list(SIZES))
    parser.add_argument("--folder", type=Path, required=True)
    arguments = parser.parse_args()
    for name in arguments.recipes:
        size, hyperparameters = SIZES[name]
        with contextlib.redirect_stdout(sys.stderr):
            train(name, arguments.folder / name, size=size, hyperparameters=hyperparameters)


if __name__ == "__main__":
    main()
