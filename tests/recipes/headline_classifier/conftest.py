"""Prepared and processed headlines for the tests of headline_classifier, from the generated sample."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import ibis
import pytest

from recipes.headline_classifier import prepare, sample
from recipes.headline_classifier.config import CONFIG, Config, sources
from recipes.headline_classifier.process import process
from tests.recipes.tables import read_sources

CHANNELS = ("train", "validation", "features")
QUICK = replace(CONFIG.hyperparameters, vector_size=8, vector_epochs=1, epochs=4)


@pytest.fixture(scope="session")
def quick() -> Config:
    """A configuration whose training takes a second or two."""
    return replace(CONFIG, hyperparameters=QUICK)


@pytest.fixture(scope="session")
def sampled(tmp_path_factory) -> Path:
    """Folder with `prepare` and `process` of a generated sample of 3,000 headlines."""
    root = tmp_path_factory.mktemp("headlines")
    sample.write(root / "raw", size=3000, seed=5)
    tables = read_sources(ibis.duckdb.connect(), root / "raw", sources(CONFIG))
    for name, table in prepare.prepare(tables, CONFIG).items():
        (root / "prepare" / name).mkdir(parents=True)
        table.to_parquet(root / "prepare" / name / "part-00000.parquet")
    process(root / "prepare", root / "process", config=CONFIG)
    return root


@pytest.fixture(scope="session")
def channels(sampled) -> dict[str, Path]:
    """The channels of the training job on the sample."""
    return {name: sampled / "process" / name for name in CHANNELS}


@pytest.fixture(scope="session")
def trained(channels, quick, tmp_path_factory) -> Path:
    """A model folder, trained on the sample."""
    pytest.importorskip("tensorflow")
    from recipes.headline_classifier.train import train

    model_dir = tmp_path_factory.mktemp("model")
    train(channels, model_dir, checkpoints=tmp_path_factory.mktemp("checkpoints"), config=quick)
    return model_dir
