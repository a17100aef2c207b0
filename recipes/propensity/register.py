"""Writes what a finished run found into the three tables of the visit database, in one transaction.

A run may be registered again (a retried state, a redriven execution): its rows are replaced, never doubled, and a late
repetition does not push out a newer model.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from recipes.propensity.database.schema import HYPERPARAMETER, METADATA, MODEL, MODEL_RUN
from recipes.propensity.inference import Ensemble
from recipes.propensity.networks import combinations
from recipes.propensity.networks.combinations import COMBINATIONS_FILE
from recipes.propensity.population import Population

ATTEMPTS = 8
FIRST_WAIT_S = 0.05
# Columns whose plain names are words of SQL.
RENAMED = {"precision": "precision_", "recall": "recall_"}


def register(
    connection: sa.Connection,
    *,
    run_id: str,
    code_version: str,
    model_uri: str,
    model_dir: Path,
    metrics: Mapping[str, float],
    promoted: bool,
    finished_at: datetime,
) -> None:
    """Insert the run and its combinations, and make the model its product's own if it was promoted.

    `metrics` are those of stage evaluate. All or nothing: an error leaves the tables as they were.
    """
    ensemble = Ensemble.load(model_dir)
    population = ensemble.population
    run = _run(population, run_id=run_id, code_version=code_version, finished_at=finished_at)
    tried = _combination_rows(model_dir, run_id, product_id=population.product_id)
    model = {
        "run_id": run_id,
        "model_uri": model_uri,
        "threshold": ensemble.threshold,
        "true_rate": population.sale_rate,
        "auc": metrics["auc"],
        "updated_at": finished_at,
    }

    def write() -> None:
        for table in (HYPERPARAMETER, MODEL_RUN):
            connection.execute(table.delete().where(table.c.run_id == run_id))
        connection.execute(MODEL_RUN.insert().values(**run, promoted=int(promoted), metrics=dict(metrics)))
        connection.execute(HYPERPARAMETER.insert(), tried)
        if promoted:
            _upsert(connection, population.product_id, model=model)

    _retried(connection, lambda: METADATA.create_all(connection, tables=[MODEL, MODEL_RUN, HYPERPARAMETER]))
    _retried(connection, write)


def _retried(connection: sa.Connection, work: Callable[[], None]) -> None:
    """Do work in a transaction of its own, again when it met another run's.

    The models of several products are registered at once: two runs may both find a table missing, and InnoDB, which
    locks the gaps that rows will fill, ends one of two transactions that wait for each other. Both would meet again if
    they tried at the same moment, so each waits for a time of its own, longer after every attempt.
    """
    for attempt in range(ATTEMPTS):
        try:
            with connection.begin():
                work()
        except DBAPIError:
            if attempt == ATTEMPTS - 1:
                raise
            time.sleep(random.uniform(0.0, FIRST_WAIT_S * 2**attempt))
        else:
            return


def _upsert(connection: sa.Connection, product_id: int, *, model: Mapping[str, Any]) -> None:
    own = MODEL.c.product_id == product_id
    # Locked until the end of the transaction (SQLite locks the whole file anyway): two runs do not both insert.
    found = connection.execute(sa.select(MODEL.c.updated_at).where(own).with_for_update()).scalar_one_or_none()
    if found is None:
        connection.execute(MODEL.insert().values(product_id=product_id, **model))
    elif found <= model["updated_at"]:
        connection.execute(MODEL.update().where(own).values(**model))


def _run(population: Population, *, run_id: str, code_version: str, finished_at: datetime) -> dict[str, Any]:
    dates = {
        name: datetime.fromisoformat(text) if text else None
        for name, text in (("start_date", population.start_date), ("end_date", population.end_date))
    }
    return {
        "run_id": run_id,
        "product_id": population.product_id,
        "sales_volume": population.sales_volume,
        "sampled_sales": population.sampled_sales,
        "sampled_others": population.sampled_others,
        "seed": population.seed,
        "code_version": code_version,
        "finished_at": finished_at,
        **dates,
    }


def _combination_rows(model_dir: Path, run_id: str, *, product_id: int) -> list[dict[str, Any]]:
    """One row per combination, numbered from the best; the file holds them in this order."""
    kinds = {each.name: each.type.python_type for each in HYPERPARAMETER.columns}
    rows = []
    for number, line in enumerate(combinations.read(model_dir / COMBINATIONS_FILE), start=1):
        named = {RENAMED.get(name, name): text for name, text in line.items()}
        values = {name: kinds[name](text) for name, text in named.items() if name in kinds}
        rows.append(
            {**values, "run_id": run_id, "combination": number, "product_id": product_id, "best": int(number == 1)}
        )
    return rows
