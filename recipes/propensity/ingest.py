"""Takes the visits of a product out of the database: a sample to learn from, or all of them to score; ingest job."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa

from recipes.propensity.config import Config, Data
from recipes.propensity.database.aggregate_tables import left_out
from recipes.propensity.database.checks import (
    active_products,
    checked_tables,
    chosen_product,
    repeated_visits,
    undecided_visits,
)
from recipes.propensity.database.downsampling import SampleCounts, downsample, sampled_from
from recipes.propensity.database.read_visits import PARQUET_FILE, into_parquet
from recipes.propensity.database.sales_window import SalesWindow, configured_dates, training_window
from recipes.propensity.database.visit_tables import VisitTables, visit_tables
from recipes.propensity.database.visit_values import utc
from trainyard.contract.quality import Quality
from trainyard.contract.training.progress import progress
from trainyard.errors import BadData

# The table of bulk scoring: of a database, `visits` is a sample.
EVERY_VISIT = "every_visit"


def extract(connection: sa.Connection, tables_dir: Path, *, config: Config) -> Quality:
    """Write `visits/*.parquet` and `population/*.parquet` to `tables_dir`; returns reasons to refuse and figures.

    * `visits`: visit_id, is_sale and one column per column of the aggregate tables.
    * `population`: one row: product, window of dates, sales in it, visits with and without a sale and how many of each
      were sampled, seed.

    Memory does not depend on the size of the database: rows come and go `data.chunk_rows` at a time.
    """
    data = config.data
    try:
        tables = checked_tables(connection, data)
        product_id = chosen_product(connection, data.product_id)
        known, read = _readable(connection, data)
        window = training_window(connection, product_id, data=data, sales=known.sales)
    except BadData as refusal:
        return Quality(problems=refusal.problems)
    progress(0.2, f"drawing visits of product {product_id} from {window.start} to {window.end}")
    counts = downsample(
        connection,
        product_id,
        window=window,
        max_sales=min(window.sales, data.max_sales),
        negatives_per_sale=data.negatives_per_sale,
        seed=config.seed,
        visits=known.visits,
    )
    sampled = counts.sampled_sales + counts.sampled_others
    progress(0.3, f"reading {sampled:,} visits")
    rows = into_parquet(connection, tables, folder=tables_dir / "visits", data=data, visits=sampled_from(known.visits))
    population = _population(product_id, window, counts=counts, seed=config.seed)
    (tables_dir / "population").mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist([population]), tables_dir / "population" / PARQUET_FILE)
    figures = {name: float(value) for name, value in population.items() if isinstance(value, int)}
    figures |= {"window_days": float(window.days), "aggregate_tables": float(len(tables)), "visits_rows": float(rows)}
    problems = repeated_visits(rows, sampled, tables=tables)
    read += undecided_visits(connection, product_id, window=window, visits=known.visits)
    return read + left_out(tables) + Quality(problems=problems, figures=figures)


def extract_every_row(connection: sa.Connection, tables_dir: Path, *, config: Config) -> Quality:
    """Write `every_visit/*.parquet` to `tables_dir`, in the columns of the sample; returns reasons and figures.

    These are the visits from `data.start_date` to `data.end_date`; without dates, those of the `data.history_days`
    before the latest visit. Rows come and go `data.chunk_rows` at a time.
    """
    data = config.data
    try:
        tables = checked_tables(connection, data)
        product_id = chosen_product(connection, data.product_id)
        known, read = _readable(connection, data)
        chosen = _visits_to_score(connection, product_id, data=data, visits=known.visits).subquery()
    except BadData as refusal:
        return Quality(problems=refusal.problems)
    progress(0.5, "reading every visit to score")
    rows = into_parquet(connection, tables, folder=tables_dir / EVERY_VISIT, data=data, visits=chosen)
    visits = int(connection.execute(sa.select(sa.func.count()).select_from(chosen)).scalar_one())
    problems = repeated_visits(rows, visits, tables=tables)
    if not rows and not problems:
        problems = ("visits: expected visits to score between the dates, found none; set other dates.",)
    found = Quality(problems=problems, figures={"every_visit_rows": float(rows)})
    # A run that learns too has said the rest.
    return found if (tables_dir / "visits").exists() else read + left_out(tables) + found


def children(connection: sa.Connection, config: Config) -> list[dict[str, Any]]:
    """What to override in one child run per active product, in the order of their ids; none for a named product."""
    if config.data.product_id:
        return []
    return [{"data": {"product_id": product}} for product in active_products(connection)]


def _readable(connection: sa.Connection, data: Data) -> tuple[VisitTables, Quality]:
    """Raises BadData where too many values of ids, times and outcomes mean nothing."""
    known, read = visit_tables(connection, max_bad_share=data.max_bad_share)
    if read.problems:
        raise BadData(read.problems)
    return known, read


def _population(product_id: int, window: SalesWindow, *, counts: SampleCounts, seed: int) -> dict[str, Any]:
    return {
        "product_id": product_id,
        "start_date": window.start,
        "end_date": window.end,
        "sales_volume": window.sales,
        **asdict(counts),
        "seed": seed,
    }


def _visits_to_score(
    connection: sa.Connection, product_id: int, *, data: Data, visits: sa.FromClause
) -> sa.Select[tuple[int, int]]:
    """Ids and labels of the visits; raises BadData where the product has none."""
    own = visits.c.product_id == product_id
    latest = utc(connection.execute(sa.select(sa.func.max(visits.c.visit_date)).where(own)).scalar_one())
    if latest is None:
        raise BadData([f"visits: expected visits of product {product_id}, found none; choose another product."])
    start, end = configured_dates(latest, data)
    inside = sa.and_(own, visits.c.visit_date >= start, visits.c.visit_date <= end)
    return sa.select(visits.c.visit_id, visits.c.is_sale).where(inside)
