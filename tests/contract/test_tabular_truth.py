"""Tabular recipes judged by what their target turned out to be: the metrics of their evaluation."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pyarrow as pa
import pytest

from trainyard.contract.config import Gate
from trainyard.contract.sources import Column
from trainyard.contract.tabular.config import TabularConfig
from trainyard.contract.tabular.table import Table, Task, truth
from trainyard.contract.tabular.tree_settings import TREE_TUNING, TreeSettings
from trainyard.contract.tabular.truth import judge


def table(task: Task = "classification", positive: str = "") -> Table:
    columns = (Column(name="id", type="id"), Column(name="x", type="float64"), Column(name="y", type="string"))
    return Table(name="rows", key="id", target="y", task=task, positive=positive, columns=columns)


def config(found: Table, *, primary: str = "auc") -> TabularConfig:
    class Of(TabularConfig):
        table: ClassVar[Table] = found

    return Of(title="t", hyperparameters=TreeSettings(), tuning=TREE_TUNING, gate=Gate(primary=primary))


def test_numbers_are_judged_by_the_error_of_the_gate():
    joined = pa.table({"label": [10.0, 20.0], "y_predicted": [13.0, 24.0]})
    found = judge(joined, config=config(table("regression"), primary="negative_rmse"))
    assert found is not None
    assert found.primary == "negative_rmse"
    assert found.metrics["negative_rmse"] == pytest.approx(-np.sqrt(12.5))
    assert found.statistic(found.examples) == pytest.approx(found.metrics["negative_rmse"])


def test_two_classes_are_judged_by_the_probability_of_the_one_that_scores_tell():
    truth_is = ["gone"] * 40 + ["here"] * 40
    probabilities = [0.9] * 30 + [0.4] * 10 + [0.1] * 40
    predicted = ["gone" if each > 0.5 else "here" for each in probabilities]
    joined = pa.table({"label": truth_is, "y_predicted": predicted, "y_probability": probabilities})
    found = judge(joined, config=config(table(positive="gone")))
    assert found is not None
    assert found.metrics["auc"] == 1.0
    assert found.metrics["accuracy"] == 70 / 80
    # Of those that are told by name alone, the last one is the class that probabilities are of.
    assert judge(joined, config=config(table(positive="here"))).metrics["auc"] == 0.0
    assert judge(joined.slice(20), config=config(table(positive="gone"))) is None


def test_several_classes_are_judged_by_accuracy():
    joined = pa.table({"label": list("abca"), "y_predicted": list("abab"), "y_probability": [0.9] * 4})
    found = judge(joined, config=config(table(), primary="negative_log_loss"))
    assert found is not None
    assert (found.primary, found.metrics) == ("accuracy", {"accuracy": 0.5})


def test_answers_of_an_endpoint_are_read_where_the_positive_class_is_named():
    assert truth(table(positive="gone")).answers == {
        "y_predicted": "$.prediction",
        "y_probability": '$.probabilities."gone"',
    }
    assert truth(table()).answers == {"y_predicted": "$.prediction"}


def of_two(labels: list[str]) -> pa.Table:
    probabilities = [0.9] * 40 + [0.1] * 60
    predicted = ["gone"] * 40 + ["here"] * 60
    return pa.table({"label": labels, "y_predicted": predicted, "y_probability": probabilities})


@pytest.mark.parametrize("named", [config(table(positive="gone")), config(table())])
def test_a_mistyped_label_is_left_out_of_two_classes(named):
    labels = ["gone"] * 35 + ["here"] * 64 + ["her"]
    mistyped, right = (judge(of_two(each), config=named) for each in (labels, [*labels[:-1], "here"]))
    assert mistyped is not None
    assert right is not None
    assert mistyped.primary == right.primary == "auc"
    assert len(mistyped.examples) == 99


def test_rows_of_one_class_say_nothing_of_two():
    joined = pa.table({"label": ["here"] * 150, "y_predicted": ["here"] * 150, "y_probability": [0.1] * 150})
    for named in (config(table(positive="gone")), config(table())):
        assert judge(joined, config=named) is None
    some = pa.table({**dict(zip(joined.column_names, joined.columns, strict=True)), "label": ["here", "gone"] * 75})
    assert judge(some, config=config(table(positive="gone"))) is not None


def test_two_of_several_classes_are_judged_as_several():
    joined = pa.table({"label": ["a", "b"] * 50, "y_predicted": ["a", "b"] * 50, "y_probability": [0.9] * 100})
    found = judge(joined, config=config(table(), primary="negative_log_loss"))
    assert found is not None
    assert found.metrics == {"accuracy": 1.0}
