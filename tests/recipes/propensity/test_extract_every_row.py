"""Every visit of a product, not a sample of them, alike on SQLite and on a real MariaDB server."""

from __future__ import annotations

import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from recipes.propensity import ingest
from recipes.propensity.config import CONFIG
from recipes.propensity.database import aggregate_tables
from recipes.propensity.database.schema import VISITS
from tests.recipes.propensity.conftest import filled
from trainyard.run.settings.overrides import override


def extracted(connection, folder, **data):
    config = override(CONFIG, {"data": {"product_id": 0, "chunk_rows": 500, **data}})
    return ingest.extract_every_row(connection, folder, config=config), folder / ingest.EVERY_VISIT


def test_all_visits_between_the_dates_come_in_the_columns_of_the_sample(empty, tmp_path):
    filled(empty, size=3000)
    product = empty.execute(sa.select(VISITS.c.product_id).limit(1)).scalar_one()
    own = VISITS.c.product_id == product
    first, last = empty.execute(sa.select(sa.func.min(VISITS.c.visit_date), sa.func.max(VISITS.c.visit_date))).one()
    quality, folder = extracted(empty, tmp_path / "all", product_id=product, start_date=str(first), end_date=str(last))
    assert quality.ok, quality.problems
    rows = pq.read_table(folder)
    ids = empty.execute(sa.select(VISITS.c.visit_id).where(own)).scalars().all()
    assert sorted(rows["visit_id"].to_pylist()) == sorted(ids)
    assert quality.figures == {"every_visit_rows": len(ids)}
    features = [each.name for each in aggregate_tables.feature_columns(aggregate_tables.find(empty, "agg_visit_"), ())]
    assert rows.column_names == ["visit_id", "is_sale", *features]

    middle = first + (last - first) / 2
    quality, folder = extracted(
        empty, tmp_path / "half", product_id=product, start_date=str(middle), end_date=str(last)
    )
    later = sa.select(sa.func.count()).where(own, VISITS.c.visit_date >= middle)
    assert pq.read_table(folder).num_rows == empty.execute(later).scalar_one() < len(ids)


def test_a_product_without_visits_is_refused(empty_sqlite, tmp_path):
    filled(empty_sqlite, size=500, active=(7, 8))
    empty_sqlite.execute(VISITS.delete().where(VISITS.c.product_id == 8))
    quality, _ = extracted(empty_sqlite, tmp_path, product_id=8)
    assert "visits of product 8, found none" in quality.problems[0]


def test_dates_without_visits_are_refused(empty_sqlite, tmp_path):
    filled(empty_sqlite, size=500)
    quality, _ = extracted(empty_sqlite, tmp_path, start_date="1990-01-01", end_date="1990-02-01")
    assert "between the dates" in quality.problems[0]


def test_two_rows_for_a_visit_are_refused(empty_sqlite, tmp_path):
    filled(empty_sqlite, size=500)
    empty_sqlite.execute(sa.text("CREATE TABLE agg_visit_more (visit_id INTEGER, value INTEGER)"))
    copies = "INSERT INTO agg_visit_more SELECT visit_id, 1 FROM visits UNION ALL SELECT visit_id, 2 FROM visits"
    empty_sqlite.execute(sa.text(copies))
    quality, _ = extracted(empty_sqlite, tmp_path, start_date="1990-01-01")
    assert "one row per visit" in quality.problems[0]


@pytest.mark.parametrize("missing", ["agg_visit_", "visits"])
def test_a_database_of_another_schema_is_refused(empty_sqlite, tmp_path, missing):
    filled(empty_sqlite, size=500)
    names = sa.inspect(empty_sqlite).get_table_names()
    for name in [each for each in names if each.startswith(missing)]:
        empty_sqlite.execute(sa.text(f"DROP TABLE {name}"))
    quality, _ = extracted(empty_sqlite, tmp_path)
    assert not quality.ok
