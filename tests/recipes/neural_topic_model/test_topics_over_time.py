"""Topics over time: periods, means, intervals and changes of known answers; dates as files have them."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow.parquet as pq
import pytest

from recipes.neural_topic_model.config import CONFIG, sources
from recipes.neural_topic_model.topics.over_time import MAX_PERIODS, topics_over_time
from recipes.neural_topic_model.topics.over_time_section import over_time_section
from trainyard.reading.model import LocalFile
from trainyard.reading.read import read

TEXT = "some words about coffee that is roasted dark and tastes of chocolate"


def days(first, last, count, seed=1):
    start, end = np.datetime64(first, "D"), np.datetime64(last, "D")
    return start + np.random.default_rng(seed).integers(0, (end - start).astype(int) + 1, count)


def shares(dates, rise):
    """Of two topics; the first is at 0.3 before 2024 and at 0.3 + rise from then on, give or take."""
    noise = np.random.default_rng(2).normal(0, 0.1, len(dates))
    first = np.clip(0.3 + rise * (dates >= np.datetime64("2024-01-01")) + noise, 0, 1)
    return np.stack([first, 1 - first], axis=1)


@pytest.mark.parametrize(
    ("last", "unit", "start"),
    [
        ("2023-01-20", "day", "2023-01-03"),
        ("2023-04-30", "week", "2023-01-02"),
        ("2024-06-30", "month", "2023-02-01"),
        ("2027-06-30", "quarter", "2023-04-01"),
        ("2045-06-30", "year", "2024-01-01"),
    ],
)
def test_a_period_is_the_shortest_that_gives_few_points(last, unit, start):
    dates = days("2023-01-03", last, 3000)
    found = topics_over_time(dates, shares(dates, 0.0))
    assert found.unit == unit
    assert len(found.starts) <= MAX_PERIODS
    assert np.datetime64(start) in found.starts
    assert found.reviews.sum() == 3000


def test_one_review_of_1970_makes_no_period_longer_and_counts_for_none():
    dates = np.append(days("2023-01-01", "2023-12-31", 999), np.datetime64("1970-01-01"))
    found = topics_over_time(dates, shares(dates, 0.0))
    assert (found.unit, found.reviews.sum(), found.starts[0]) == ("month", 999, np.datetime64("2023-01-01"))


def test_means_intervals_and_changes_are_those_of_the_reviews():
    dates = days("2023-01-01", "2024-12-31", 4000)
    given = shares(dates, 0.2)
    found = topics_over_time(dates, given)
    march = given[dates.astype("datetime64[M]") == np.datetime64("2023-03"), 0]
    place = found.starts.tolist().index(date(2023, 3, 1))
    assert found.shares[place, 0] == pytest.approx(march.mean())
    off = 1.96 * march.std(ddof=1) / np.sqrt(len(march))
    assert [found.low[place, 0], found.high[place, 0]] == pytest.approx([march.mean() - off, march.mean() + off])
    assert found.middle == np.datetime64("2024-01-01")
    assert found.change[0] == pytest.approx(0.2, abs=4 * found.error[0])
    assert found.change[0] / found.error[0] > 20
    assert found.shares.sum(axis=1) == pytest.approx(1.0)


def test_without_dates_in_two_periods_there_is_nothing_to_show(tmp_path):
    none = np.full(50, np.datetime64("NaT"), dtype="datetime64[D]")
    one_day = np.full(50, np.datetime64("2026-01-31"))
    for dates in (none, one_day, none[:0]):
        assert over_time_section(dates, shares(dates, 0.0), names=["tea", "dogs"], outputs=tmp_path) == ()
    assert list(tmp_path.iterdir()) == []


def test_the_section_lists_what_changed_most_and_leaves_table_and_picture(tmp_path):
    dates = days("2022-01-01", "2025-12-31", 2000)
    dates[:100] = np.datetime64("NaT")
    spread = np.random.default_rng(3).dirichlet([2, 2], 2000) * 0.5
    both = np.concatenate([spread, 0.5 * shares(dates, 0.3)], axis=1)
    (section,) = over_time_section(dates, both, names=["tea", "dogs", "soap", "$ and $"], outputs=tmp_path)
    assert "1,900 of 2,000 reviews, by quarter. Others have no date" in section.text
    assert {row[1] for row in section.tables[0].rows[:2]} == {"soap", "$ and $"}
    assert section.figures[0].png[1:4] == b"PNG"
    assert (tmp_path / "topics_over_time.png").read_bytes() == section.figures[0].png
    table = pq.read_table(tmp_path / "topics_over_time.parquet").to_pylist()
    assert table[0]["period"] == date(2022, 1, 1)
    assert len(table) == 16 * 4
    assert all(row["low"] <= row["share"] <= row["high"] for row in table)


@pytest.mark.parametrize(
    ("header", "written", "meant"),
    [
        ("Time", "1303862400", date(2011, 4, 27)),
        ("review_date", "2015-08-31", date(2015, 8, 31)),
        ("unixReviewTime", "1387756800", date(2013, 12, 23)),
        ("reviewTime", "12 23, 2013", date(2013, 12, 23)),
        ("created_at", "Wed Aug 27 13:08:45 +0000 2008", date(2008, 8, 27)),
        ("date", "27/8/2008", date(2008, 8, 27)),
    ],
)
def test_dates_are_read_as_files_have_them(tmp_path, header, written, meant):
    table, _ = read_reviews(tmp_path, header, [written] * 3)
    assert [each.date() for each in table["date"].to_pylist()] == [meant] * 3


@pytest.mark.parametrize("written", ["two days ago", "3/4/2026"])
def test_a_date_that_cannot_be_read_costs_no_review_and_is_told(tmp_path, written):
    table, quality = read_reviews(tmp_path, "date", [written, written, "2026-01-31", ""])
    known = [each and each.date() for each in table["date"].to_pylist()]
    assert known == [None, None, date(2026, 1, 31), None]
    assert len(quality.warnings) == 1
    assert f"expected a time such as 2026-01-31 23:59:59 in column date, found '{written}'" in quality.warnings[0]
    assert "in 2 of 4 rows" in quality.warnings[0]
    assert "reviews_left_out" not in quality.figures


def read_reviews(folder, header, written):
    lines = [f'"{TEXT} {number}","{each}"' for number, each in enumerate(written)]
    path = folder / "reviews.csv"
    path.write_text("\n".join([f"text,{header}", *lines]) + "\n")
    (folder / "scratch").mkdir()
    files = [LocalFile(name=path.name, path=path, source="reviews")]
    found = read(files, sources(CONFIG), settings={}, max_bad_share=0.0, scratch=folder / "scratch")
    assert found.quality.ok, found.quality.problems
    return pq.read_table(found.tables["reviews"][0]), found.quality
