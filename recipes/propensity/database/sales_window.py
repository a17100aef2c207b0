"""Finds how far back sales must go to be enough for a model (`find_dates` of the original); runs in the ingest job."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from recipes.propensity.config import Data
from recipes.propensity.database.schema import SALES
from recipes.propensity.database.visit_values import utc
from trainyard.errors import BadData

WEEK = timedelta(days=7)
# The last moment of a day that a date alone stands for.
END_OF_DAY = timedelta(days=1) - timedelta(microseconds=1)
# (more than these days, more than these sales): a window that passes either is long enough.
SUFFICIENT = ((30, 10_000), (14, 50_000))


@dataclass(frozen=True, kw_only=True)
class SalesWindow:
    """A window of dates, both ends included, and how many sales lie in it."""

    start: datetime
    end: datetime
    sales: int

    @property
    def days(self) -> int:
        """Length in whole days."""
        return round((self.end - self.start) / timedelta(days=1))


def find_dates(
    connection: sa.Connection,
    product_id: int,
    *,
    start_date: datetime,
    end_date: datetime,
    sales: sa.FromClause = SALES,
) -> SalesWindow:
    """The shortest window back from `end_date`, in whole weeks, with enough sales; the longest one if none has.

    Enough is more than 30 days and more than 10,000 sales, or more than 14 days and more than 50,000. No window
    starts before `start_date`, except that one week is the least. Each week is counted once, from the index, and weeks
    beyond the first sufficient window are not counted: the answer is that of counting every window and sorting them by
    length.
    Raises ValueError when `start_date` is not before `end_date`.
    """
    if start_date >= end_date:
        raise ValueError(f"expected a start date before the end date, found {start_date} and {end_date}")
    start = end_date - WEEK
    dates = _Dates(connection, product_id, sales=sales)
    found = SalesWindow(start=start, end=end_date, sales=dates.count(start, end_date, closed=True))
    while not _sufficient(found) and found.start - WEEK >= start_date:
        start = found.start - WEEK
        more = dates.count(start, found.start, closed=False)
        found = SalesWindow(start=start, end=end_date, sales=found.sales + more)
    return found


def configured_dates(latest: datetime, data: Data) -> tuple[datetime, datetime]:
    """First and last moment of `data.start_date` and `data.end_date`; without them, `latest` and the history before it.

    Of the last day all is meant, unless `data.end_date` says a time: a database that keeps days alone, and one that
    keeps times, give the same visits.
    """
    known = datetime(latest.year, latest.month, latest.day) + END_OF_DAY
    end = _moment(data.end_date, end_of_day=True) if data.end_date else known
    start = _moment(data.start_date, end_of_day=False) if data.start_date else end - timedelta(days=data.history_days)
    return start, end


def training_window(
    connection: sa.Connection, product_id: int, *, data: Data, sales: sa.FromClause = SALES
) -> SalesWindow:
    """The window of `find_dates` within the configured dates; raises BadData where there can be none."""
    query = sa.select(sa.func.max(sales.c.sales_date)).where(sales.c.product_id == product_id)
    latest = utc(connection.execute(query).scalar_one())
    if latest is None:
        raise BadData([f"sales: expected sales of product {product_id}, found none; choose another product."])
    start, end = configured_dates(latest, data)
    if start >= end:
        raise BadData([f"data.start_date: expected a date before {end}, found {start}; set an earlier one."])
    return find_dates(connection, product_id, start_date=start, end_date=end, sales=sales)


def _moment(text: str, *, end_of_day: bool) -> datetime:
    written = datetime.fromisoformat(text)
    moment = written.astimezone(UTC).replace(tzinfo=None) if written.tzinfo else written
    return moment + END_OF_DAY if end_of_day and len(text) <= len("2026-01-31") else moment


def _sufficient(found: SalesWindow) -> bool:
    return any(found.days > days and found.sales > sales for days, sales in SUFFICIENT)


class _Dates:
    """Counts the sales of a product between two dates."""

    def __init__(self, connection: sa.Connection, product_id: int, *, sales: sa.FromClause) -> None:
        self._connection, self._date = connection, sales.c.sales_date
        self._query = sa.select(sa.func.count()).select_from(sales).where(sales.c.product_id == product_id)

    def count(self, start: datetime, end: datetime, *, closed: bool) -> int:
        inside = (self._date >= start) & ((self._date <= end) if closed else (self._date < end))
        return int(self._connection.execute(self._query.where(inside)).scalar_one())
