"""Finds how far back sales must go to be enough for a model (`find_dates` of the original); runs in the ingest job."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from recipes.propensity.schema import SALES

WEEK = timedelta(days=7)
# (more than these days, more than these sales): a range that passes either is long enough.
ENOUGH = ((30, 10_000), (14, 50_000))


@dataclass(frozen=True, kw_only=True)
class SalesRange:
    """A range of dates, both ends included, and how many sales lie in it."""

    start: datetime
    end: datetime
    sales: int

    @property
    def days(self) -> int:
        """Length in whole days."""
        return round((self.end - self.start) / timedelta(days=1))


def find_dates(connection: sa.Connection, product_id: int, *, start_date: datetime, end_date: datetime) -> SalesRange:
    """The shortest range back from `end_date`, in whole weeks, with enough sales; the longest one if none has.

    Enough is more than 30 days and more than 10,000 sales, or more than 14 days and more than 50,000. No range starts
    before `start_date`, except that one week is the least. Each week is counted once, from the index, and weeks beyond
    the first sufficient range are not looked at: the answer is that of counting every range and sorting them by length.
    Raises ValueError when `start_date` is not before `end_date`.
    """
    if start_date >= end_date:
        raise ValueError(f"expected a start date before the end date, found {start_date} and {end_date}")
    start = end_date - WEEK
    sales = _count(connection, product_id, start, end_date, closed=True)
    found = SalesRange(start=start, end=end_date, sales=sales)
    while not _enough(found) and found.start - WEEK >= start_date:
        start = found.start - WEEK
        sales = found.sales + _count(connection, product_id, start, found.start, closed=False)
        found = SalesRange(start=start, end=end_date, sales=sales)
    return found


def _enough(found: SalesRange) -> bool:
    return any(found.days > days and found.sales > sales for days, sales in ENOUGH)


def _count(connection: sa.Connection, product_id: int, start: datetime, end: datetime, *, closed: bool) -> int:
    date = SALES.c.sales_date
    inside = (date >= start) & ((date <= end) if closed else (date < end))
    query = sa.select(sa.func.count()).select_from(SALES).where(SALES.c.product_id == product_id, inside)
    return int(connection.execute(query).scalar_one())
