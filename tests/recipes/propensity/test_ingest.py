"""Dates, sample and joins in the database, alike on SQLite and on a real MariaDB server."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from recipes.propensity import ingest, sample
from recipes.propensity.config import CONFIG
from recipes.propensity.database import aggregate_tables, read_visits, sales_window
from recipes.propensity.database.downsampling import SAMPLED_VISITS, SampleCounts, downsample
from recipes.propensity.database.sales_window import SalesWindow, find_dates
from recipes.propensity.database.schema import SALES, VISITS
from tests.recipes.propensity.conftest import filled
from trainyard.run.settings.overrides import override

END = datetime(2026, 3, 31, 23, 59, 59)
LONG_AGO = END - timedelta(days=365)


def sell(connection, per_week):
    """Sales in the weeks before END, the last week first."""
    sample.create(connection)
    rows = [
        {"visit_id": 0, "product_id": 7, "sales_date": END - timedelta(days=7 * week + 3), "revenue": 1}
        for week, count in enumerate(per_week)
        for _ in range(count)
    ]
    connection.execute(SALES.insert(), rows)
    connection.commit()


def test_the_window_grows_week_by_week_until_a_threshold_is_passed(empty, monkeypatch):
    # The document's thresholds in thousandths: more than 30 days and 10 sales, or more than 14 days and 50.
    monkeypatch.setattr(sales_window, "SUFFICIENT", ((30, 10), (14, 50)))
    sell(empty, [3, 2, 2, 2, 1, 1, 5])

    def days(**changes):
        return find_dates(empty, 7, **{"start_date": LONG_AGO, "end_date": END, **changes})

    found = days()
    # 35 days hold 10 sales, which is not more than 10; 42 days hold 11.
    assert (found.days, found.sales, found.start) == (42, 11, END - timedelta(days=42))
    # A start date that leaves three whole weeks: the longest window there is.
    assert (days(start_date=END - timedelta(days=27)).days, days(start_date=END - timedelta(days=27)).sales) == (21, 7)
    assert days(start_date=END - timedelta(days=2)).days == 7
    assert find_dates(empty, 8, start_date=END - timedelta(days=21), end_date=END).sales == 0
    with pytest.raises(ValueError, match="expected a start date before"):
        days(start_date=END)


def test_many_sales_need_three_weeks_only(empty_sqlite, monkeypatch):
    monkeypatch.setattr(sales_window, "SUFFICIENT", ((30, 10), (14, 50)))
    sell(empty_sqlite, [60, 1, 1, 1])
    found = find_dates(empty_sqlite, 7, start_date=LONG_AGO, end_date=END)
    # 14 days are not more than 14.
    assert (found.days, found.sales) == (21, 62)


def test_the_documents_thresholds():
    assert sales_window.SUFFICIENT == ((30, 10_000), (14, 50_000))


def spread(connection, others, sales):
    """Visits one minute apart, sales first."""
    sample.create(connection)
    rows = [
        {
            "visit_id": number,
            "product_id": 7,
            "visitor_id": 1,
            "visit_date": END - timedelta(minutes=number),
            "is_sale": int(number <= sales),
        }
        for number in range(1, others + sales + 1)
    ]
    connection.execute(VISITS.insert(), rows)
    connection.commit()
    return SalesWindow(start=END - timedelta(days=60), end=END, sales=sales)


def sampled_ids(connection):
    found = connection.execute(sa.select(SAMPLED_VISITS.c.visit_id).order_by("visit_id")).scalars()
    return np.array(list(found))


def test_the_sample_has_exactly_the_size_asked_for_and_depends_on_the_seed_alone(empty):
    found = spread(empty, 20_000, 100)
    counts = downsample(empty, 7, window=found, max_sales=100, negatives_per_sale=8, seed=1)
    assert counts == SampleCounts(sales=100, others=20_000, sampled_sales=100, sampled_others=800)
    first = sampled_ids(empty)
    downsample(empty, 7, window=found, max_sales=100, negatives_per_sale=8, seed=1)
    assert (sampled_ids(empty) == first).all()
    downsample(empty, 7, window=found, max_sales=100, negatives_per_sale=8, seed=2)
    other = sampled_ids(empty)
    assert len(first) == len(other) == 900
    # Two independent samples of 800 among 20,000 share 32 in expectation.
    assert 10 < len(np.intersect1d(first[first > 100], other[other > 100])) < 60
    # Neither the oldest nor the newest: ids are spread evenly (Kolmogorov-Smirnov at the 0.1 % level).
    place = np.sort(first[first > 100] - 100) / 20_000
    assert np.abs(place - np.arange(1, 801) / 800).max() < 1.95 / np.sqrt(800)


def test_a_limit_below_the_sales_thins_them_out_too(empty_sqlite):
    found = spread(empty_sqlite, 3000, 300)
    counts = downsample(empty_sqlite, 7, window=found, max_sales=50, negatives_per_sale=8, seed=1)
    assert (counts.sampled_sales, counts.sampled_others) == (50, 400)
    assert (sampled_ids(empty_sqlite) <= 300).sum() == 50


def test_both_databases_draw_the_same_visits(empty_sqlite, empty_mariadb):
    ids = []
    for connection in (empty_sqlite, empty_mariadb):
        downsample(connection, 7, window=spread(connection, 5000, 50), max_sales=50, negatives_per_sale=8, seed=5)
        ids.append(sampled_ids(connection))
    assert (ids[0] == ids[1]).all()


def test_extract_writes_visits_in_chunks_with_every_aggregate_column(empty, tmp_path):
    filled(empty, size=40_000)
    config = override(CONFIG, {"data": {"chunk_rows": 500, "negatives_per_sale": 3}})
    quality = ingest.extract(empty, tmp_path, config=config)
    assert quality.ok, quality.problems
    file = pq.ParquetFile(tmp_path / "visits" / "part-00000.parquet")
    assert file.num_row_groups >= 3
    assert max(file.metadata.row_group(each).num_rows for each in range(file.num_row_groups)) <= 500
    visits = file.read().to_pandas()
    population = pd.read_parquet(tmp_path / "population").iloc[0]
    assert visits.is_sale.sum() == population.sampled_sales == population.sales
    assert len(visits) == population.sampled_sales + population.sampled_others
    assert (visits.is_sale == 0).sum() == 3 * population.sales_volume
    expected = pd.read_sql(
        sa.text("SELECT * FROM agg_visit_engagement JOIN agg_visit_device USING (visit_id)"), empty
    ).set_index("visit_id")
    own = visits.set_index("visit_id")
    for name in ("dwell_seconds", "basket_adds", "country", "hour_of_day", "scroll_depth"):
        pd.testing.assert_series_equal(own[name], expected.loc[own.index, name], check_dtype=False)
    assert own.dtypes["prior_revenue"] == np.float64
    assert quality.figures["window_days"] == 84


def test_a_visit_without_aggregates_stays(empty_sqlite, tmp_path):
    filled(empty_sqlite, size=20_000)
    empty_sqlite.execute(sa.text("DELETE FROM agg_visit_device WHERE visit_id % 2 = 0"))
    quality = ingest.extract(empty_sqlite, tmp_path, config=CONFIG)
    visits = pd.read_parquet(tmp_path / "visits")
    assert quality.ok
    assert len(visits) == quality.figures["sampled_sales"] + quality.figures["sampled_others"]
    assert visits.device.isna().sum() == (visits.visit_id % 2 == 0).sum()


def test_what_a_database_lacks_is_said(empty_sqlite, tmp_path):
    empty_sqlite.execute(sa.text("CREATE TABLE products (product_id INTEGER, active INTEGER)"))
    empty_sqlite.execute(sa.text("CREATE TABLE visits (visit_id INTEGER, product_id INTEGER, visit_date TEXT)"))
    problems = ingest.extract(empty_sqlite, tmp_path, config=CONFIG).problems
    assert len(problems) == 3
    assert "expected a table visits with the columns" in problems[0] and "found none with is_sale" in problems[0]
    assert "expected a table sales" in problems[1]
    assert "agg_visit_*" in problems[2]


def test_products_are_chosen_or_refused(empty_sqlite, tmp_path):
    filled(empty_sqlite, size=20_000, active=(9, 7))
    assert ingest.children(empty_sqlite, CONFIG) == [{"data": {"product_id": 7}}, {"data": {"product_id": 9}}]
    one = override(CONFIG, {"data": {"product_id": 9}})
    assert ingest.children(empty_sqlite, one) == []
    assert "found 2; name one" in ingest.extract(empty_sqlite, tmp_path, config=CONFIG).problems[0]
    for child in ingest.children(empty_sqlite, CONFIG):
        product = child["data"]["product_id"]
        quality = ingest.extract(empty_sqlite, tmp_path / str(product), config=override(CONFIG, child))
        assert quality.ok and quality.figures["product_id"] == product
    unknown = override(CONFIG, {"data": {"product_id": 99}})
    assert "found no such product" in ingest.extract(empty_sqlite, tmp_path, config=unknown).problems[0]
    early = override(CONFIG, {"data": {"product_id": 7, "start_date": "2027-01-01"}})
    assert "expected a date before" in ingest.extract(empty_sqlite, tmp_path, config=early).problems[0]


def test_two_rows_per_visit_are_refused(empty_sqlite, tmp_path):
    filled(empty_sqlite, size=20_000)
    empty_sqlite.execute(sa.text("CREATE TABLE agg_visit_more AS SELECT visit_id, pageviews FROM agg_visit_engagement"))
    empty_sqlite.execute(sa.text("INSERT INTO agg_visit_more SELECT * FROM agg_visit_more"))
    quality = ingest.extract(empty_sqlite, tmp_path, config=CONFIG)
    assert "expected one row per visit" in quality.problems[0]
    names = pq.read_schema(tmp_path / "visits" / "part-00000.parquet").names
    assert {"agg_visit_more_pageviews", "agg_visit_engagement_pageviews"} <= set(names)


ODD = [
    "",
    None,
    'a "quoted", and',
    "two\nlines\r\n",
    "back\\slash\\",
    "\u00fcn\u00efc\u00f6de \u65b0 \U0001f600",
    "NULL",
    ",",
    '"',
    "7",
]


def test_texts_and_numbers_come_out_as_they_went_in(empty):
    sample.create(empty)
    number = sa.Double if empty.dialect.name != "sqlite" else sa.Float
    table = sa.Table(
        "agg_visit_odd",
        sa.MetaData(),
        sa.Column("visit_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("words", sa.String(64)),
        sa.Column("share", number),
        sa.Column("price", sa.Numeric(20, 6)),
        sa.Column("count", sa.BigInteger),
        mysql_charset="utf8mb4",
    )
    table.create(empty)
    values = [0.1, None, 1e-300, -1.7976931348623157e308, 1 / 3, 2.0**53 + 2, 0.0, 5e-324 * 2**60, -0.5, 123456789.125]
    rows = [
        {
            "visit_id": at,
            "words": ODD[at],
            "share": values[at],
            "price": at / 8,
            "count": None if at == 3 else 2**62 + at,
        }
        for at in range(len(ODD))
    ]
    empty.execute(table.insert(), rows)
    visits = [
        {"visit_id": at, "product_id": 7, "visitor_id": 1, "visit_date": END, "is_sale": at % 2} for at in range(11)
    ]
    empty.execute(VISITS.insert(), visits)
    empty.commit()
    tables = aggregate_tables.find(empty, "agg_visit_odd")
    chosen = sa.select(VISITS.c.visit_id, VISITS.c.is_sale).order_by(VISITS.c.visit_id).subquery()
    columns = aggregate_tables.feature_columns(tables, ())
    read = (
        pa.concat_tables(read_visits.read_chunks(empty, tables, columns=columns, chunk_rows=4, visits=chosen))
        .sort_by("visit_id")
        .to_pydict()
    )
    assert read["visit_id"] == list(range(11))
    assert read["is_sale"] == [at % 2 for at in range(11)]
    # The last visit has no row in the table.
    assert read["words"] == [*ODD, None]
    assert read["share"] == [*values, None]
    assert read["price"] == [*(each["price"] for each in rows), None]
    assert read["count"] == [*(each["count"] for each in rows), None]
