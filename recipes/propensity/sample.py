"""Makes a visit database of any size with planted reasons to buy, as a SQLite file; runs on a laptop and in tests.

Visits come over ninety days, more in the evening and on some channels. Whether one ends in a sale is drawn from a known
probability, about one in a hundred: baskets and time on the site matter most, an earlier sale and the channel some, the
device a little, and the hour and country not at all.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from recipes.propensity.database.schema import METADATA, PRODUCTS, SALES

FILE = "propensity.sqlite"
CHUNK_VISITS = 100_000
LAST = np.datetime64("2026-09-30T23:59:59")
SECONDS = 90 * 86_400
RATE = 0.01
ACTIVE = (7,)
INACTIVE = 3
INACTIVE_SHARE = 0.05
CLIENTS = {3: "Old Town Books", 7: "Fjord Outdoor", 8: "Casa Verde", 9: "Hill & Dale"}

CHANNELS = ("organic", "ppc", "email", "direct", "affiliate", "social", "display", "referral")
CHANNEL_SHARES = (0.28, 0.2, 0.08, 0.18, 0.06, 0.1, 0.05, 0.05)
CHANNEL_EFFECTS = (0.0, 0.2, 0.9, 0.4, 0.3, -0.7, -0.9, 0.1)
PAID = (0, 1, 0, 0, 1, 0, 1, 0)
DEVICES = ("mobile", "desktop", "tablet")
DEVICE_SHARES = (0.6, 0.32, 0.08)
DEVICE_EFFECTS = (-0.15, 0.25, 0.0)
SYSTEMS = (("ios", "android"), ("windows", "macos", "linux"), ("ios", "android"))
COUNTRIES = ("GB", "US", "DE", "FR", None)
COUNTRY_SHARES = (0.5, 0.2, 0.15, 0.1, 0.05)
HOUR_WEIGHTS = (2, 1, 1, 1, 1, 2, 3, 4, 5, 6, 6, 6, 7, 6, 6, 6, 6, 7, 8, 9, 9, 8, 6, 4)
# The columns that decide, the strongest first.
DRIVERS = ("basket_adds", "dwell_seconds", "channel", "prior_sales")
IDLE = ("hour_of_day", "country", "day_of_week")
Columns = dict[str, np.ndarray]


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """Some visits of one product: columns by table, and the probability that each was drawn from."""

    tables: dict[str, Columns]
    probability: np.ndarray


def write(directory: Path, *, size: int, seed: int) -> dict[str, Any]:
    """Write propensity.sqlite with `size` visits to `directory`; memory does not grow with `size`.

    Returns what was planted: `rate` (share of sales among the visits of the active product), `drivers` (columns that
    decide, the strongest first) and `idle` (columns that do not).
    """
    if size < 1:
        raise ValueError(f"expected a size of at least 1 visit, found {size}")
    directory.mkdir(parents=True, exist_ok=True)
    visits = sales = 0
    with sqlite3.connect(directory / FILE) as connection:
        connection.execute("PRAGMA journal_mode = OFF")
        for table in METADATA.sorted_tables:
            connection.execute(str(CreateTable(table).compile(dialect=sqlite.dialect())))
        _insert(connection, PRODUCTS.name, columns=products())
        for chunk in chunks(size=size, seed=seed):
            for name, columns in chunk.tables.items():
                _insert(connection, name, columns=columns)
            own = chunk.tables["visits"]
            active = own["product_id"] == ACTIVE[0]
            visits, sales = visits + int(active.sum()), sales + int(own["is_sale"][active].sum())
        # Faster than to keep indexes up to date row by row.
        for table in METADATA.sorted_tables:
            for index in table.indexes:
                connection.execute(str(CreateIndex(index).compile(dialect=sqlite.dialect())))
        connection.execute("ANALYZE")
    connection.close()
    return {"rate": sales / max(visits, 1), "drivers": list(DRIVERS), "idle": list(IDLE)}


def products(active: Sequence[int] = ACTIVE) -> Columns:
    """Rows of `products`: the active ones and one that is not."""
    ids = [*active, INACTIVE]
    return {
        "product_id": np.array(ids),
        "client_name": np.array([CLIENTS.get(each, f"Client {each}") for each in ids], dtype=object),
        "active": np.array([1] * len(active) + [0]),
    }


def chunks(*, size: int, seed: int, active: Sequence[int] = ACTIVE) -> Iterator[Chunk]:
    """Visits in the order of their ids, `CHUNK_VISITS` at a time, with sales and aggregate rows."""
    random = np.random.default_rng(seed)
    first_visit = first_sale = 1
    while first_visit <= size:
        count = min(CHUNK_VISITS, size - first_visit + 1)
        chunk = _chunk(
            random,
            first_visit,
            count=count,
            first_sale=first_sale,
            size=size,
            product_ids=np.array([*active, INACTIVE]),
        )
        first_visit += count
        first_sale += len(chunk.tables[SALES.name]["sale_id"])
        yield chunk


def create(connection: sa.Connection) -> None:
    """The schema in a database that SQLAlchemy reaches, such as MariaDB."""
    METADATA.create_all(connection)


def _chunk(
    random: np.random.Generator, first: int, *, count: int, first_sale: int, size: int, product_ids: np.ndarray
) -> Chunk:
    visit_id = np.arange(first, first + count)
    share = np.append(np.full(len(product_ids) - 1, (1 - INACTIVE_SHARE) / (len(product_ids) - 1)), INACTIVE_SHARE)
    product_id = product_ids[random.choice(len(product_ids), count, p=share)]
    day = (visit_id - 1) * 90 // size
    hour = random.choice(24, count, p=np.array(HOUR_WEIGHTS) / sum(HOUR_WEIGHTS))
    second = day * 86_400 + hour * 3600 + random.integers(0, 3600, count)
    date = LAST - np.timedelta64(SECONDS - 1, "s") + second.astype("timedelta64[s]")
    described, logits = _described(random, visit_id, hour=hour, date=date)
    probability = 1 / (1 + np.exp(-logits))
    is_sale = (random.random(count) < probability).astype(np.int64)
    text = _text(date)
    visits = {
        "visit_id": visit_id,
        "product_id": product_id,
        "visitor_id": random.integers(1, max(size // 2, 2), count),
        "visit_date": text,
        "is_sale": is_sale,
    }
    # One sale in thirty has a second order in the same visit.
    sold = np.repeat(np.arange(count), is_sale * (1 + (random.random(count) < 1 / 30)))
    sales = {
        "sale_id": np.arange(first_sale, first_sale + len(sold)),
        "visit_id": visit_id[sold],
        "product_id": product_id[sold],
        "sales_date": text[sold],
        "revenue": random.gamma(2.0, 30.0, len(sold)).round(2),
    }
    return Chunk(tables={"visits": visits, "sales": sales, **described}, probability=probability)


def _described(
    random: np.random.Generator, visit_id: np.ndarray, *, hour: np.ndarray, date: np.ndarray
) -> tuple[dict[str, Columns], np.ndarray]:
    """The aggregate tables, and the logit of a sale that follows from them."""
    count = len(visit_id)
    interest = random.normal(0.0, 1.0, count)
    basket = random.poisson(np.exp(-2.6 + 0.8 * interest))
    dwell = random.lognormal(3.2 + 0.5 * interest, 1.1)
    dwell[random.random(count) < 0.15] = 0.0
    pageviews = 1 + random.poisson(np.exp(0.8 + 0.4 * interest))
    prior_visits = random.poisson(1.5, count)
    prior_sales = random.binomial(prior_visits, 0.04)
    channel = random.choice(len(CHANNELS), count, p=CHANNEL_SHARES)
    device = random.choice(len(DEVICES), count, p=DEVICE_SHARES)
    system = random.integers(0, 6, count)
    logits = _logits(basket, dwell, prior_sales=prior_sales, channel=channel, device=device)
    scroll = _with_gaps(random.random(count).round(3), random.random(count) < 0.1)
    since = _with_gaps(random.exponential(9.0, count).round(3), prior_visits == 0)
    systems = np.array([SYSTEMS[kind][own % len(SYSTEMS[kind])] for kind, own in zip(device, system, strict=True)])
    return {
        "agg_visit_engagement": {
            "visit_id": visit_id,
            "pageviews": pageviews,
            "distinct_pages": np.maximum(1, random.binomial(pageviews, 0.7)),
            "dwell_seconds": dwell.round(2),
            "scroll_depth": scroll,
            "basket_adds": basket,
        },
        "agg_visit_history": {
            "visit_id": visit_id,
            "prior_visits": prior_visits,
            "prior_sales": prior_sales,
            "days_since_last_visit": since,
            "prior_revenue": (prior_sales * random.gamma(2.0, 30.0, count)).round(2),
        },
        "agg_visit_channel": {
            "visit_id": visit_id,
            "channel": np.array(CHANNELS, dtype=object)[channel],
            "is_paid": np.array(PAID)[channel],
            "touches_30d": random.poisson(2.0, count),
        },
        "agg_visit_device": {
            "visit_id": visit_id,
            "device": np.array(DEVICES, dtype=object)[device],
            "os": systems.astype(object),
            "country": np.array(COUNTRIES, dtype=object)[random.choice(len(COUNTRIES), count, p=COUNTRY_SHARES)],
            "hour_of_day": hour,
            "day_of_week": (date.astype("datetime64[D]").astype(np.int64) + 3) % 7,
        },
    }, logits


def _logits(
    basket: np.ndarray, dwell: np.ndarray, *, prior_sales: np.ndarray, channel: np.ndarray, device: np.ndarray
) -> np.ndarray:
    """The logit of a sale that was planted."""
    return np.asarray(
        -7.05
        + 1.6 * np.minimum(basket, 3)
        + 0.55 * np.log1p(dwell)
        + 0.9 * np.minimum(prior_sales, 2)
        + np.array(CHANNEL_EFFECTS)[channel]
        + np.array(DEVICE_EFFECTS)[device]
    )


def _with_gaps(values: np.ndarray, missing: np.ndarray) -> np.ndarray:
    found = values.astype(object)
    found[missing] = None
    return found


def _text(date: np.ndarray) -> np.ndarray:
    """Dates as SQLAlchemy keeps them in SQLite, where they are compared as text."""
    return np.char.replace(np.datetime_as_string(date, unit="us"), "T", " ").astype(object)


def _insert(connection: sqlite3.Connection, table: str, *, columns: Columns) -> None:
    places = ", ".join("?" * len(columns))
    rows = zip(*(each.tolist() for each in columns.values()), strict=True)
    # Names of tables and columns are this module's own.
    connection.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})", rows)  # noqa: S608
