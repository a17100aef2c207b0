"""Trains one model per recipe on its generated sample, the short way, for what measures or tests serving.

`REAL` are data on which validation chooses other members of a recipe than on its sample: networks and trees.
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ibis

from benchmarks.figures import DATA
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
REAL: Mapping[str, tuple[str, str, Mapping[str, Any]]] = {
    "propensity, shoppers": ("propensity", "online-shoppers/online_shoppers_intention.csv", {"search": "none"}),
    "neural_topic_model, food": ("neural_topic_model", "amazon_fine_foods/Reviews_first7567.csv.gz", {}),
}


def train(name: str, folder: Path, *, size: int, hyperparameters: Mapping[str, Any]) -> Path:
    """The model folder under `folder`, with `process/holdout` beside it; trains only if it is not there."""
    model = folder / "model"
    if not (model / ModelCard.FILE).is_file():
        (folder / "raw").mkdir(parents=True, exist_ok=True)
        recipe.module(name, "sample").write(folder / "raw", size=size, seed=1)
        train_from_raw(name, folder, hyperparameters=hyperparameters)
    return model


def train_on_real(label: str, folder: Path) -> Path | None:
    """`train` on data of `REAL`; None where they are not at hand."""
    name, path, hyperparameters = REAL[label]
    model = folder / "model"
    if (model / ModelCard.FILE).is_file():
        return model
    if not (DATA / path).is_file():
        return None
    (folder / "raw").mkdir(parents=True, exist_ok=True)
    shutil.copy(DATA / path, folder / "raw")
    train_from_raw(name, folder, hyperparameters=hyperparameters)
    return model


def train_from_raw(name: str, folder: Path, *, hyperparameters: Mapping[str, Any]) -> None:
    """From the files in `raw` of a folder to the model in it."""
    model = folder / "model"
    config = recipe.config(name, {"hyperparameters": dict(hyperparameters)})
    for each in ("prepare", "checkpoints", "model", *(f"process/{part}" for part in FOLDERS)):
        (folder / each).mkdir(parents=True, exist_ok=True)
    tables = recipe.module(name, "prepare").prepare(_tables(name, folder, config=config), config)
    for table, rows in tables.items():
        (folder / "prepare" / table).mkdir(exist_ok=True)
        rows.to_parquet(folder / "prepare" / table / "part-00000.parquet")
    recipe.module(name, "process").process(folder / "prepare", folder / "process", config=config)
    channels = {each: folder / "process" / each for each in ("train", "validation", "features")}
    metrics = recipe.module(name, "train").train(channels, model, checkpoints=folder / "checkpoints", config=config)
    keep_examples(name, model)
    card(name, model, metrics=metrics)


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
    parser.add_argument("recipes", nargs="*", default=[*SIZES, *REAL])
    parser.add_argument("--folder", type=Path, required=True)
    arguments = parser.parse_args()
    for name in arguments.recipes:
        with contextlib.redirect_stdout(sys.stderr):
            if name in REAL:
                train_on_real(name, arguments.folder / name)
            else:
                size, hyperparameters = SIZES[name]
                train(name, arguments.folder / name, size=size, hyperparameters=hyperparameters)


if __name__ == "__main__":
    main()
