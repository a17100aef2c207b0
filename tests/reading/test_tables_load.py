"""Values of tables: what is accepted comes back exactly, bad lines are set aside or refused with place and reason."""

from __future__ import annotations

import csv
import datetime
import io
import tempfile
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.reading.reads import THINGS, columns, problem, reading, rows
from tests.reading.reads import csv as lines
from trainyard.contract.sources import Column, FileSettings, Source
from trainyard.contract.values import is_missing
from trainyard.reading.model import Reading

HEADER = "id,name,price"
LAST = (2**62 + 1, "the last one", 1.0)
INT64 = st.integers(-(2**63), 2**63 - 1)
# Control characters are a sign of bytes that are no text, and a lone carriage return may be an end of a line.
NAMES = st.text(st.characters(exclude_categories=("Cs", "Cc"), include_characters="\n\t"), min_size=1, max_size=20)
KEYS = Source(name="keys", files=("keys",), columns=(Column(name="key", type="id"), Column(name="n", type="int64")))


def things(folder: Path, data: bytes, *, share: float = 0.0, name: str = "things.csv") -> Reading:
    return reading(folder, {name: data}, THINGS, share=share)


@pytest.mark.parametrize(
    ("line", "row"),
    [
        ("1,x,1.5", (1, "x", 1.5)),
        ("2,y,", (2, "y", None)),
        ("3,y,NA", (3, "y", None)),
        ("4,y,NaN", (4, "y", None)),
        (r"5,y,\N", (5, "y", None)),
        ("6.0,y,.5", (6, "y", 0.5)),
        (" 7 ,y, 2 ", (7, "y", 2.0)),
        ("007,y,1e3", (7, "y", 1000.0)),
        ("+8,y,+1.", (8, "y", 1.0)),
        ('"1,234,567",y,"$1,630.50"', (1234567, "y", 1630.5)),
        ("'9,y,(12.5%)", (9, "y", -12.5)),
        ("1\u202f234,y,CHF 5'000.25-", (1234, "y", -5000.25)),
        ('"9","y","3"', (9, "y", 3.0)),
    ],
)
def test_values_mean_what_people_mean(tmp_path, line, row):
    assert rows(things(tmp_path, lines(HEADER, [line, "100,z,1"]))) == [row, (100, "z", 1.0)]


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("1.5,y,2", "line 3: expected a whole number of at most 64 bits in column id, found '1.5'"),
        ("1_000,y,2", "found '1_000'"),
        ("0x10,y,2", "found '0x10'"),
        ("9223372036854775808,y,2", "found '9223372036854775808'"),
        ("3,x,free", "line 3: expected a number such as 1.5 in column price, found 'free'"),
        ("3,x,1e999", "found '1e999'"),
        (",y,2", "line 3: expected a whole number of at most 64 bits in column id, found an empty field"),
        ("NULL,y,2", "expected a whole number of at most 64 bits in column id, found 'NULL'"),
        ('3,"",1', "line 3: expected text in column name, found an empty field"),
        ("2,y", "line 3: expected 3 fields separated by ',', found 2; correct the one such line"),
        ("2,y,1,4", "line 3: expected 3 fields separated by ',', found 4"),
    ],
)
def test_bad_lines_are_named_with_place_and_reason(tmp_path, line, sentence):
    found = things(tmp_path, lines(HEADER, ["1,x,1", line, "5,x,2"]))
    assert f"things.csv, {sentence}" in problem(found) or sentence in problem(found)


def test_every_kind_of_problem_is_named_at_once(tmp_path):
    text = problem(things(tmp_path, lines(HEADER, ["x,a,1", "2,b,y", "3,c", "4,d,1", "z,d,1"])))
    assert "line 4: expected 3 fields" in text
    assert (
        "line 2: expected a whole number of at most 64 bits in column id, found 'x'; correct all 2 such lines" in text
    )
    assert "line 3: expected a number such as 1.5 in column price, found 'y'" in text


def test_a_column_of_another_kind_is_one_sentence(tmp_path):
    found = things(tmp_path, lines(HEADER, [f"u{each},x,1" for each in range(50)]), share=0.5)
    assert problem(found).startswith(
        "things.csv: expected a whole number of at most 64 bits in column id, found 'u0' and the like in all 50 lines; "
        "say in run.json which column it is (files.things.columns.id)"
    )


@pytest.mark.parametrize(
    ("bad", "of", "share", "accepted"),
    [(1, 99, 0.01, False), (1, 100, 0.01, True), (1, 100, 0.0, False), (3, 300, 0.01, True), (4, 300, 0.01, False)],
)
def test_so_many_bad_lines_are_set_aside(tmp_path, bad, of, share, accepted):
    good = [f"{each},x,1" for each in range(of - bad)]
    found = things(
        tmp_path, lines(HEADER, [*good[:10], *["half,x,1", "2,y", "3,y,z", "4,"][:bad], *good[10:]]), share=share
    )
    assert found.quality.ok == accepted
    kept = duckdb.read_csv(str(found.rejected / "things.csv")).fetchall()
    assert [row[1] for row in kept] == [12, 14, 13, 15][:bad] or sorted(row[1] for row in kept) == [12, 13, 14, 15][
        :bad
    ]
    if accepted:
        assert len(rows(found)) == of - bad
        assert found.quality.figures == {"things_rows": of - bad, "things_left_out": bad}
        assert any(
            "things.csv, line 12: left out: expected a whole number of at most 64 bits in column id, found 'half'"
            in each
            and f"of {of:,} lines; all of them in ingest/rejected/things.csv" in each
            for each in found.quality.warnings
        )
    else:
        assert "line 12: expected a whole number" in problem(found)


@pytest.mark.parametrize(
    ("above", "line"),
    [
        (["1,x,1"] * 1, 3),
        (["1,x,1", "", "", "2,y,1"], 6),
        (['1,"two\nlines",1'], 4),
        (["1,x,1", "2,cut", "3,x,1", "4,cut", "5,y,1"], 7),
        (['1,"two\n\nlines",1', "2,cut", "", "3,x,1"], 8),
        (['1,10" tray,1', "", '2,"say ""x""",1'], 5),
    ],
    ids=["plain", "blank lines", "quoted line feed", "rejected lines", "all of it", "stray quote"],
)
def test_the_line_of_a_bad_cell_is_right(tmp_path, above, line):
    more = [f"{each},z,1" for each in range(100, 400)]
    found = things(tmp_path, lines(HEADER, [*above, "9,z,here", *more]), share=0.05)
    kept = {row[3]: row[1] for row in duckdb.read_csv(str(found.rejected / "things.csv"), all_varchar=True).fetchall()}
    assert kept["9,z,here"] == str(line)
    assert rows(found)[-1] == (399, "z", 1.0)


def test_a_header_in_the_middle_is_set_aside(tmp_path):
    data = lines(HEADER, [f"{each},x,1" for each in range(60)])
    again = lines(HEADER, [f"{each},x,1" for each in range(60, 120)])
    found = things(tmp_path, data + again, share=0.01)
    assert len(rows(found)) == 120
    assert "line 62: left out: expected data below the header, found the header once more" in found.quality.warnings[0]


def test_what_is_left_out_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr("trainyard.reading.rejected.MAX_REJECTED", 5)
    monkeypatch.setattr("trainyard.reading.bad_rows.MAX_REJECTED", 5)
    found = things(tmp_path, lines(HEADER, [f"{'x' * 900},{each},1" for each in range(20)]))
    kept = duckdb.read_csv(str(found.rejected / "things.csv")).fetchall()
    assert len(kept) == 5
    assert all(len(row[3]) == 500 for row in kept)
    assert len(problem(found)) < 1000


@pytest.mark.parametrize(
    ("keys", "type_", "back"),
    [
        (["1", "2", "-3"], "BIGINT", [1, 2, -3]),
        (["1630.0", "17.0", ""], "BIGINT", [1630, 17, None]),
        (["007", "8"], "VARCHAR", ["007", "8"]),
        (["9223372036854775807", "1"], "BIGINT", [2**63 - 1, 1]),
        (["9223372036854775808", "1"], "VARCHAR", ["9223372036854775808", "1"]),
        (["84012345678901234126", "84012345678901234176"], "VARCHAR", ["84012345678901234126", "84012345678901234176"]),
        (["80144A", "POST", " C1007 "], "VARCHAR", ["80144A", "POST", "C1007"]),
        (["db5b5fab-8f4d-4e27-9da1-494c73cf256d"], "VARCHAR", ["db5b5fab-8f4d-4e27-9da1-494c73cf256d"]),
        (["Straße 7", "日本", "12E4"], "VARCHAR", ["Straße 7", "日本", "12E4"]),
        (["1" * 200, "x"], "VARCHAR", ["1" * 200, "x"]),
    ],
    ids=["numbers", "floats", "zeros", "63 bits", "64 bits", "20 digits", "letters", "uuid", "words", "long"],
)
def test_keys_of_any_kind_come_back(tmp_path, keys, type_, back):
    source = Source(
        name="keys",
        files=("keys",),
        columns=(Column(name="key", type="id", nullable=True), Column(name="n", type="int64")),
    )
    found = reading(tmp_path, {"keys.csv": lines("key,n", [f"{each},1" for each in keys])}, source)
    assert [key for key, _ in rows(found, "keys")] == back
    assert columns(found, "keys")["key"] == type_


def test_keys_are_text_in_all_parts_where_they_are_in_one(tmp_path):
    files = {"keys-1.csv": lines("key,n", ["1,1", "2,1"]), "keys-2.csv": lines("key,n", ["3,1", "A4,1"])}
    files["keys-3.csv"] = lines("key,n", ["5,1"])
    found = reading(tmp_path, files, KEYS)
    assert [key for key, _ in rows(found, "keys")] == ["1", "2", "3", "A4", "5"]
    assert columns(found, "keys") == {"key": "VARCHAR", "n": "BIGINT"}


def test_a_bad_line_does_not_make_keys_text(tmp_path):
    data = lines("key,n", [*(f"{each},1" for each in range(150)), "key,n"])
    found = reading(tmp_path, {"keys.csv": data}, KEYS, share=0.01)
    assert len(rows(found, "keys")) == 150
    assert columns(found, "keys")["key"] == "BIGINT"


def test_a_key_that_a_spreadsheet_has_shortened_is_not_guessed(tmp_path):
    found = reading(tmp_path, {"keys.csv": lines("key,n", ["1.23E+13,1", "7,1"])}, KEYS)
    assert "a spreadsheet has shortened it" in problem(found)
    assert "'1.23E+13'" in problem(found)


EVENTS = Source(name="events", files=("events",), columns=(Column(name="at", type="timestamp", nullable=True),))


@pytest.mark.parametrize(
    ("cells", "moments"),
    [
        (["2026-01-31"], ["2026-01-31 00:00:00"]),
        (["2026-01-31 23:59:59.5"], ["2026-01-31 23:59:59.500000"]),
        (["2026-07-01T02:57:00+02:00", "2026-07-01T00:57:00Z"], ["2026-07-01 00:57:00"] * 2),
        (["960183970", "960183970.0"], ["2000-06-05 05:46:10"] * 2),
        (["1394470370698"], ["2014-03-10 16:52:50.698000"]),
        (["20260131", "20260201"], ["2026-01-31 00:00:00", "2026-02-01 00:00:00"]),
        (["19260131", "40260201"], ["1970-08-11 22:02:11", "1971-04-11 23:23:21"]),
        (["12/1/2010 9:03", "12/31/2010"], ["2010-12-01 09:03:00", "2010-12-31 00:00:00"]),
        (["1.12.2010 09:03", "31.12.10"], ["2010-12-01 09:03:00", "2010-12-31 00:00:00"]),
        (["2010/12/1 9:03"], ["2010-12-01 09:03:00"]),
        (["01-Jan-1995", "March 5, 2014"], ["1995-01-01 00:00:00", "2014-03-05 00:00:00"]),
        (["5/5/2010", "6/6/2011"], ["2010-05-05 00:00:00", "2011-06-06 00:00:00"]),
    ],
)
def test_moments_in_all_spellings(tmp_path, cells, moments):
    found = reading(tmp_path, {"events.csv": lines("at,x", [f'"{each}",1' for each in [*cells, "NA"]])}, EVENTS)
    assert [at and str(at) for (at,) in rows(found, "events")] == [*moments, None]


@pytest.mark.parametrize("cell", ["epoch", "infinity", "31/31/2026", "2026-02-30", "25 o'clock"])
def test_what_is_no_moment_is_refused(tmp_path, cell):
    found = reading(tmp_path, {"events.csv": lines("at,x", [f"{cell},1", "2026-01-31,2"])}, EVENTS)
    assert "events.csv, line 2: expected a time such as 2026-01-31 23:59:59 in column at" in problem(found)


def test_days_that_may_be_months_are_asked_about(tmp_path):
    files = {"events.csv": lines("at,x", ["3/4/2026,1", "5/6/2026,1"])}
    assert "files.events.dates is day first or month first" in problem(reading(tmp_path, files, EVENTS))
    found = reading(tmp_path, files, EVENTS, events=FileSettings(dates="day first"))
    assert rows(found, "events")[0] == (datetime.datetime(2026, 4, 3, 0, 0),)


def test_days_with_points_come_before_months(tmp_path):
    found = reading(tmp_path, {"events.csv": lines("at,x", ["01.02.2026,1", "03.04.2026 18:05,2"])}, EVENTS)
    assert rows(found, "events") == [(datetime.datetime(2026, 2, 1),), (datetime.datetime(2026, 4, 3, 18, 5),)]


def test_thousands_are_read_where_the_mark_of_fractions_is_known(tmp_path):
    found = reading(tmp_path / "known", {"things.csv": lines(HEADER, ['1,x,"1,234"', "2,y,4.5"])}, THINGS)
    assert [price for _, _, price in rows(found)] == [1234.0, 4.5]
    unknown = lines(HEADER, ['1,x,"1,234"', '2,y,"2,340"'])
    assert "'1,234'" in problem(reading(tmp_path / "unknown", {"things.csv": unknown}, THINGS))
    found = reading(tmp_path / "said", {"things.csv": unknown}, THINGS, things=FileSettings(decimal="."))
    assert [price for _, _, price in rows(found)] == [1234.0, 2340.0]


def test_rows_of_nothing_but_delimiters_are_none(tmp_path):
    bad = things(tmp_path, lines(HEADER, ["1,x,1", ",,", ",,", "2,y,z", "3,y,2", *[",,"] * 40]), share=0.4)
    assert rows(bad) == [(1, "x", 1.0), (3, "y", 2.0)]
    assert "line 5: left out" in bad.quality.warnings[0]
    late = lines(HEADER, [*(f"{row},{'x' * 90}," for row in range(3000)), *[",,"] * 300])
    assert len(rows(things(tmp_path / "late", late))) == 3000


@pytest.mark.parametrize(
    "spelling", [("TRUE", "FALSE"), ("yes", "No"), ("1", "0"), ("1.0", "0.0"), ("t", "f"), ("ja", "nein")]
)
def test_yes_and_no_in_all_spellings(tmp_path, spelling):
    source = Source(name="flags", files=("flags",), columns=(Column(name="on", type="boolean", nullable=True),))
    found = reading(tmp_path, {"flags.csv": lines("on,x", [f"{each},1" for each in (*spelling, "NA")])}, source)
    assert rows(found, "flags") == [(True,), (False,), (None,)]


def test_places_count_rows_and_elements_of_lists(tmp_path):
    source = Source(
        name="lines",
        files=("lines",),
        columns=(
            Column(name="order", type="id"),
            Column(name="item", type="id", synonyms=("items",)),
            Column(name="at", type="int64", required=False, place=True),
        ),
    )
    found = reading(tmp_path, {"lines.csv": lines("order,item", ["A,x", "A,y", "B,x"])}, source)
    assert rows(found, "lines") == [("A", "x", 1), ("A", "y", 2), ("B", "x", 3)]
    nested = b'{"order": "A", "items": ["x", "y"]}\n{"order": "B", "items": ["x"]}\n{"order": "C", "items": []}\n'
    found = reading(tmp_path, {"lines.jsonl": nested}, source)
    assert rows(found, "lines") == [("A", "x", 1), ("A", "y", 2), ("B", "x", 1)]


def test_typed_files_are_read_in_their_types(tmp_path):
    path = tmp_path / "things.parquet"
    duckdb.sql(
        "SELECT 7::DOUBLE AS id, 'x' AS name, 1.5::DECIMAL(9, 2) AS price, {'a': 1} AS nested "
        "UNION ALL SELECT 8, 'y', NULL, NULL"
    ).write_parquet(str(path))
    assert rows(reading(tmp_path, {"things.parquet": path.read_bytes()}, THINGS)) == [(7, "x", 1.5), (8, "y", None)]


def written(table: list[tuple], line_end: str) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator=line_end)
    writer.writerow(each.name for each in THINGS.columns)
    writer.writerows(["" if cell is None else cell for cell in row] for row in table)
    return text.getvalue().encode()


@settings(max_examples=15, deadline=None)
@given(
    table=st.lists(
        st.tuples(INT64, NAMES, st.none() | st.floats(allow_nan=False, allow_infinity=False)),
        min_size=1,
        max_size=20,
        unique_by=lambda row: row[0],
    ),
    line_end=st.sampled_from(["\n", "\r\n"]),
)
def test_any_valid_table_comes_back(table, line_end):
    table = [row for row in table if not is_missing(row[1]) and row[0] != LAST[0]]
    with tempfile.TemporaryDirectory() as folder:
        assert rows(things(Path(folder), written([*table, LAST], line_end))) == [*table, LAST]
