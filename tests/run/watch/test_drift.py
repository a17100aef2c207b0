"""What moved between two sets of data: planted moves are found at 2,000 rows, and chance is not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainyard.contract.config import Drift
from trainyard.contract.sources import Column, Source
from trainyard.run.watch.chance import stability_index
from trainyard.run.watch.drift import DataDrift, drift, moved
from trainyard.run.watch.profile import ColumnProfile, DataProfile, Quantiles, TableProfile
from trainyard.stages.answers import AnswerProfiler
from trainyard.stages.ingest.profile import SAMPLED_ROWS, profile

REFERENCE_ROWS, ROWS, UPLOADS = 10_000, 2_000, 25
SOURCES = (
    Source(
        name="visits",
        files=("visits",),
        columns=(Column(name="visitor", type="id"),),
        other_columns=True,
    ),
)
Columns = dict[str, pa.Array]


def drawn(rng: np.random.Generator, rows: int) -> Columns:
    """Columns of the kinds that people have, each with 2 % of gaps."""
    words = 1 / np.arange(1, 301)
    columns = {
        "visitor": rng.integers(0, 10 * rows, rows),
        "order": np.arange(rows),
        "price": rng.normal(10, 2, rows),
        "amount": rng.lognormal(0, 1.5, rows),
        "pages": rng.poisson(3, rows),
        "month": rng.choice(["Jan", "Feb", "Mar", "Apr", "May"], rows, p=[0.5, 0.25, 0.15, 0.08, 0.02]),
        "product": rng.choice([f"product {place}" for place in range(300)], rows, p=words / words.sum()),
        "returning": rng.random(rows) < 0.1,
        "comment": [f"{'word ' * each}{place}" for place, each in enumerate(rng.poisson(12, rows))],
        "at": (rng.integers(1_700_000_000, 1_800_000_000, rows) * 1_000_000).astype("datetime64[us]"),
    }
    return {name: pa.array(values, mask=rng.random(rows) < 0.02) for name, values in columns.items()}


def profiled(folder: Path, columns: Columns, **options: int) -> DataProfile:
    (folder / "visits").mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), folder / "visits" / "part-0.parquet", **options)
    return profile({"visits": folder / "visits"}, SOURCES, scratch=folder)


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> DataProfile:
    return profiled(tmp_path_factory.mktemp("reference"), drawn(np.random.default_rng(1), REFERENCE_ROWS))


def test_columns_are_of_the_kinds_that_people_mean(reference: DataProfile) -> None:
    columns = reference.tables["visits"].columns
    assert {name: each.kind for name, each in columns.items()} == {
        "visitor": "key",
        "order": "key",
        "price": "number",
        "amount": "number",
        "pages": "number",
        "month": "category",
        "product": "category",
        "returning": "category",
        "comment": "text",
        "at": "time",
    }
    assert columns["month"].complete
    assert columns["month"].top["Jan"] == pytest.approx(0.5, abs=0.02)
    assert columns["price"].missing == pytest.approx(0.02, abs=0.01)
    assert columns["price"].quantiles.median == pytest.approx(10, abs=0.1)
    assert not columns["visitor"].top


def test_chance_is_not_a_move(reference: DataProfile, tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    found = [moved(reference, profiled(tmp_path, drawn(rng, ROWS))) for _ in range(UPLOADS)]
    assert found == [[]] * UPLOADS


def shifted(columns: Columns) -> None:
    columns["price"] = pa.array(np.asarray(columns["price"].fill_null(10)) + 1)


def renamed(columns: Columns) -> None:
    columns["month"] = pa.array(["April" if each == "Apr" else each for each in columns["month"].to_pylist()])


def gone(columns: Columns) -> None:
    columns["amount"] = pa.array([None if place % 12 == 0 else each for place, each in enumerate(columns["amount"])])


def new_range(columns: Columns) -> None:
    named = enumerate(columns["product"].to_pylist())
    columns["product"] = pa.array([f"new {place % 40}" if place % 4 == 0 else each for place, each in named])


def longer(columns: Columns) -> None:
    columns["comment"] = pa.array([each and each * 2 for each in columns["comment"].to_pylist()])


@pytest.mark.parametrize(
    ("change", "column", "what", "said"),
    [
        (shifted, "price", "number", "median 9.9"),
        (renamed, "month", "new", "values that were not there: April"),
        (gone, "amount", "missing", "missing 2."),
        (new_range, "product", "shares", "product 0 "),
        (longer, "comment", "text", "median length "),
    ],
)
def test_what_was_planted_is_found(
    reference: DataProfile, tmp_path: Path, change: Callable[[Columns], None], column: str, what: str, said: str
) -> None:
    columns = drawn(np.random.default_rng(3), ROWS)
    change(columns)
    found = moved(reference, profiled(tmp_path, columns))
    assert {each.column for each in found} == {column}
    [move] = [each for each in found if each.what == what]
    assert said in move.text
    assert move.sentence.startswith(f"visits.{column}: ")


@pytest.mark.parametrize("group", [5_000, 50_000, 2_500])
def test_a_long_table_is_judged_by_rows_from_all_of_it(tmp_path: Path, group: int) -> None:
    rows = 2 * SAMPLED_ROWS
    found = profiled(tmp_path, {"value": pa.array(np.arange(rows) / 7)}, row_group_size=group).tables["visits"]
    assert found.rows == rows
    assert found.sampled == pytest.approx(SAMPLED_ROWS, rel=0.05)
    assert found.columns["value"].quantiles.median == pytest.approx(rows / 14, rel=0.03)


def test_it_is_small_and_comes_back_from_json(reference: DataProfile, tmp_path: Path) -> None:
    wide = drawn(np.random.default_rng(4), 3_000)
    found = profiled(tmp_path, {f"{name} {place}": each for place in range(6) for name, each in wide.items()})
    assert len(found.to_json()) < 200_000
    assert DataProfile.from_json(found.to_json()) == found
    told = DataDrift(reference="r", moves=tuple(moved(reference, found)))
    assert DataDrift.from_json(told.to_json()) == told


@pytest.mark.parametrize(
    "columns",
    [
        {"a": pa.array([], pa.float64()), "b": pa.array([], pa.string())},
        {"a": pa.array([None, None], pa.float64()), "b": pa.array([None, None], pa.string())},
        {"a": pa.array([float("nan"), float("inf")]), "b": pa.array(["", ""])},
        {"a": pa.array([[1], [2]]), "b": pa.array([{"c": 1}, {"c": 2}])},
    ],
)
def test_odd_columns_say_nothing(columns: Columns, tmp_path: Path) -> None:
    found = profiled(tmp_path, columns)
    assert moved(found, found) == []
    assert DataProfile.from_json(found.to_json()) == found


def test_a_column_that_lost_all_its_numbers_has_no_distribution_to_compare(tmp_path: Path) -> None:
    before = profiled(tmp_path, {"a": pa.array([1.0, 2.0])})
    after = profiled(tmp_path, {"a": pa.array([float("nan"), float("inf")])})
    assert after.tables["visits"].columns["a"].quantiles is None
    assert moved(before, after) == moved(after, before) == []


def test_values_of_few_rows_are_not_named(tmp_path: Path) -> None:
    values = ["common"] * 50 + ["of one person"] + ["rare"] * 4
    column = profiled(tmp_path, {"name": pa.array(values)}).tables["visits"].columns["name"]
    assert list(column.top) == ["common"]
    assert not column.complete


numbers = st.lists(st.floats(-1e6, 1e6).map(lambda each: float(f"{each:.6g}")), min_size=1, max_size=300)


@given(numbers)
def test_a_distribution_is_as_it_was_at_the_values_that_are_kept(values: list[float]) -> None:
    found = Quantiles.of(sorted(values))
    for value in found.values:
        below, up_to = found.shares(value)
        assert below == pytest.approx(np.mean(np.asarray(values) < value), abs=1e-6)
        assert up_to == pytest.approx(np.mean(np.asarray(values) <= value), abs=1e-6)
    assert found.shares(min(values) - 1) == (0.0, 0.0)
    assert found.shares(max(values) + 1) == (1.0, 1.0)


def test_what_only_one_of_them_has_is_left_out() -> None:
    number = ColumnProfile(
        kind="number", missing=0.0, rows=9, quantiles=Quantiles(values=(1.0,), below=(0.0,), up_to=(1.0,))
    )
    one = DataProfile(tables={"a": TableProfile(rows=9, sampled=9, columns={"x": number})})
    other = DataProfile(tables={"b": TableProfile(rows=9, sampled=9, columns={"x": number})})
    assert moved(one, other) == []


def share(value: float, rows: int = 2_000) -> DataProfile:
    column = ColumnProfile(kind="share", missing=0.0, rows=rows, share=value)
    return DataProfile(tables={"answers": TableProfile(rows=rows, sampled=rows, columns={"unknown_words": column})})


def test_what_a_model_does_not_know_has_moved_when_it_grows() -> None:
    [move] = moved(share(0.02), share(0.35))
    assert (move.what, move.text) == ("share", "2.0% -> 35.0%")
    assert moved(share(0.35), share(0.02)) == moved(share(0.02), share(0.05)) == []


ITEMS, ITEM_DRAWS = 1_200, 40
# None of them has many rows: the first twenty have a sixth, as what goes best with baskets of a shop.
ITEM_SHARES = 1 / np.arange(60, 60 + ITEMS)


def best_items(rng: np.random.Generator, rows: int, *, collapsed: float = 0.0) -> DataProfile:
    """What is recommended first, of which a share `collapsed` has become two things that hardly ever were."""
    items = rng.choice(ITEMS, rows, p=ITEM_SHARES / ITEM_SHARES.sum())
    items = np.where(rng.random(rows) < collapsed, rng.choice([700, 800], rows), items)
    profiler = AnswerProfiler(rows=rows)
    profiler.add(pa.table({"best": items.astype(str)}))
    return DataProfile(tables={"answers": profiler.profile()})


@pytest.mark.parametrize("rows", [(1_000, 2_000), (20_000, 2_000), (2_000, 20_000), (2_000, 200)])
def test_chance_is_not_a_move_where_no_value_has_many_rows(rows: tuple[int, int]) -> None:
    rng = np.random.default_rng(5)
    before = best_items(rng, rows[0])
    assert [moved(before, best_items(rng, rows[1])) for _ in range(ITEM_DRAWS)] == [[]] * ITEM_DRAWS


@pytest.mark.parametrize("rows", [(100, 2_000), (1_000, 2_000), (20_000, 2_000), (2_000, 20_000)])
def test_what_became_frequent_is_found_where_no_value_had_many_rows(rows: tuple[int, int]) -> None:
    rng = np.random.default_rng(6)
    [move] = moved(best_items(rng, rows[0]), best_items(rng, rows[1], collapsed=0.25))
    assert (move.column, move.what) == ("best", "shares")
    # Of a hundred rows, what is not named may be four.
    assert move.distance == pytest.approx(0.25, abs=0.09 if rows[0] == 100 else 0.06)
    assert {each.split()[0] for each in move.text.split(", ")[:2]} == {"700", "800"}


def test_limits_are_settings(reference: DataProfile, tmp_path: Path) -> None:
    columns = drawn(np.random.default_rng(3), ROWS)
    shifted(columns)
    found = profiled(tmp_path, columns)
    assert moved(reference, found, limits=Drift(distance=0.5)) == []
    told = drift(reference, found, of="r", limits=Drift())
    assert (told.reference, told.moved_columns, told.compared) == ("r", 1, len(columns))


def test_the_stability_index_of_known_shares() -> None:
    halves = [(0.5, 0.8), (0.5, 0.2)]
    assert stability_index(halves) == pytest.approx(0.3 * np.log(1.6) - 0.3 * np.log(0.4))
    assert stability_index([(0.5, 0.5), (0.5, 0.5)]) == 0.0


def test_a_shift_has_the_stability_index_of_its_parts(reference: DataProfile, tmp_path: Path) -> None:
    """Of two normal distributions half a deviation apart it is a quarter; of ten parts a little less."""
    columns = drawn(np.random.default_rng(3), 10_000)
    shifted(columns)
    [move] = moved(reference, profiled(tmp_path, columns))
    assert move.psi == pytest.approx(0.25, abs=0.04)


def test_cells_are_quoted_where_they_may_be(reference: DataProfile, tmp_path: Path) -> None:
    columns = drawn(np.random.default_rng(3), ROWS)
    renamed(columns)
    first, second = moved(reference, profiled(tmp_path, columns))
    assert "April" in first.told(show_cells=True)
    assert first.told(show_cells=False).startswith("visits.month: new by 0.0")
    assert "Apr" not in second.told(show_cells=False)


def test_values_that_begin_alike_are_counted_together(tmp_path: Path) -> None:
    alike = "https://news.example.com/section/politics/2026/november/long-address/"
    found = profiled(tmp_path, {"url": pa.array([f"{alike}a"] * 600 + [f"{alike}b"] * 400)}).tables["visits"]
    assert dict(found.columns["url"].top) == {alike[:60]: 1.0}
    assert found.columns["url"].complete


def test_a_new_value_is_found_although_a_mistyped_one_made_the_list_incomplete() -> None:
    """Three rows are too few to be named, and so that column has others than those that are listed."""

    def colours(*shares: tuple[str, int]) -> DataProfile:
        profiler = AnswerProfiler(rows=sum(rows for _, rows in shares))
        profiler.add(pa.table({"colour": [name for name, rows in shares for _ in range(rows)]}))
        return DataProfile(tables={"answers": profiler.profile()})

    before = colours(("red", 4_000), ("green", 3_000), ("blue", 2_997), ("rde", 3))
    assert not before.tables["answers"].columns["colour"].complete
    [move] = moved(before, colours(("red", 720), ("green", 540), ("blue", 540), ("violet", 200)))
    assert (move.what, move.distance) == ("shares", pytest.approx(0.1, abs=0.01))
    assert "violet 0.0% -> 10.0%" in move.text
