"""Takes the visits of a product out of the database, where dates are found, sampled and joined; ingest job."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa

from recipes.propensity import draw, pull
from recipes.propensity.config import Config
from recipes.propensity.dates import SalesRange, find_dates
from recipes.propensity.schema import PRODUCTS, SALES, VISITS
from trainyard.errors import BadData
from trainyard.progress import progress
from trainyard.quality import Quality

PART = "part-00000.parquet"
# Days have no last second in a date alone.
END_OF_DAY = timedelta(days=1) - timedelta(seconds=1)


def extract(connection: sa.Connection, tables_dir: Path, config: Config) -> Quality:
    """Write `visits/*.parquet` and `population/*.parquet` to `tables_dir`; returns reasons to refuse and figures.

    * `visits`: visit_id, is_sale and one column per column of the aggregate tables.
    * `population`: one row: product, range of dates, sales in it, visits with and without a sale and how many of each
      were drawn, seed.

    Memory does not depend on the size of the database: rows come and go `data.chunk_rows` at a time.
    """
    try:
        tables = checked_tables(connection, config)
        product_id = product_of(connection, config)
        dates = _dates(connection, product_id, config)
    except BadData as refusal:
        return Quality(problems=refusal.problems)
    progress(0.2, f"drawing visits of product {product_id} from {dates.start} to {dates.end}")
    limit = min(dates.sales, config.data.max_sales)
    negatives = config.data.negatives_per_sale
    drawn = draw.draw(connection, product_id, dates, limit=limit, negatives=negatives, seed=config.seed)
    progress(0.3, f"reading {drawn.sampled_sales + drawn.sampled_others:,} visits")
    read = write_visits(connection, tables, tables_dir / "visits", config)
    population = {
        "product_id": product_id,
        "start_date": dates.start,
        "end_date": dates.end,
        "sales_volume": dates.sales,
        "sales": drawn.sales,
        "others": drawn.others,
        "sampled_sales": drawn.sampled_sales,
        "sampled_others": drawn.sampled_others,
        "seed": config.seed,
    }
    (tables_dir / "population").mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist([population]), tables_dir / "population" / PART)
    figures = {name: float(value) for name, value in population.items() if isinstance(value, int)}
    figures |= {"window_days": float(dates.days), "aggregate_tables": float(len(tables)), "visits_rows": float(read)}
    return Quality(problems=_repeated(read, drawn, tables), figures=figures)


def children(connection: sa.Connection, config: Config) -> list[dict[str, Any]]:
    """What to override in one child run per active product, in the order of their ids; none for a named product."""
    if config.data.product_id:
        return []
    return [{"data": {"product_id": product}} for product in _active(connection)]


def _active(connection: sa.Connection) -> list[int]:
    query = sa.select(PRODUCTS.c.product_id).where(PRODUCTS.c.active == 1).order_by(PRODUCTS.c.product_id)
    return [int(each) for each in connection.execute(query).scalars()]


def checked_tables(connection: sa.Connection, config: Config) -> list[sa.Table]:
    """The aggregate tables; raises BadData when the database lacks a table or a column that is asked for."""
    inspector = sa.inspect(connection)
    present = set(inspector.get_table_names())
    problems = []
    for table in (PRODUCTS, VISITS, SALES):
        wanted = {"products": {"product_id", "active"}, "sales": {"product_id", "sales_date"}}.get(
            table.name, {"visit_id", "product_id", "visit_date", "is_sale"}
        )
        found = {each["name"] for each in inspector.get_columns(table.name)} if table.name in present else set()
        if lacking := sorted(wanted - found):
            problems.append(
                f"database: expected a table {table.name} with the columns {', '.join(sorted(wanted))}, found none "
                f"with {', '.join(lacking)}; give the database the schema in the recipe's README."
            )
    tables = draw.aggregates(connection, config.data.aggregate_prefix)
    if not draw.features(tables, config.data.drop):
        problems.append(
            f"database: expected tables {config.data.aggregate_prefix}* with visit_id and columns that describe a "
            "visit, found none; fill them, or set data.aggregate_prefix in run.json."
        )
    if problems:
        raise BadData(problems)
    return tables


def product_of(connection: sa.Connection, config: Config) -> int:
    """The product asked for, or the only active one; raises BadData."""
    known = {int(each) for each in connection.execute(sa.select(PRODUCTS.c.product_id)).scalars()}
    asked = config.data.product_id
    if asked in known:
        return asked
    if asked:
        raise BadData([f"products: expected product_id {asked}, found no such product; set another data.product_id."])
    active = _active(connection)
    if len(active) != 1:
        raise BadData(
            [
                f"products: expected one active product where data.product_id is 0, found {len(active):,}; "
                "name one of them in data.product_id."
            ]
        )
    return active[0]


def _dates(connection: sa.Connection, product_id: int, config: Config) -> SalesRange:
    """The range of `find_dates` between the dates that the configuration or the sales themselves give."""
    latest = connection.execute(
        sa.select(sa.func.max(SALES.c.sales_date)).where(SALES.c.product_id == product_id)
    ).scalar_one()
    if latest is None:
        raise BadData([f"sales: expected sales of product {product_id}, found none; choose another product."])
    data = config.data
    end = moment_of(data.end_date, last=True) if data.end_date else latest
    start = moment_of(data.start_date, last=False) if data.start_date else end - timedelta(days=data.history_days)
    if start >= end:
        raise BadData([f"data.start_date: expected a date before {end}, found {start}; set an earlier one."])
    return find_dates(connection, product_id, start_date=start, end_date=end)


def moment_of(text: str, *, last: bool) -> datetime:
    """A date and time; a date alone is its first or last second."""
    moment = datetime.fromisoformat(text).replace(tzinfo=None)
    return moment + END_OF_DAY if last and len(text) <= len("2026-01-31") else moment


def write_visits(
    connection: sa.Connection,
    tables: Sequence[sa.Table],
    folder: Path,
    config: Config,
    *,
    visits: sa.FromClause = draw.TEMPORARY,
) -> int:
    """Write the drawn visits, or those of `visits`, to `folder` a chunk at a time; returns how many there are."""
    columns = draw.features(tables, config.data.drop)
    folder.mkdir(parents=True)
    written = 0
    with pq.ParquetWriter(folder / PART, pull.schema_of(columns), compression="zstd") as writer:
        for batch in pull.batches(connection, tables, columns, config.data.chunk_rows, visits=visits):
            writer.write_table(batch)
            written += len(batch)
    return written


def _repeated(read: int, drawn: draw.Drawn, tables: Sequence[sa.Table]) -> tuple[str, ...]:
    expected = drawn.sampled_sales + drawn.sampled_others
    if read == expected:
        return ()
    names = ", ".join(table.name for table in tables)
    return (
        f"database: expected one row per visit in {names}, found {read:,} rows for {expected:,} visits; make visit_id "
        "the primary key of each of them.",
    )
