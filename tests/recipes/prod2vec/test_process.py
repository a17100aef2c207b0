"""Prepared baskets become training arrays and held-out queries."""

from __future__ import annotations

import numpy as np
import pyarrow.parquet as pq
import pytest

from recipes.prod2vec.config import CONFIG
from recipes.prod2vec.features import Queries, Vocabulary
from recipes.prod2vec.process import keep_probability, negative_probability, process
from recipes.prod2vec.training_files import load_baskets
from tests.recipes.prod2vec.conftest import write_prepared
from trainyard.errors import JobFailed
from trainyard.run.settings.overrides import override

BASKETS = [
    (1, "train", [10, 20, 30]),
    (2, "train", [20, 10]),
    (3, "train", [20, 99]),
    (4, "train", [99]),
    (5, "validation", [10, 20]),
    (7, "holdout", [30, 77, 10]),
    (6, "holdout", [20, 88]),
    (8, "holdout", [20]),
]


def processed(tmp_path, baskets=BASKETS, changes=None, **options):
    inputs = write_prepared(tmp_path / "prepare", baskets, **options)
    figures = process(inputs, tmp_path / "process", config=override(CONFIG, changes or {}))
    return tmp_path / "process", figures


def test_training_baskets_are_indices_shorter_ones_first(tmp_path):
    outputs, figures = processed(tmp_path, top=3)
    vocabulary = Vocabulary.load(outputs / "features")
    # 99 is out of the vocabulary: with as many lines as 10, it has the larger id.
    assert vocabulary.product_ids.tolist() == ["20", "10", "99"]
    baskets = load_baskets(outputs / "train")
    assert baskets.values.dtype == np.int32
    assert baskets.offsets.tolist() == [0, 2, 4, 6]
    assert vocabulary.product_ids[baskets.values].tolist() == ["10", "20", "20", "10", "20", "99"]
    assert figures["train_baskets"] == 3
    assert vocabulary.names[0] == "Product 20"


def test_the_last_product_of_a_held_out_basket_is_asked_for_by_its_own_id(tmp_path):
    outputs, figures = processed(tmp_path)
    queries = Queries.load(outputs / "holdout")
    assert queries.order_ids.tolist() == ["6", "7"]
    assert queries.product_ids[queries.targets].tolist() == ["88", "10"]
    assert queries.product_ids[queries.contexts.values].tolist() == ["20", "30", "77"]
    assert figures["holdout_queries"] == 2
    assert len(Queries.load(outputs / "validation")) == 1


def test_held_out_queries_do_not_depend_on_the_vocabulary_or_on_file_boundaries(tmp_path):
    held_out = [(order, "holdout", [order % 7, 100 + order % 5]) for order in range(1000, 1500)]
    small, _ = processed(tmp_path / "a", [*BASKETS, *held_out], {"data": {"max_queries": 100}}, top=2)
    inputs = write_prepared(tmp_path / "b" / "prepare", [*BASKETS, *held_out][::-1])
    table = pq.read_table(inputs / "baskets" / "part-00000.parquet")
    pq.write_table(table[:200], inputs / "baskets" / "part-00000.parquet")
    pq.write_table(table[200:], inputs / "baskets" / "part-00001.parquet")
    process(inputs, tmp_path / "b" / "process", config=override(CONFIG, {"data": {"max_queries": 100}}))
    first, second = Queries.load(small / "holdout"), Queries.load(tmp_path / "b" / "process" / "holdout")
    assert len(first) == 100
    assert first.order_ids.tolist() == second.order_ids.tolist()
    assert first.product_ids[first.targets].tolist() == second.product_ids[second.targets].tolist()


def test_negatives_follow_frequency_to_three_quarters():
    chances = negative_probability(np.array([16, 1]))
    assert chances == pytest.approx([8 / 9, 1 / 9])


def test_frequent_products_are_subsampled_as_in_word2vec():
    kept = keep_probability(np.array([900, 90, 10]), 0.01)
    # sqrt(t / f) + t / f for shares 0.9 and 0.09; the last would exceed 1.
    assert kept == pytest.approx([0.1165203, 0.4444444, 1.0], rel=1e-5)
    assert keep_probability(np.array([900, 1]), 0.0).tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    ("baskets", "sentence"),
    [
        ([each for each in BASKETS if each[1] != "holdout"], "Expected holdout baskets"),
        ([each for each in BASKETS if each[1] != "train"], "Expected at least 2 products"),
        ([(1, "train", [5]), (2, "train", [6]), *BASKETS[4:]], "Expected training baskets"),
    ],
)
def test_too_little_data_is_refused_in_a_sentence(tmp_path, baskets, sentence):
    with pytest.raises(JobFailed, match=sentence):
        processed(tmp_path, baskets)
