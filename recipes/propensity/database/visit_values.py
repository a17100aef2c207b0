"""What values in the tables of visits and sales mean: moments, whole numbers, yes and no; runs in the ingest job."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa

from recipes.propensity.database.schema import SALES, VISITS
from trainyard.contract import values

Meaning = Literal["moment", "whole", "yes", "key"]
# Days since 4713 BC of the years 1900 to 2100; as seconds since 1970 these numbers would be of its January.
JULIAN_DAYS = (2_415_020.0, 2_488_070.0)
JULIAN_1970 = 2_440_587.5
# The columns that queries ask for, and what their values are.
COLUMNS: Mapping[sa.Table, Mapping[str, Meaning]] = {
    VISITS: {"visit_id": "whole", "product_id": "whole", "visit_date": "moment", "is_sale": "yes"},
    SALES: {"product_id": "whole", "sales_date": "moment"},
}


def utc(moment: Any) -> datetime | None:
    """A moment of the database in UTC without a zone; None where it is none, such as MySQL's zero dates."""
    found = moment if isinstance(moment, datetime) else values.moment(moment)
    if found is None or found.tzinfo is None:
        return found
    return found.astimezone(UTC).replace(tzinfo=None)


def yes(value: Any) -> bool | None:
    """Yes or no, as databases write it; None for other values."""
    if isinstance(value, bytes):
        return bool(int.from_bytes(value, "big")) if len(value) == 1 and value[0] < 2 else None
    return values.boolean(value)


def moment(value: Any) -> str | None:
    """A moment as SQLAlchemy writes it in SQLite; a number may be a Julian day."""
    days = values.number(value)
    if days is not None and JULIAN_DAYS[0] <= days < JULIAN_DAYS[1]:
        # A real number holds a Julian day to less than a thousandth of a second.
        found: datetime | None = values.EPOCH + timedelta(milliseconds=round((days - JULIAN_1970) * 86_400_000))
    else:
        found = values.moment(value)
    return found.replace(tzinfo=None).isoformat(" ", "microseconds") if found else None


def whole(value: Any) -> int | None:
    """A whole number of 64 bits; None for other values."""
    text = values.identifier(value)
    return int(text) if values.CANONICAL.fullmatch(text) and abs(int(text)) < 2**63 else None


def as_number(value: Any) -> int | None:
    """1 for yes, 0 for no; None for other values."""
    found = yes(value)
    return None if found is None else int(found)
