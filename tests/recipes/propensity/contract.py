"""A quick run of propensity for the contract test."""

from __future__ import annotations

import math

import pandas as pd
import pyarrow.parquet as pq

from recipes.propensity import serve
from recipes.propensity.inference import Ensemble

SIZE = 30_000
CHANGES = {"hyperparameters": {"search": "none", "epochs": 2, "ensemble_size": 1, "boosting_rounds": 20}}


# The same rows together give the same bits.
BULK_IS_EXACT = True


def served_as(rows, model_dir, tables):
    """The scored visits and what the service answers to the same columns."""
    predictor = serve.load(model_dir)
    visits = pq.read_table(tables / "every_visit").slice(0, len(rows)).to_pylist()
    assert [each["visit_id"] for each in rows] == [str(each["visit_id"]) for each in visits]
    columns = predictor.ensemble.encoder.columns
    answers = predictor.predict([{name: each[name] for name in columns} for each in visits])
    return [{"propensity": each["propensity"], "likely": each["likely"]} for each in rows], answers


def evaluated(model_dir, holdout):
    """Held-out visits, and the answers that evaluation's probabilities make."""
    ensemble = Ensemble.load(model_dir)
    visits = pd.read_parquet(holdout / "visits.parquet").head(300)
    rows = [
        {name: value for name, value in row.items() if not (isinstance(value, float) and math.isnan(value))}
        for row in visits[ensemble.encoder.columns].to_dict("records")
    ]
    probabilities = ensemble.probabilities(visits).tolist()
    return rows, [{"propensity": each, "likely": each >= ensemble.threshold} for each in probabilities]
