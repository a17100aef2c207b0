"""The models, encodings and metrics that tabular recipes share: as scikit-learn has them, and after a file between."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from threadpoolctl import threadpool_limits

from trainyard.contract.sources import Column
from trainyard.contract.tabular import metrics
from trainyard.contract.tabular.boosted_trees import BoostedTrees
from trainyard.contract.tabular.examples import Examples
from trainyard.contract.tabular.features import Encoder
from trainyard.contract.tabular.linear_model import LinearModel
from trainyard.contract.tabular.requests import frame, row_class
from trainyard.contract.tabular.sample import write_sample
from trainyard.contract.tabular.table import Table
from trainyard.errors import BadRow, JobFailed

RANDOM = np.random.default_rng(0)
INPUTS = RANDOM.normal(size=(600, 4))
SUMS = INPUTS @ [1.0, -2.0, 0.5, 0.0] + RANDOM.normal(size=600)
HOLEY = np.where(RANDOM.random(INPUTS.shape) < 0.1, np.nan, INPUTS)
LABELS = {0: SUMS, 2: (SUMS > 0).astype(int), 3: np.digitize(SUMS, [-1, 1])}


def examples(inputs, classes):
    return Examples(inputs=inputs, labels=LABELS[classes], names=tuple("abcd"), classes=tuple("xyz"[:classes]))


@pytest.mark.parametrize("classes", LABELS)
def test_trees_predict_as_scikit_learn_does(classes, tmp_path):
    kind = HistGradientBoostingClassifier if classes else HistGradientBoostingRegressor
    with threadpool_limits(1):
        fitted = kind(max_iter=20, max_leaf_nodes=9, early_stopping=False).fit(HOLEY, LABELS[classes])
    BoostedTrees.of(fitted, classes=classes).save(tmp_path)
    found = BoostedTrees.load(tmp_path).predict(HOLEY)
    assert found == pytest.approx(fitted.predict_proba(HOLEY) if classes else fitted.predict(HOLEY), abs=1e-12)


@pytest.mark.parametrize("classes", LABELS)
def test_a_linear_model_predicts_as_scikit_learn_does(classes, tmp_path):
    scaled = (INPUTS - INPUTS.mean(axis=0)) / INPUTS.std(axis=0)
    LinearModel.fit(examples(INPUTS, classes), l2=2.0).save(tmp_path)
    found = LinearModel.load(tmp_path).predict(INPUTS)
    if classes:
        expected = LogisticRegression(C=0.5, max_iter=300).fit(scaled, LABELS[classes]).predict_proba(scaled)
    else:
        expected = Ridge(alpha=2.0).fit(scaled, LABELS[0]).predict(scaled)
    assert found == pytest.approx(expected, abs=1e-6)


def test_a_linear_model_takes_what_is_missing_for_the_mean():
    model = LinearModel.fit(examples(HOLEY, 0), l2=1.0)
    filled = np.where(np.isnan(HOLEY), np.nanmean(HOLEY, axis=0), HOLEY)
    assert model.predict(HOLEY) == pytest.approx(model.predict(filled))


TABLE = Table(
    name="rows",
    key="id",
    target="y",
    task="classification",
    positive="no",
    columns=(
        Column(name="id", type="id"),
        Column(name="number", type="float64"),
        Column(name="flag", type="boolean"),
        Column(name="kind", type="string"),
        Column(name="day", type="timestamp"),
        Column(name="same", type="int64"),
        Column(name="y", type="string"),
    ),
)
ROWS = pd.DataFrame(
    {
        "id": [1, 2, 3, 4],
        "number": [1.5, np.nan, 3.0, 0.0],
        "flag": pd.array([True, False, None, True], dtype="boolean"),
        "kind": ["b", "a", None, "b"],
        "day": pd.to_datetime(["1970-01-02 12:00", None, "2026-07-01", "2026-07-02"], format="ISO8601"),
        "same": [7, 7, 7, 7],
        "y": ["yes", "no", "no", "yes"],
    }
)


def test_rows_are_encoded_the_same_from_tables_and_from_requests(tmp_path):
    Encoder.fit(ROWS, TABLE, max_categories=10).save(tmp_path)
    encoder = Encoder.load(tmp_path)
    assert encoder.inputs == (
        *("number", "flag", "day day", "day month", "day weekday"),
        *("kind = b", "kind = nothing", "kind = a"),
    )
    encoded = encoder.encode(ROWS)
    assert encoded[0, :5].tolist() == [1.5, 1.0, 1.5, 1.0, 4.0]
    assert np.isnan(encoded[1, [0, 2, 3, 4]]).all()
    requests = [
        {"number": 1.5, "flag": True, "kind": "b", "day": "1970-01-02T12:00:00"},
        {"number": None, "flag": False, "kind": "a"},
        {"number": 3, "day": "2026-07-01T02:00:00+02:00"},
        {"number": 0.0, "flag": True, "kind": "b", "day": "2026-07-02"},
    ]
    assert np.array_equal(encoder.encode(frame(encoder, row_class(encoder), rows=requests)), encoded, equal_nan=True)
    with pytest.raises(BadRow, match="a moment such as"):
        frame(encoder, row_class(encoder), rows=[{"day": "yesterday"}])
    with pytest.raises(BadRow, match="found 'sam'"):
        frame(encoder, row_class(encoder), rows=[{"sam": 7}])


def test_a_row_of_the_file_may_be_asked_as_it_is_written_there():
    encoder = Encoder.fit(ROWS, TABLE, max_categories=10)
    row = row_class(encoder)
    written = {TABLE.key: "C7", "same": "x", "number": "1.5", "flag": "Yes", "kind": "b", "day": "1970-01-02T12:00:00"}
    table = frame(encoder, row, rows=[written, {"number": "NA", "flag": "", "kind": "n/a", "day": ""}, {"flag": 0}])
    assert list(table.columns) == list(encoder.columns)
    assert np.array_equal(encoder.encode(table)[0], encoder.encode(ROWS)[0])
    assert table.loc[1].isna().all()
    assert table["flag"].tolist()[2] is False
    for wrong in ({"number": "many"}, {"flag": "perhaps"}, {"flag": 2}, {"number": True}):
        with pytest.raises(BadRow, match="expected"):
            frame(encoder, row, rows=[wrong])


def test_the_positive_class_comes_last_and_unknown_ones_are_none():
    encoder = Encoder.fit(ROWS, TABLE, max_categories=10)
    assert encoder.classes == ("yes", "no")
    assert encoder.labels(pd.DataFrame({"y": ["no", "perhaps", "yes"]})).tolist() == [1, -1, 0]


def test_metrics_by_hand():
    found = metrics.evaluated(
        np.array([[0.8, 0.2], [0.3, 0.7], [0.6, 0.4], [0.5, 0.5]]),
        np.array([0, 1, 1, -1]),
        classes=("a", "b"),
        primary="negative_log_loss",
    )
    assert found.examples[:3] == pytest.approx(np.log([0.8, 0.7, 0.4]))
    assert found.examples[3] < -20
    assert found.metrics["accuracy"] == 0.5
    assert found.metrics["auc"] == 0.75
    values = metrics.evaluated(np.array([1.0, 5.0]), np.array([1.0, 2.0]), classes=(), primary="negative_rmse")
    assert values.metrics["negative_rmse"] == pytest.approx(-np.sqrt(4.5))
    assert values.metrics["negative_mae"] == -1.5
    assert values.statistic(values.examples) == values.metrics["negative_rmse"]


def test_a_gate_that_asks_for_no_such_metric_is_told_those_that_there_are():
    with pytest.raises(JobFailed, match="one of negative_rmse, negative_mae; found 'auc'"):
        metrics.evaluated(np.zeros(2), np.zeros(2), classes=(), primary="auc")


def test_a_table_names_its_key_and_target_among_its_columns():
    with pytest.raises(ValueError, match="expected the target 'z' among the columns"):
        Table(name="t", key="id", target="z", task="regression", columns=TABLE.columns)


def test_a_table_has_each_of_its_columns_once():
    with pytest.raises(ValueError, match="expected each column once, found y more often"):
        replace(TABLE, columns=(*TABLE.columns, TABLE.columns[-1]))


@pytest.mark.parametrize(
    ("kind", "positive", "classes"),
    [("boolean", "true", {"false", "true"}), ("int64", "2", {"1", "2"}), ("float64", "0.5", {"-0.5", "0.5"})],
)
def test_a_sample_has_the_classes_of_its_target(kind, positive, classes, tmp_path):
    columns = (*TABLE.columns[:-1], Column(name="y", type=kind))
    table = replace(TABLE, columns=columns, positive=positive)
    assert write_sample(table, tmp_path, size=300, seed=1).keys() == {each.name for each in table.features}
    rows = pd.read_csv(tmp_path / "rows.csv", dtype=str)
    assert (len(rows), rows["id"].nunique(), set(rows["y"])) == (300, 300, classes)
