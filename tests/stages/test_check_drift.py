"""Requests that an endpoint kept, profiled as the data of its model were: what is compared, and what is no drift."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from recipes.headline_classifier.captured import CapturedHeadlines
from recipes.headline_classifier.features import Encoder as HeadlineEncoder
from recipes.headline_classifier.features import NgramVocabulary
from recipes.prod2vec.captured import CapturedBaskets
from recipes.two_tower.captured import CapturedUsers
from tests.recipes.captured import MODEL_RUN, keep
from trainyard.contract.captured import Captured
from trainyard.contract.config import WATCHED, Share
from trainyard.contract.sources import Column
from trainyard.contract.tabular.captured import CapturedRows
from trainyard.contract.tabular.features import Encoder
from trainyard.contract.tabular.table import Table
from trainyard.run.watch.drift import moved
from trainyard.run.watch.drift_check import DriftCheck
from trainyard.run.watch.profile import (
    SAMPLED_ROWS,
    AnswerProfile,
    ColumnProfile,
    DataProfile,
    Quantiles,
    TableProfile,
)
from trainyard.stages.answers import AnswerProfiler
from trainyard.stages.check_drift import kept_rows
from trainyard.stages.check_drift.check_drift import _Profiles
from trainyard.stages.check_drift.profile_alike import ProfileAlike

ROWS = 2_000
PLANS = ("free", "basic", "gold")


def reference() -> TableProfile:
    """What a model learned from: an age, a plan, a remark, whether there is a contract, a key and a share."""
    number = Quantiles.of(np.linspace(18, 80, ROWS).tolist())
    lengths = Quantiles.of(np.linspace(5, 40, ROWS).tolist())
    known = {"missing": 0.0, "rows": ROWS}
    columns = {
        "age": ColumnProfile(kind="number", quantiles=number, **known),
        "plan": ColumnProfile(kind="category", top=dict.fromkeys(PLANS, 1 / 3), complete=True, **known),
        "remark": ColumnProfile(kind="text", quantiles=lengths, **known),
        "contract": ColumnProfile(kind="category", top={"true": 0.5, "false": 0.5}, complete=True, **known),
        "id": ColumnProfile(kind="key", **known),
        "unknown": ColumnProfile(kind="share", share=0.1, **known),
    }
    return TableProfile(rows=ROWS, sampled=ROWS, columns=columns)


def rows(rng: np.random.Generator, **changes: Any) -> dict[str, list[Any]]:
    """As callers write them: numbers as text, true as a truth, keys as numbers."""
    found = {
        "age": [f"{each:.1f}" for each in rng.uniform(18, 80, ROWS)],
        "plan": rng.choice(PLANS, ROWS).tolist(),
        "remark": ["x" * int(each) for each in rng.uniform(5, 40, ROWS)],
        "contract": [bool(each) for each in rng.integers(0, 2, ROWS)],
        "id": list(range(ROWS)),
        "unknown": [1] * ROWS,
        "words": [10] * ROWS,
    }
    return {**found, **changes}


def profiled(columns: dict[str, list[Any]], *, without_empty: bool = False, least_rows: int = 1) -> DataProfile:
    found = ProfileAlike(reference(), (Share(name="unknown", of="words"),))
    half = ROWS // 2
    for part in (slice(None, half), slice(half, None)):
        found.add({name: cells[part] for name, cells in columns.items()})
    return DataProfile(tables={"customers": found.profile(without_empty=without_empty, least_rows=least_rows)})


def moves(**changes: Any) -> list[str]:
    before, after = DataProfile(tables={"customers": reference()}), profiled(rows(np.random.default_rng(3), **changes))
    return [each.sentence for each in moved(before, after)]


def test_rows_as_callers_write_them_have_not_moved() -> None:
    found = profiled(rows(np.random.default_rng(3))).tables["customers"]
    assert set(found.columns) == set(reference().columns)
    assert moves() == []
    assert moves(contract=[("yes", "FALSE")[each % 2] for each in range(ROWS)]) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"age": [each % 40 for each in range(ROWS)]}, "customers.age: median"),
        ({"plan": ["gold"] * ROWS}, "customers.plan: gold"),
        ({"plan": [PLANS[each % 3] if each % 4 else "platinum" for each in range(ROWS)]}, "platinum"),
        ({"remark": ["much longer " * 9] * ROWS}, "customers.remark: median length"),
        ({"contract": [None] * ROWS}, "customers.contract: missing 0.0% -> 100.0%"),
        ({"unknown": [3] * ROWS}, "customers.unknown: 10.0% -> 30.0%"),
    ],
)
def test_what_moved_is_found(changes: dict[str, Any], said: str) -> None:
    assert any(said in each for each in moves(**changes))


def test_columns_of_fields_that_are_never_kept_are_left_out() -> None:
    empty = rows(np.random.default_rng(3), contract=[None] * ROWS)
    assert "contract" not in profiled(empty, without_empty=True).tables["customers"].columns


def test_rows_like_none_that_was_evaluated_are_passed_over() -> None:
    short = [*[True] * 100, *[False] * (ROWS - 100)]
    found = profiled({**rows(np.random.default_rng(3)), WATCHED: short}).tables["customers"]
    assert {each.rows for each in found.columns.values()} == {100}


def test_only_rows_that_the_model_answered_are_read(tmp_path: Path) -> None:
    asked = [{"age": number} for number in range(6)]
    keep(tmp_path / "a.parquet", asked, [{"churn": 1}] * 6)
    keep(tmp_path / "b.parquet", asked, [{"churn": 1}] * 6, run_id="another")
    keep(tmp_path / "c.parquet", [{"age": 6}], [["no object"]])
    files = sorted(tmp_path.iterdir())
    assert kept_rows.count(files, run_id=MODEL_RUN) == 7
    read = [each for part in kept_rows.read(files, run_id=MODEL_RUN, rows=7) for each in part.requests]
    assert read == [*asked, {"age": 6}]
    assert [part.answers for part in kept_rows.read(files, run_id=MODEL_RUN, rows=7)][-1] == [{}]


def test_of_many_rows_some_are_read_at_equal_distances(tmp_path: Path) -> None:
    for number in range(3):
        keep(tmp_path / f"{number}.parquet", [{"n": 100 * number + each} for each in range(100)], [{}] * 100)
    files = sorted(tmp_path.iterdir())
    parts = kept_rows.read(files, run_id=MODEL_RUN, rows=7 * SAMPLED_ROWS)
    assert [each["n"] for part in parts for each in part.requests] == list(range(0, 300, 7))


def test_of_fewer_rows_than_are_enough_nothing_is_said() -> None:
    few = {**rows(np.random.default_rng(3), age=["80"] + [None] * (ROWS - 1)), "words": [1] + [0] * (ROWS - 1)}
    found = profiled(few, least_rows=200).tables["customers"].columns
    # Of one age nobody can tell how ages are spread, but that others have none.
    assert (found["age"].kind, found["age"].missing) == ("key", pytest.approx(1 - 1 / ROWS))
    assert "unknown" not in found
    one = profiled({name: cells[:1] for name, cells in few.items()}, least_rows=200)
    assert one.tables["customers"].columns == {}


def test_what_a_table_has_and_the_model_does_not_read_is_not_missed() -> None:
    names = ("customer_id", "age", "country", "churn")
    columns = tuple(Column(name=name, type="float64" if name == "age" else "string") for name in names)
    table = Table(
        name="customers", key="customer_id", target="churn", task="classification", positive="yes", columns=columns
    )
    frame = pd.DataFrame(
        {
            "customer_id": [str(each) for each in range(60)],
            "age": [float(each) for each in range(60)],
            "country": ["de"] * 60,
            "churn": ["yes", "no"] * 30,
        }
    )
    encoder = Encoder.fit(frame, table, max_categories=10)
    assert encoder.ignored == ("customer_id", "country")
    assert CapturedRows(encoder).read_fields() == ("age",)


@pytest.mark.parametrize(("knows", "read"), [(0, ()), (1, ("url",))])
def test_of_a_headline_an_address_counts_where_the_model_learned_from_it(knows: int, read: tuple[str, ...]) -> None:
    none = NgramVocabulary.empty()
    known = NgramVocabulary(hashes=np.zeros(knows, np.uint64), idf=np.zeros(knows, np.float32))
    encoder = HeadlineEncoder(
        classes=("b", "t"),
        words=(),
        word_ngrams=none,
        character_ngrams=none,
        source_words=known,
        log_odds=np.zeros((0, 2)),
        length=40,
    )
    said = CapturedHeadlines(encoder, source_columns=("url",))
    assert said.read_fields() == ("title", "description", *read)
    table = TableProfile(
        rows=ROWS,
        sampled=ROWS,
        columns={
            "ID": ColumnProfile(kind="key", missing=0.0, rows=ROWS),
            **{name: ColumnProfile(kind="text", missing=0.0, rows=ROWS) for name in ("TITLE", "URL")},
        },
    )
    check = DriftCheck(model_run=MODEL_RUN, hours=24, files=1, found=1, tables={"headlines": table})
    profiles = _Profiles(check, Captured(), fields=frozenset(said.read_fields()), shares=(), least_rows=1)
    assert set(profiles._requested([{"title": "x"}])["headlines"]) == {"TITLE", *map(str.upper, read)}


Asked = list[tuple[dict[str, Any], dict[str, Any]]]


def of_users(items: Any) -> Asked:
    """Users by id: those whom a model remembers, as many who are new, and some who get titles alone."""
    known = [({"uid": "u"}, {"recommended": [{"movie_id": int(each)}, {"movie_id": 1}], "rated": 9}) for each in items]
    new = [({"uid": "n", "ratings": [{"movie_id": 3}]}, {"recommended": [{"movie_id": 1}], "rated": 1})] * len(items)
    return known + new + [({"uid": "t"}, {"Recommended": ["Heat"]})] * 100


def of_baskets(items: Any) -> Asked:
    """Baskets, as many that are empty, and some requests for products like one."""
    filled = [({"basket": [5]}, {"products": [{"product_id": int(each)}, {"product_id": 1}]}) for each in items]
    empty = [({"basket": []}, {"products": [{"product_id": 1}]})] * len(items)
    return filled + empty + [({"product_id": 7}, {"products": [{"product_id": 1}]})] * 100


@pytest.mark.parametrize(
    ("captured", "column", "asked"),
    [(CapturedUsers(), "best_movie", of_users), (CapturedBaskets(), "goes_with", of_baskets)],
)
def test_what_is_recommended_is_watched_where_the_evaluation_asked_alike(
    captured: Captured, column: str, asked: Any, tmp_path: Path
) -> None:
    rng = np.random.default_rng(7)
    profiler = AnswerProfiler(rows=ROWS)
    profiler.add(pa.table({column: rng.integers(0, 300, ROWS).astype(str)}))
    evaluated = profiler.profile()
    check = DriftCheck(model_run=MODEL_RUN, hours=24, files=1, found=1, tables={}, answers=evaluated)

    def found(items: Any) -> list[str]:
        profiles = _Profiles(check, captured, fields=frozenset(), shares=(), least_rows=200)
        requests, answers = zip(*asked(items), strict=True)
        profiles.add(requests, answers)
        profiles.write(tmp_path)
        now = AnswerProfile.read(tmp_path).answers
        assert now.columns[column].rows == len(items)
        return [each.sentence for each in moved(*(DataProfile(tables={"answers": each}) for each in (evaluated, now)))]

    items = rng.integers(0, 300, ROWS)
    assert found(items) == []
    items[: ROWS // 5] = 42
    [said] = found(items)
    assert said.startswith(f"answers.{column}: 42 0.")
