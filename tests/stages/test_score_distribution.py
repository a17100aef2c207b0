"""Summaries of scored columns: known answers on small tables, any cut into chunks, memory that does not grow."""

from __future__ import annotations

import math
import tracemalloc
from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainyard.stages.score import distribution
from trainyard.stages.score.distribution import Extremes, ItemCounts, NumberSummary, ValueCounts
from trainyard.stages.score.histogram import BINS, Histogram

NAN, INF = float("nan"), float("inf")
ITEM = pa.list_(pa.struct([("id", pa.int64()), ("name", pa.string()), ("score", pa.float64())]))
numbers = st.lists(st.none() | st.floats(), max_size=60)


def chunked(values: list, size: int) -> Iterable[list]:
    return (values[start : start + size] for start in range(0, len(values), size))


def test_nulls_and_what_is_not_finite_are_counted_separately():
    found = NumberSummary()
    found.add(pa.array([1.0, None, NAN, 4.0]))
    found.add(pa.array([None, INF, -2.0], pa.float64()))
    assert (found.rows, found.empty, found.not_finite, found.finite) == (7, 2, 2, 3)
    assert (found.lowest, found.highest, found.mean) == (-2.0, 4.0, 1.0)


def test_a_column_without_a_number_has_no_lowest_one():
    found = NumberSummary()
    found.add(pa.array([None, NAN], pa.float64()))
    found.add(pa.array([], pa.float64()))
    assert (found.rows, found.empty, found.not_finite) == (2, 1, 1)
    assert (found.lowest, found.highest, found.mean) == (None, None, None)


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=40), st.integers(1, 50))
def test_whole_numbers_keep_their_ends_and_each_is_in_a_bin(values, size):
    found = NumberSummary()
    for each in chunked(values, size):
        found.add(pa.array(each, pa.int64()))
    assert (found.lowest, found.highest) == (min(values), max(values))
    assert found.mean == pytest.approx(sum(values) / len(values), abs=1e-9 * max(abs(each) for each in values))
    histogram = Histogram(found.lowest, found.highest, whole=True)
    histogram.add(pa.array(values, pa.int64()))
    assert histogram.counts.sum() == len(values)


@given(numbers, st.integers(1, 50))
def test_each_finite_number_is_in_one_bin_and_bins_are_few(values, size):
    found = NumberSummary()
    for each in chunked(values, size):
        found.add(pa.array(each, pa.float64()))
    finite = [each for each in values if each is not None and math.isfinite(each)]
    assert found.finite == len(finite)
    if not finite:
        return
    histogram = Histogram(found.lowest, found.highest, whole=False)
    for each in chunked(values, size):
        histogram.add(pa.array(each, pa.float64()))
    assert histogram.counts.sum() == len(finite)
    assert len(histogram.counts) <= BINS + 2
    assert np.all(np.diff(histogram.edges) >= 0)


def test_bins_begin_at_round_numbers_and_hold_what_lies_on_their_edge():
    histogram = Histogram(0.3, 1.0, whole=False)
    histogram.add(pa.array([0.3, 0.35, 0.4, 0.95, 1.0, None, NAN, INF]))
    assert histogram.edges.tolist() == pytest.approx([0.3 + 0.05 * index for index in range(15)])
    assert histogram.counts.tolist() == [1, 1, 1, *([0] * 10), 2]


def test_small_whole_numbers_have_a_bin_each():
    histogram = Histogram(3, 5, whole=True)
    histogram.add(pa.array([3, 5, 5, None]))
    assert histogram.edges.tolist() == [3, 4, 5, 6]
    assert histogram.counts.tolist() == [1, 0, 2]


def test_numbers_that_are_all_the_same_have_one_bin():
    histogram = Histogram(0.25, 0.25, whole=False)
    histogram.add(pa.array([0.25, 0.25]))
    assert (histogram.step, histogram.counts.tolist()) == (0, [2])


def test_values_are_counted_by_falling_frequency_and_an_empty_text_is_one():
    found = ValueCounts()
    found.add(pa.array(["b", "a", None, ""]))
    found.add(pa.array(["a", "b", "", "b"]))
    assert found.ranked() == [("b", 3), ("", 2), ("a", 2)]
    assert (found.rows, found.empty, found.many) == (8, 1, False)


def test_booleans_are_shown_as_words():
    found = ValueCounts()
    found.add(pa.array([True, False, True, None]))
    assert found.ranked() == [("yes", 2), ("no", 1)]


def test_too_many_values_are_given_up():
    found = ValueCounts()
    found.add(pa.array([str(each) for each in range(distribution.MAX_VALUES)]))
    assert not found.many
    found.add(pa.array(["another"]))
    assert (found.many, found.rows, len(found.counts)) == (True, distribution.MAX_VALUES + 1, 0)


def test_items_are_identified_by_all_but_their_scores():
    found = ItemCounts()
    rows = [
        [{"id": 1, "name": "x", "score": 0.5}, {"id": 2, "name": "x", "score": 0.5}],
        [],
        None,
        [{"id": 2, "name": "x", "score": 0.9}, {"id": 3, "name": "y", "score": NAN}],
    ]
    found.add(pa.array(rows[:1], ITEM))
    found.add(pa.array(rows[1:], ITEM))
    assert found.counts == {(1, "x"): 1, (2, "x"): 2, (3, "y"): 1}
    assert found.ranked(2) == [("x", 2), ("x", 1)]
    assert (found.rows, found.empty) == (4, 2)


def test_items_may_be_texts():
    found = ItemCounts()
    found.add(pa.array([["a", "b"], ["a"]]))
    assert found.ranked(5) == [("a", 2), ("b", 1)]


@given(numbers, st.integers(1, 50), st.integers(1, 12))
def test_rows_at_the_ends_are_those_of_a_sort_of_all(values, size, most):
    extremes = Extremes("value", most)
    rows = [{"index": index, "value": value} for index, value in enumerate(values)]
    schema = pa.schema([("index", pa.int64()), ("value", pa.float64())])
    for each in chunked(rows, size):
        extremes.add(pa.Table.from_pylist(each, schema))
    ranked = [each for each in rows if each["value"] is not None and not math.isnan(each["value"])]
    assert extremes.lowest == sorted(ranked, key=lambda each: each["value"])[:most]
    assert extremes.highest == sorted(ranked, key=lambda each: -each["value"])[:most]


def test_rows_are_ranked_by_whole_numbers_too():
    extremes = Extremes("value", 1)
    extremes.add(pa.table({"value": [3, -(2**63), None, 2**63 - 1]}))
    assert (extremes.lowest, extremes.highest) == ([{"value": -(2**63)}], [{"value": 2**63 - 1}])


def test_memory_does_not_grow_with_the_rows():
    peaks = []
    for chunks in (20, 100):
        generator = np.random.default_rng(1)
        tracemalloc.start()
        sums, extremes = (NumberSummary(), ValueCounts(), ItemCounts()), Extremes("number", 10)
        for _ in range(chunks):
            table = pa.table(
                {
                    "number": generator.random(1000),
                    "text": [str(each) for each in generator.integers(10**9, size=1000)],
                    "list": pa.array([[{"id": 1, "name": "x", "score": 0.1}]] * 1000, ITEM),
                }
            )
            for found, name in zip(sums, table.column_names, strict=True):
                found.add(table[name].combine_chunks())
            extremes.add(table)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0]
