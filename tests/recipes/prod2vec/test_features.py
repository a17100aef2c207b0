"""The vocabulary and the queries mean the same wherever they are read."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from recipes.prod2vec.features import OUT_OF_VOCABULARY, Queries, RaggedArray, Vocabulary

IDS = st.integers(-(2**63), 2**63 - 1)


def vocabulary_of(ids):
    return Vocabulary(
        product_ids=np.asarray(ids, np.int64),
        frequencies=np.arange(len(ids), 0, -1),
        names=tuple(f"n{each}" for each in ids),
        departments=np.zeros(len(ids), np.int64),
    )


@given(st.lists(IDS, unique=True, max_size=30), st.lists(IDS, max_size=30))
def test_known_products_get_their_rank_and_others_none(known, asked):
    indices = vocabulary_of(known).encode(np.asarray([*known, *asked], np.int64))
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


def test_rows_lose_unknown_products_and_stay_in_order():
    encoded = vocabulary_of([50, 10]).encode_rows(RaggedArray.from_lists([[10, 99, 50], [99], [50]]))
    assert encoded.values.tolist() == [1, 0, 0]
    assert encoded.offsets.tolist() == [0, 2, 2, 3]


def test_vocabulary_and_queries_are_read_as_they_were_written(tmp_path):
    vocabulary = Vocabulary(
        product_ids=np.array([5, 3]),
        frequencies=np.array([9, 4]),
        names=('Käse, "mild"', "Brot"),
        departments=np.array([1, 2]),
    )
    vocabulary.save(tmp_path)
    loaded = Vocabulary.load(tmp_path)
    assert loaded.names == vocabulary.names
    assert loaded.encode(np.array([3, 5, 4])).tolist() == [1, 0, OUT_OF_VOCABULARY]
    queries = Queries(
        order_ids=np.array([1, 8]), contexts=RaggedArray.from_lists([[5], [3, 7]]), targets=np.array([3, 5])
    )
    queries.save(tmp_path)
    again = Queries.load(tmp_path)
    assert again.contexts.values.tolist() == [5, 3, 7]
    assert again.contexts.offsets.tolist() == [0, 1, 3]
    assert again.targets.tolist() == [3, 5]


def test_a_sample_of_queries_keeps_contexts_beside_their_targets():
    queries = Queries(
        order_ids=np.arange(10),
        contexts=RaggedArray.from_lists([[each] * (each % 3 + 1) for each in range(10)]),
        targets=np.arange(10),
    )
    some = queries.sample(4)
    assert len(some) == 4
    for row, target in enumerate(some.targets):
        assert set(some.contexts[row : row + 1].values) == {target}
    assert len(queries.sample(1000)) == 10
