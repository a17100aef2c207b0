"""Takes every visit of a product out of the database, not a sample, for bulk scoring; runs in the ingest job."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa

from recipes.propensity.config import Config
from recipes.propensity.ingest import checked_tables, moment_of, product_of, write_visits
from recipes.propensity.schema import VISITS
from trainyard.errors import BadData
from trainyard.progress import progress
from trainyard.quality import Quality

TABLE = "every_visit"


def extract(connection: sa.Connection, tables_dir: Path, config: Config) -> Quality:
    """Write `every_visit/*.parquet` to `tables_dir`, in the columns of the sample; returns reasons and figures.

    These are the visits from `data.start_date` to `data.end_date`; without dates, those of the `data.history_days`
    before the latest visit. Rows come and go `data.chunk_rows` at a time.
    """
    try:
        tables = checked_tables(connection, config)
        chosen = _chosen(product_of(connection, config), connection, config)
    except BadData as refusal:
        return Quality(problems=refusal.problems)
    progress(0.5, "reading every visit to score")
    read = write_visits(connection, tables, tables_dir / TABLE, config, visits=chosen.subquery())
    wanted = int(connection.execute(sa.select(sa.func.count()).select_from(chosen.subquery())).scalar_one())
    problems = () if read else ("visits: expected visits to score between the dates, found none; set other dates.",)
    if read != wanted:
        names = ", ".join(table.name for table in tables)
        problems = (
            f"database: expected one row per visit in {names}, found {read:,} rows for {wanted:,} visits; make "
            "visit_id the primary key of each of them.",
        )
    return Quality(problems=problems, figures={"every_visit_rows": float(read)})


def _chosen(product_id: int, connection: sa.Connection, config: Config) -> sa.Select[tuple[int, int]]:
    """Ids and labels of the visits; raises BadData where the product has none."""
    own = VISITS.c.product_id == product_id
    latest = connection.execute(sa.select(sa.func.max(VISITS.c.visit_date)).where(own)).scalar_one()
    if latest is None:
        raise BadData([f"visits: expected visits of product {product_id}, found none; choose another product."])
    data = config.data
    end = moment_of(data.end_date, last=True) if data.end_date else latest
    start = moment_of(data.start_date, last=False) if data.start_date else end - timedelta(days=data.history_days)
    inside = sa.and_(own, VISITS.c.visit_date >= start, VISITS.c.visit_date <= end)
    return sa.select(VISITS.c.visit_id, VISITS.c.is_sale).where(inside)
