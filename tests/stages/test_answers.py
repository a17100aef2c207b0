"""Profiles of what a model answers: of rows as they come, with known shares, and never of more than some of them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from trainyard.contract.config import ScoreColumn, Share
from trainyard.stages.answers import SAMPLED_ROWS, AnswerProfiler, naming_rows

SHARES = (Share(name="unknown", of="words"),)


def chunk(first: int, rows: int) -> pa.Table:
    """Numbers from `first` on, a class that changes every row, and texts in which two of eight words are unknown."""
    return pa.table(
        {
            "key": pa.array([str(each) for each in range(first, first + rows)]),
            "score": np.arange(first, first + rows, dtype=np.float64),
            "kind": pa.array([("a", "b", None)[each % 3] for each in range(first, first + rows)]),
            "likely": np.arange(first, first + rows) % 2 == 0,
            "best": pa.array([[1, 2]] * rows),
            "unknown": np.full(rows, 2),
            "words": np.full(rows, 8),
        }
    )


@pytest.mark.parametrize("sizes", [(900,), (7, 893), (300, 0, 600)])
def test_answers_are_profiled_as_they_come(sizes: tuple[int, ...]) -> None:
    profiler = AnswerProfiler(rows=900, shares=SHARES, left_out=frozenset(("key",)))
    for number, rows in enumerate(sizes):
        profiler.add(chunk(sum(sizes[:number]), rows))
    found = profiler.profile()
    assert (found.rows, found.sampled) == (900, 900)
    assert set(found.columns) == {"score", "kind", "likely", "unknown"}
    assert found.columns["score"].quantiles.median == pytest.approx(450, abs=1)
    assert found.columns["kind"].missing == pytest.approx(1 / 3, abs=1e-6)
    assert found.columns["kind"].top == {"a": 0.5, "b": 0.5}
    assert found.columns["likely"].top == {"true": 0.5, "false": 0.5}
    assert (found.columns["unknown"].kind, found.columns["unknown"].share) == ("share", 0.25)


def test_a_column_may_come_in_other_types_from_chunk_to_chunk() -> None:
    """As pandas gives whole numbers, and the chunk where one is missing as real ones: what is written is cast alike."""
    profiler = AnswerProfiler(rows=10)
    for numbers, texts in (
        ([1, 2**60], pa.string()),
        ([0.5, None], pa.large_string()),
        ([3], pa.dictionary(pa.int8(), pa.string())),
    ):
        profiler.add(pa.table({"score": pa.array(numbers), "kind": pa.array(["a"] * len(numbers)).cast(texts)}))
    found = profiler.profile().columns
    assert (found["score"].rows, found["score"].missing) == (5, 0.2)
    assert found["score"].quantiles.values == (0.5, 1.0, 3.0, 1.15292150e18)
    assert found["kind"].top == {"a": 1.0}


def test_of_many_rows_some_are_kept_from_all_of_them() -> None:
    rows, at_once = 5 * SAMPLED_ROWS, 9_999
    profiler = AnswerProfiler(rows=rows)
    for first in range(0, rows, at_once):
        profiler.add(chunk(first, min(at_once, rows - first)).select(["score"]))
    found = profiler.profile()
    assert (found.rows, found.sampled) == (rows, SAMPLED_ROWS)
    assert found.columns["score"].quantiles.median == pytest.approx(rows / 2, rel=0.001)


def test_rows_that_are_like_none_of_the_evaluation_do_not_count() -> None:
    profiler = AnswerProfiler(rows=10, shares=SHARES)
    watched = pa.array([each >= 5 for each in range(10)])
    unknown = pa.array([0 if each >= 5 else 8 for each in range(10)])
    profiler.add(pa.table({"watched": watched, "unknown": unknown, "words": np.full(10, 8), "score": np.arange(10.0)}))
    found = profiler.profile()
    assert found.columns["unknown"].share == 0.0
    assert found.columns["score"].quantiles.values[0] == 5.0


def test_an_answer_that_few_rows_have_is_not_named() -> None:
    profiler = AnswerProfiler(rows=20)
    profiler.add(pa.table({"kind": ["common"] * 16 + ["of one person"] * 4}))
    assert profiler.profile().columns["kind"].top == {"common": 0.8}


def test_without_rows_or_words_there_is_nothing_to_say() -> None:
    profiler = AnswerProfiler(rows=0, shares=SHARES)
    assert profiler.profile().columns == {}
    profiler.add(pa.table({"unknown": np.zeros(2), "words": np.zeros(2), "score": [None, float("nan")]}))
    assert "unknown" not in profiler.profile().columns
    assert (profiler.profile().columns["score"].quantiles, profiler.profile().columns["score"].missing) == (None, 1.0)


def test_what_names_a_row_is_no_answer() -> None:
    columns = (ScoreColumn(name="id", type="string", spread=False), ScoreColumn(name="score", type="double"))
    assert naming_rows(columns) == {"id"}
