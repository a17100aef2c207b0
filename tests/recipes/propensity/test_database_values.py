"""The same visits and the same inputs, however a database spells them; what cannot be an input is listed."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta, timezone

import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from recipes.propensity import ingest
from recipes.propensity.config import CONFIG
from recipes.propensity.database import sales_window
from recipes.propensity.database.downsampling import downsample, sampled_from
from recipes.propensity.database.sales_window import SalesWindow
from recipes.propensity.database.visit_tables import visit_tables
from trainyard.run.settings.overrides import override

FIRST = datetime(2026, 7, 1, 0, 57, 30)
VISITS = 60
COLUMNS = {
    "products": ("product_id", "active"),
    "visits": ("visit_id", "product_id", "visit_date", "is_sale"),
    "sales": ("product_id", "sales_date"),
    "agg_visit_a": ("visit_id", "pages", "channel"),
}


def epoch(moment):
    return int(moment.replace(tzinfo=UTC).timestamp())


def zoned(moment):
    return f"{moment + timedelta(hours=2):%Y-%m-%dT%H:%M:%S}+02:00"


def julian(moment):
    return 2440587.5 + epoch(moment) / 86400


def moments():
    """One visit a day, and the last three on one day."""
    return [FIRST + timedelta(days=min(at, VISITS - 3), hours=3 * (at % 7)) for at in range(VISITS)]


def fill(connection, types, spelled, yes=("1", "0"), pages=str, key=int, visit=None):
    """A small visit database in tables of these types, with values spelled by these functions."""
    for name, columns in COLUMNS.items():
        typed = ", ".join(f"{each} {types.get(each, 'INTEGER')}" for each in columns)
        connection.exec_driver_sql(f"CREATE TABLE {name} ({typed})")
    visit = visit or key
    rows = {"products": [(key(7), yes[0]), (key(3), yes[1])], "visits": [], "sales": [], "agg_visit_a": []}
    for at, moment in enumerate(moments()):
        rows["visits"].append((visit(at + 1), key(7), spelled(moment), yes[at % 3 != 0]))
        rows["agg_visit_a"].append((visit(at + 1), pages(at), ("web", "shop")[at % 2]))
        if at % 3 == 0:
            rows["sales"].append((key(7), spelled(moment)))
    for name, columns in COLUMNS.items():
        table = sa.table(name, *map(sa.column, columns))
        connection.execute(table.insert(), [dict(zip(columns, each, strict=True)) for each in rows[name]])
    connection.commit()


def extracted(connection, folder, **data):
    quality = ingest.extract(connection, folder, config=override(CONFIG, {"data": data}))
    assert quality.ok, quality.problems
    return quality, pq.read_table(folder / "visits").sort_by("visit_id")


def drawn(connection, folder):
    """Visits, sales, ids and pages that a run gets."""
    quality, visits = extracted(connection, folder)
    assert quality.warnings == ()
    pages = [None if each is None else float(each) for each in visits["pages"].to_pylist()]
    return int(quality.figures["sales_volume"]), visits["visit_id"].to_pylist(), visits["is_sale"].to_pylist(), pages


EXPECTED = (
    VISITS // 3,
    list(range(1, VISITS + 1)),
    [int(at % 3 == 0) for at in range(VISITS)],
    [float(at) for at in range(VISITS)],
)
NUMBERS = {"visit_date": "DATETIME", "sales_date": "DATETIME", "channel": "VARCHAR(8)"}
IMPORTED = dict.fromkeys((name for columns in COLUMNS.values() for name in columns), "TEXT")
FILES = {
    "as SQLAlchemy writes them": (NUMBERS, lambda each: each.isoformat(" ", "microseconds"), {}),
    "seconds": (NUMBERS, epoch, {}),
    "milliseconds": (NUMBERS, lambda each: 1000 * epoch(each), {}),
    "seconds as text": (NUMBERS | {"visit_date": "TEXT", "sales_date": "TEXT"}, lambda each: f"{epoch(each)}", {}),
    "another zone": (NUMBERS, zoned, {}),
    "days": (NUMBERS, lambda each: f"{each:%Y-%m-%d}", {}),
    "Julian days": (NUMBERS, julian, {}),
    "some of each": (NUMBERS, lambda each: (epoch, zoned, julian)[each.day % 3](each), {}),
    "everything text": (IMPORTED, zoned, {"yes": ("true", "false"), "key": str}),
    "no types": (dict.fromkeys(IMPORTED, ""), epoch, {"yes": ("Yes", "No"), "pages": float}),
}


@pytest.mark.parametrize("how", FILES)
def test_a_file_gives_the_same_visits_in_every_spelling(how, empty_sqlite, tmp_path):
    types, spelled, more = FILES[how]
    fill(empty_sqlite, types, spelled, **more)
    assert drawn(empty_sqlite, tmp_path) == EXPECTED


def test_visits_of_the_last_day_count_where_sales_are_kept_by_the_day(empty_sqlite, tmp_path):
    fill(empty_sqlite, NUMBERS, epoch)
    empty_sqlite.exec_driver_sql("UPDATE sales SET sales_date = date(sales_date, 'unixepoch')")
    assert drawn(empty_sqlite, tmp_path) == EXPECTED


@pytest.mark.parametrize("blank", ["", "NA", "NULL"])
def test_a_blank_in_a_column_of_numbers_is_a_missing_number(blank, empty_sqlite, tmp_path):
    fill(empty_sqlite, NUMBERS, epoch, pages=lambda at: blank if at % 10 == 0 else at)
    _, visits = extracted(empty_sqlite, tmp_path)
    assert visits["pages"].to_pylist() == [None if at % 10 == 0 else at for at in range(VISITS)]


def test_times_that_cannot_be_read_are_said_and_their_rows_left_out(empty_sqlite, tmp_path):
    fill(empty_sqlite, NUMBERS, epoch)
    empty_sqlite.exec_driver_sql("UPDATE visits SET visit_date = 'the 3rd' WHERE visit_id < 3")
    empty_sqlite.exec_driver_sql("UPDATE visits SET is_sale = NULL WHERE visit_id = 3")
    quality, visits = extracted(empty_sqlite, tmp_path / "few", max_bad_share=0.05)
    assert len(visits) == VISITS - 3
    said = "2 of 60 values of visits.visit_date could not be read, such as 'the 3rd'"
    assert said in quality.warnings[0]
    assert any("1 visits are left out, for their is_sale" in each for each in quality.warnings)
    refused = ingest.extract(
        empty_sqlite, tmp_path / "many", config=override(CONFIG, {"data": {"max_bad_share": 0.02}})
    )
    assert len(refused.problems) == 1 and said in refused.problems[0]


def test_all_rows_to_score_come_in_every_spelling(empty_sqlite, tmp_path):
    fill(empty_sqlite, IMPORTED, zoned, yes=("true", "false"), key=str)
    quality = ingest.extract_every_row(empty_sqlite, tmp_path, config=CONFIG)
    assert quality.ok and quality.figures == {"every_visit_rows": VISITS}


MARIADB = {
    "text with a zone": ({"visit_date": "VARCHAR(40)", "sales_date": "VARCHAR(40)"}, zoned, {}),
    "text without": ({"visit_date": "VARCHAR(40)", "sales_date": "VARCHAR(40)"}, str, {}),
    "seconds": ({"visit_date": "BIGINT", "sales_date": "BIGINT"}, epoch, {}),
    "milliseconds": ({"visit_date": "BIGINT", "sales_date": "DECIMAL(20,3)"}, lambda each: 1000 * epoch(each), {}),
    "timestamps, bits": (
        {"visit_date": "TIMESTAMP", "sales_date": "DATETIME", "is_sale": "BIT(1)"},
        str,
        {"yes": (1, 0)},
    ),
    "words, decimals": (
        {"visit_date": "DATE", "sales_date": "DATE", "is_sale": "ENUM('no', 'yes')", "visit_id": "DECIMAL(20,0)"},
        lambda each: f"{each:%Y-%m-%d}",
        {"yes": ("yes", "no")},
    ),
}
POSTGRES = {
    "text with a zone": ({"visit_date": "TEXT", "sales_date": "TEXT"}, zoned, {}),
    "seconds": ({"visit_date": "BIGINT", "sales_date": "NUMERIC"}, epoch, {}),
    "milliseconds": ({"visit_date": "BIGINT", "sales_date": "BIGINT"}, lambda each: 1000 * epoch(each), {}),
    "with a zone": (
        {"visit_date": "TIMESTAMPTZ", "sales_date": "TIMESTAMPTZ"},
        lambda each: (each + timedelta(hours=2)).replace(tzinfo=timezone(timedelta(hours=2))),
        {},
    ),
    "flags, days": (
        {"visit_date": "DATE", "sales_date": "DATE", "is_sale": "BOOLEAN", "active": "BOOLEAN", "visit_id": "NUMERIC"},
        lambda each: each.date(),
        {"yes": (True, False)},
    ),
}


@pytest.mark.parametrize("how", MARIADB)
def test_mariadb_gives_the_same_visits_in_every_type(how, empty_mariadb, tmp_path):
    types, spelled, more = MARIADB[how]
    usual = {"channel": "VARCHAR(8)", "active": "VARCHAR(5)"}
    fill(empty_mariadb, {**usual, **types}, spelled, pages=int, **{"yes": (1, 0), **more})
    assert drawn(empty_mariadb, tmp_path) == EXPECTED


@pytest.mark.parametrize("how", POSTGRES)
def test_postgres_gives_the_same_visits_in_every_type(how, empty_postgres, tmp_path):
    types, spelled, more = POSTGRES[how]
    empty_postgres.exec_driver_sql("SET TIME ZONE 'UTC'")
    fill(empty_postgres, {"channel": "VARCHAR(8)", **types}, spelled, pages=int, **{"yes": (1, 0), **more})
    assert drawn(empty_postgres, tmp_path) == EXPECTED


def add(connection, columns, row, empty=None):
    """A second table of aggregates, with one row and one without values."""
    names = ", ".join(name for name in columns)
    typed = ", ".join(f"{name} {kind}" for name, kind in columns.items())
    connection.exec_driver_sql(f"CREATE TABLE agg_visit_b (visit_id INTEGER PRIMARY KEY, {typed})")
    connection.exec_driver_sql(f"INSERT INTO agg_visit_b (visit_id, {names}) VALUES (1, {row})".replace("%", "%%"))
    connection.commit()


def first_row(connection, folder):
    quality, visits = extracted(connection, folder)
    return {name: visits[name][0].as_py() for name in visits.column_names[4:]}, " ".join(quality.warnings)


def test_the_types_of_mariadb_are_inputs_or_listed(empty_mariadb, tmp_path):
    fill(empty_mariadb, {"visit_date": "DATETIME", "sales_date": "DATETIME", "channel": "VARCHAR(8)"}, str, (1, 0), int)
    columns = {"b": "BIT(3)", "y": "YEAR", "e": "ENUM('a','b')", "s": "SET('x','y')", "d": "DECIMAL(30,10)"}
    columns |= {"t": "TIME", "u": "BIGINT UNSIGNED", "n": "TINYINT(1)", "f": "DOUBLE"}
    columns |= {"j": "JSON", "x": "BLOB", "z": "DATETIME", "v": "VARBINARY(4)", "visitor_id": "INTEGER"}
    row = "b'101', 2026, 'b', 'x,y', 12345678901.0000000001, '01:00:01', 18446744073709551615, 1, 0.1, '{}', 'x', "
    add(empty_mariadb, columns, row + "'0000-00-00', 'x', 5")
    found, said = first_row(empty_mariadb, tmp_path)
    expected = {"b": 5, "y": 2026, "e": "b", "s": "x,y", "d": 12345678901.0000000001, "t": 3601.0, "u": 2.0**64}
    known = {key: found[key] for key in (*expected, "n", "f")}
    assert known == expected | {"n": 1, "f": 0.1}
    assert "agg_visit_b.x, agg_visit_b.v left out: binary" in said
    assert "agg_visit_b.z left out: a date" in said
    assert "agg_visit_b.visitor_id left out: what names a visit" in said


def test_the_types_of_postgres_are_inputs_or_listed(empty_postgres, tmp_path):
    types = {"visit_date": "TIMESTAMP", "sales_date": "TIMESTAMP", "channel": "VARCHAR(8)"}
    fill(empty_postgres, types, str, (1, 0), int)
    empty_postgres.exec_driver_sql("CREATE TYPE mood AS ENUM ('sad', 'ok')")
    columns = {"b": "BOOLEAN", "n": "NUMERIC(30,10)", "nan": "NUMERIC", "r": "REAL", "i": "INTERVAL", "t": "TIME"}
    columns |= {"e": "mood", "c": "CHAR(3)", "m": "MONEY", "w": "BIGINT"}
    columns |= {"a": "INTEGER[]", "k": "UUID", "z": "TIMESTAMPTZ", "j": "JSONB", "x": "BYTEA", "p": "POINT"}
    row = "true, 12345678901.0000000001, 'NaN', 0.5, '1 day 1 second', '01:00:01', 'ok', 'abc', 12.5, "
    row += "9223372036854775807, "
    add(empty_postgres, columns, row + "'{1}', '00000000-0000-0000-0000-000000000001', now(), '{}', 'x', '(1,2)'")
    found, said = first_row(empty_postgres, tmp_path)
    expected = {"b": True, "n": 12345678901.0000000001, "nan": None, "r": 0.5, "i": 86401.0, "t": 3601.0, "e": "ok"}
    assert found == expected | {"c": "abc", "m": 12.5, "w": 2**63 - 1}
    for words in ("b.a left out: a list", "b.k left out: a key", "b.z left out: a date", "b.j left out: a document"):
        assert words in said
    assert "b.x left out: binary" in said and "agg_visit_b.p left out: " in said


def test_the_cells_of_a_file_are_inputs_or_listed(empty_sqlite, tmp_path):
    fill(empty_sqlite, NUMBERS, epoch)
    columns = {"code": "TEXT", "n": "TEXT", "f": "BOOLEAN", "mixed": "INTEGER", "d": "NUMERIC(12,2)"}
    columns |= {"x": "BLOB", "gap": "INTEGER", "day": "DATE", "t": "VARCHAR(9)"}
    add(empty_sqlite, columns, "'007', '1.5', 'TRUE', 'many', 0.1, X'00ff', NULL, '2026-01-01', 5")
    found, said = first_row(empty_sqlite, tmp_path)
    assert found == {"code": "007", "n": 1.5, "f": True, "mixed": "many", "d": 0.1, "t": "5"}
    assert "agg_visit_b.x left out: binary" in said
    assert "agg_visit_b.gap left out: without a value" in said
    assert "agg_visit_b.day left out: a date" in said


def test_a_temporary_table_alone_is_replaced(empty_postgres, tmp_path):
    types = {"visit_date": "TIMESTAMP", "sales_date": "TIMESTAMP", "channel": "VARCHAR(8)"}
    fill(empty_postgres, types, str, (1, 0), int)
    empty_postgres.exec_driver_sql("CREATE TABLE tmp_train_visits (own TEXT)")
    empty_postgres.commit()
    for folder in ("a", "b"):
        assert drawn(empty_postgres, tmp_path / folder) == EXPECTED
    assert empty_postgres.exec_driver_sql("SELECT count(*) FROM public.tmp_train_visits").scalar_one() == 0


def test_a_date_means_all_of_its_day_and_a_zone_is_converted():
    data = override(CONFIG, {"data": {"start_date": "2026-01-01", "end_date": "2026-01-31"}}).data
    start, end = sales_window.configured_dates(FIRST, data)
    assert (start, end) == (datetime(2026, 1, 1), datetime(2026, 1, 31, 23, 59, 59, 999999))
    data = override(CONFIG, {"data": {"end_date": "2026-01-31T02:00:00+02:00"}}).data
    assert sales_window.configured_dates(FIRST, data)[1] == datetime(2026, 1, 31)


KEYED = {"sqlite": "TEXT", "mysql": "VARCHAR(40)", "postgresql": "UUID"}


def key_of(at):
    return str(uuid.UUID(int=0x12345678_90AB_CDEF_1234_567890ABCDEF + at))


def test_visits_with_ids_that_are_texts_are_drawn_alike(empty_sqlite, empty_mariadb, empty_postgres, tmp_path):
    drawn_ids = []
    for connection in (empty_sqlite, empty_mariadb, empty_postgres):
        types = {"visit_date": "TIMESTAMP", "sales_date": "TIMESTAMP", "channel": "VARCHAR(8)"}
        fill(connection, types | {"visit_id": KEYED[connection.dialect.name]}, str, (1, 0), int, visit=key_of)
        _, visits = extracted(connection, tmp_path / connection.dialect.name)
        assert visits["visit_id"].to_pylist() == [key_of(at + 1) for at in range(VISITS)]
        assert visits["pages"].to_pylist() == list(range(VISITS))
        known, _ = visit_tables(connection)
        window = SalesWindow(start=FIRST, end=FIRST + timedelta(days=70), sales=20)
        counts = downsample(
            connection, 7, window=window, max_sales=5, negatives_per_sale=2, seed=1, visits=known.visits
        )
        assert (counts.sampled_sales, counts.sampled_others) == (5, 10)
        found = connection.execute(sa.select(sampled_from(known.visits).c.visit_id)).scalars()
        drawn_ids.append(sorted(map(str, found)))
    assert drawn_ids[0] == drawn_ids[1] == drawn_ids[2]


@pytest.mark.parametrize("kind", ["sqlite", "mariadb", "postgres"])
def test_tables_may_write_a_visit_in_types_of_their_own(kind, request, tmp_path):
    connection = request.getfixturevalue(f"empty_{kind}")
    types = {"visit_date": "TIMESTAMP", "sales_date": "TIMESTAMP", "channel": "VARCHAR(8)"}
    fill(connection, types, str, (1, 0), int)
    connection.exec_driver_sql("CREATE TABLE agg_visit_c (visit_id VARCHAR(20), more INTEGER)")
    table = sa.table("agg_visit_c", sa.column("visit_id"), sa.column("more"))
    connection.execute(table.insert(), [{"visit_id": str(at + 1), "more": at} for at in range(VISITS)])
    connection.commit()
    _, visits = extracted(connection, tmp_path)
    assert visits["more"].to_pylist() == list(range(VISITS))


@pytest.mark.parametrize("how", ["everything text", "no types"])
def test_tables_of_a_file_are_joined_by_an_index(how, empty_sqlite, tmp_path):
    types, spelled, more = FILES[how]
    fill(empty_sqlite, types, spelled, **more)
    plans = []

    def explain(connection, cursor, statement, parameters, *_):
        if "JOIN agg_visit_a" in statement and not statement.startswith("EXPLAIN"):
            plans.append(cursor.connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall())

    sa.event.listen(empty_sqlite, "before_cursor_execute", explain)
    extracted(empty_sqlite, tmp_path)
    [plan] = plans
    assert any("SEARCH agg_visit_a USING" in step[-1] for step in plan), plan
