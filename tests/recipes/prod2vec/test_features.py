"""The vocabulary and the queries mean the same wherever they are read."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given
from hypothesis import strategies as st

from recipes.prod2vec.features import OUT_OF_VOCABULARY, VOCABULARY_FILE, Queries, RaggedArray, Vocabulary
from recipes.prod2vec.metrics import EncodedQueries
from tests.recipes.prod2vec.conftest import queries_of, vocabulary_of

IDS = st.one_of(st.integers(0, 30).map(str), st.text(st.characters(codec="utf-8"), min_size=1, max_size=30))


@given(st.lists(IDS, unique=True, max_size=30), st.lists(IDS, max_size=30))
def test_known_products_get_their_rank_and_others_none(known, asked):
    indices = vocabulary_of(known).encode([*known, *asked])
    assert indices.dtype == np.int32
    expected = [known.index(each) if each in known else OUT_OF_VOCABULARY for each in [*known, *asked]]
    assert indices.tolist() == expected


@given(st.lists(st.lists(st.integers(0, 9), max_size=5), max_size=8), st.integers(0, 8), st.integers(0, 8))
def test_ragged_rows_slice_take_and_survive_arrow(rows, start, stop):
    def lists(ragged):
        return [ragged.values[a:b].tolist() for a, b in zip(ragged.offsets[:-1], ragged.offsets[1:], strict=True)]

    ragged = RaggedArray.from_lists(rows)
    assert lists(ragged) == rows
    assert lists(ragged[start:stop]) == rows[start:stop]
    backwards = np.arange(len(rows), dtype=np.int64)[::-1]
    assert lists(ragged.take(backwards)) == rows[::-1]
    assert lists(ragged.filter_values(ragged.values > 4)) == [[each for each in row if each > 4] for row in rows]
    column = pa.array([[1], *rows], pa.list_(pa.int64()))[1:]
    assert lists(RaggedArray.from_arrow(column)) == rows


def test_queries_lose_unknown_products_and_stay_in_order():
    asked = queries_of(([10, 99, 50], 50), ([99], 99), ([50], 10))
    encoded = EncodedQueries.encode(asked, vocabulary_of([50, 10]))
    assert encoded.contexts.values.tolist() == [1, 0, 0]
    assert encoded.contexts.offsets.tolist() == [0, 2, 2, 3]
    assert encoded.targets.tolist() == [0, OUT_OF_VOCABULARY, 1]


def test_ids_that_agree_in_many_digits_are_two_products():
    alike = ["84012345678901234126", "84012345678901234127", "9007199254740992", "9007199254740993", "007", "7"]
    assert vocabulary_of(alike).encode(alike).tolist() == list(range(6))


def test_vocabulary_and_queries_are_read_as_they_were_written(tmp_path):
    vocabulary = vocabulary_of(
        ["80144A", "3"], frequencies=[9, 4], names=['Käse, "mild"', "Brot"], departments=["", "bread"]
    )
    vocabulary.save(tmp_path)
    loaded = Vocabulary.load(tmp_path)
    assert (loaded.names, loaded.departments) == (vocabulary.names, vocabulary.departments)
    assert loaded.encode(["3", "80144A", "4"]).tolist() == [1, 0, OUT_OF_VOCABULARY]
    asked = queries_of((["80144A"], "3"), ([3, "7"], "80144A"))
    asked.save(tmp_path)
    again = Queries.load(tmp_path)
    assert again.product_ids[again.contexts.values].tolist() == ["80144A", "3", "7"]
    assert again.contexts.offsets.tolist() == [0, 1, 3]
    assert again.product_ids[again.targets].tolist() == ["3", "80144A"]
    assert again.order_ids.tolist() == ["0", "1"]


def test_a_model_of_numbers_as_earlier_versions_wrote_it_is_read(tmp_path):
    columns = {"index": [0, 1], "product_id": [24852, 7], "product_name": ["Banana", "Tofu"], "department_id": [4, 16]}
    pq.write_table(pa.table({**columns, "frequency": [9, 4]}), tmp_path / VOCABULARY_FILE)
    loaded = Vocabulary.load(tmp_path)
    assert loaded.encode(["7", "24852", "8"]).tolist() == [1, 0, OUT_OF_VOCABULARY]
    assert loaded.departments == ("4", "16")


def test_a_sample_of_queries_keeps_contexts_beside_their_targets():
    queries = queries_of(*[([each] * (each % 3 + 1), each) for each in range(10)])
    some = queries.sample(4)
    assert len(some) == 4
    for row, target in enumerate(some.targets):
        assert set(some.contexts[row : row + 1].values) == {target}
    assert len(queries.sample(1000)) == 10
