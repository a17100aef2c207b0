"""Prepared ratings for the tests of two_tower, and a small model trained on the generated sample."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import ibis
import pytest

from recipes.two_tower import prepare, sample
from recipes.two_tower.config import CONFIG, sources
from recipes.two_tower.evaluate import Holdout
from recipes.two_tower.inference import Recommender
from recipes.two_tower.process import process
from recipes.two_tower.ratings import Ratings
from tests.recipes.tables import read_sources
from trainyard.run.settings.overrides import override

CHANNELS = ("train", "validation", "features")
CHANGES = {"hyperparameters": {"rating_epochs": 4, "retrieval_epochs": 3}}


@dataclass(frozen=True)
class Trained:
    """Folders of a run, its configuration, and the tastes planted in the sample."""

    root: Path
    config: object
    planted: dict[str, dict[int, int]]
    metrics: dict[str, float]

    @property
    def model(self) -> Path:
        return self.root / "model"

    @property
    def channels(self) -> dict[str, Path]:
        return {name: self.root / "process" / name for name in CHANNELS}

    @property
    def holdout(self) -> Path:
        return self.root / "process" / "holdout"

    def holdout_histories(self, recommender: Recommender) -> Ratings:
        """What the evaluated users rated before, as the model computes on it."""
        data = Holdout.load(self.holdout)
        return data.histories.encoded(recommender.movies.encode(data.keys), recommender.scale)


def prepared_from(raw: Path, folder: Path, config=CONFIG) -> Path:
    tables = read_sources(ibis.duckdb.connect(), raw, sources(config))
    for name, table in prepare.prepare(tables, config).items():
        (folder / name).mkdir(parents=True)
        table.to_parquet(folder / name / "part-00000.parquet")
    return folder


def trained_in(root: Path, config) -> dict[str, float]:
    from recipes.two_tower.train import train

    process(root / "prepare", root / "process", config=config)
    for name in ("model", "checkpoints"):
        (root / name).mkdir()
    return train(
        {name: root / "process" / name for name in CHANNELS},
        root / "model",
        checkpoints=root / "checkpoints",
        config=config,
    )


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A model of a generated sample of 12,000 ratings."""
    pytest.importorskip("tensorflow")
    root = tmp_path_factory.mktemp("trained")
    planted = sample.write(root / "raw", size=12_000, seed=5)
    config = override(CONFIG, CHANGES)
    prepared_from(root / "raw", root / "prepare", config)
    return Trained(root, config, planted, trained_in(root, config))
