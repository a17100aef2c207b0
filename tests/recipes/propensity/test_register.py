"""The three tables are written together or not at all, and once per run however often it is tried."""

from __future__ import annotations

import csv
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from recipes.propensity import register
from recipes.propensity.database.schema import HYPERPARAMETER, MODEL, MODEL_RUN
from recipes.propensity.features import Encoder
from recipes.propensity.inference import Ensemble
from recipes.propensity.networks.combinations import COMBINATIONS_FILE
from recipes.propensity.population import Population

NOW = datetime(2026, 11, 1, 12, 0, 0)
COLUMNS = "node1 node2 dropout1 dropout2 optimizer lr_annealing batch_size epochs loss accuracy validation_loss"
COLUMNS = (COLUMNS + " validation_accuracy precision recall auc epochs_run").split()


@pytest.fixture
def model_dir(tmp_path):
    return model_of(7, tmp_path)


def model_of(product_id, tmp_path):
    population = Population(
        product_id=product_id,
        start_date="2026-07-01 00:00:00",
        end_date="2026-09-30 23:59:59",
        sales_volume=10,
        sales=10,
        others=990,
        sampled_sales=10,
        sampled_others=80,
        seed=42,
    )
    encoder = Encoder.fit(pd.DataFrame({"a": [1.0, 2.0]}), max_categories=5)
    weights = [np.zeros(shape, np.float32) for shape in ((3, 2), (2,), (2, 2), (2,), (2, 1), (1,))]
    Ensemble(encoder=encoder, population=population, networks=[weights], intercept=0.0, threshold=0.03).save(tmp_path)
    with (tmp_path / COMBINATIONS_FILE).open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for place in range(3):
            writer.writerow([64, 32, 0.3, 0.2, "adam", 0.5, 512, 15, 0.3, 0.9, 0.31 + place, 0.9, 0.7, 0.2, 0.8, 9])
    return tmp_path


def record(connection, model_dir, **changes):
    own = {"run_id": "run-1", "code_version": "abc", "model_uri": "s3://bucket/model.tar.gz", "promoted": True}
    metrics = {"auc": 0.8, "brier_score": 0.01}
    named = {**own, "finished_at": NOW, **changes}
    register.register(connection, model_dir=model_dir, metrics=metrics, **named)


def counts(connection):
    tables = (MODEL, MODEL_RUN, HYPERPARAMETER)
    found = tuple(connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one() for table in tables)
    connection.rollback()
    return found


def test_a_run_is_recorded_once(empty, model_dir):
    for _ in range(2):
        record(empty, model_dir)
        assert counts(empty) == (1, 1, 3)
    run = empty.execute(sa.select(MODEL_RUN)).mappings().one()
    assert (run["sales_volume"], run["metrics"], run["promoted"]) == (10, {"auc": 0.8, "brier_score": 0.01}, 1)
    best = empty.execute(sa.select(HYPERPARAMETER).where(HYPERPARAMETER.c.best == 1)).mappings().one()
    assert (best["combination"], best["precision_"], best["optimizer"]) == (1, 0.7, "adam")
    model = empty.execute(sa.select(MODEL)).mappings().one()
    assert (model["run_id"], model["threshold"], model["true_rate"]) == ("run-1", 0.03, 0.01)


def test_only_a_promoted_and_newer_model_takes_over(empty, model_dir):
    record(empty, model_dir)
    record(empty, model_dir, run_id="run-2", promoted=False, finished_at=NOW + timedelta(days=1))
    assert empty.execute(sa.select(MODEL.c.run_id)).scalar_one() == "run-1"
    empty.rollback()
    record(empty, model_dir, run_id="run-3", finished_at=NOW + timedelta(days=2))
    record(empty, model_dir)
    assert empty.execute(sa.select(MODEL.c.run_id)).scalar_one() == "run-3"
    empty.rollback()
    assert counts(empty) == (1, 3, 9)


def test_an_error_leaves_nothing_behind(empty, model_dir, monkeypatch):
    record(empty, model_dir)

    def failing(*_arguments, **_named):
        raise RuntimeError("lost")

    monkeypatch.setattr(register, "_upsert", failing)
    with pytest.raises(RuntimeError, match="lost"):
        record(empty, model_dir, run_id="run-2")
    assert counts(empty) == (1, 1, 3)


def test_models_of_several_products_are_recorded_at_once(empty_mariadb, mariadb_url, tmp_path):
    """Each finds the tables missing, and each waits for gaps that another one locks."""
    products = range(1, 7)
    folders = {each: tmp_path / str(each) for each in products}
    for each, folder in folders.items():
        folder.mkdir()
        model_of(each, folder)
    together = threading.Barrier(len(products), timeout=30)

    def one(product):
        engine = sa.create_engine(mariadb_url)
        with engine.connect() as connection:
            together.wait()
            record(connection, folders[product], run_id=f"run-{product}")
        engine.dispose()

    with ThreadPoolExecutor(len(products)) as pool:
        list(pool.map(one, products))
    assert counts(empty_mariadb) == (6, 6, 18)
