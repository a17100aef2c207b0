"""The file of curves: a column per metric, as long as the metric has epochs; and losses that are no numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainyard.contract.training import curves
from trainyard.errors import JobFailed

NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True).filter(lambda name: name != "epoch")
FIGURES = st.lists(st.floats(allow_nan=False, allow_infinity=False, width=16), min_size=1, max_size=5)


@given(written=st.dictionaries(NAMES, FIGURES, min_size=1, max_size=4))
def test_every_metric_comes_back_with_its_epochs(tmp_path_factory, written):
    folder = tmp_path_factory.mktemp("model")
    curves.write(written, folder)
    found = curves.read(folder)
    assert found.keys() == written.keys()
    assert all(found[name] == pytest.approx(values, rel=1e-7) for name, values in written.items())


def test_the_file_is_one_line_per_epoch(tmp_path):
    curves.write({"loss": [2.5, 2.0], "validation_rmse": [0.9]}, tmp_path)
    assert (tmp_path / "curves.csv").read_text() == "epoch,loss,validation_rmse\n1,2.5,0.9\n2,2,\n"


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_names_epoch_and_setting(loss):
    with pytest.raises(JobFailed, match=r"found (nan|inf) in epoch 3; set a smaller hyperparameters\.learning_rate\."):
        curves.finite_loss(loss, epoch=2, setting="hyperparameters.learning_rate")
    assert curves.finite_loss(0.5, epoch=2, setting="x") == 0.5
