"""Reading an uploaded file: what is accepted comes back exactly, everything else is refused in one sentence."""

from __future__ import annotations

import csv
import dataclasses
import gzip
import io
import tempfile
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ingest.conftest import SOURCE
from trainyard.contract.sources import Column, Source
from trainyard.errors import BadData
from trainyard.glue import engine
from trainyard.stages.ingest.csv_load import load
from trainyard.stages.ingest.csv_scan import MAX_LINE_BYTES, plain
from trainyard.stages.ingest.duplicates import duplicates

HEADER = b"id,name,price\n"
INT64 = st.integers(-(2**63), 2**63 - 1)
# A lone carriage return and NUL are refused, and an empty name is an empty field: neither can come back.
NAMES = st.text(st.characters(exclude_characters="\0\r", exclude_categories=("Cs",)), min_size=1, max_size=20)


def read(connection, directory: Path, data: bytes, *, source: Source = SOURCE, name: str = "things.csv") -> list[tuple]:
    """The rows of a file, in its order; raises BadData, also for duplicates."""
    (directory / "upload").write_bytes(data)
    file = plain(directory / "upload", name, scratch=directory)
    part = directory / "part.parquet"
    rows = load(connection, source, file=file, target=part)
    if problems := duplicates(connection, source, parts=[part], files=[file]):
        raise BadData(problems)
    found = connection.execute("SELECT * FROM read_parquet(?)", [str(part)]).fetchall()
    assert len(found) == rows
    return found


def refusal(connection, directory: Path, data: bytes, **options) -> str:
    with pytest.raises(BadData) as caught:
        read(connection, directory, data, **options)
    for sentence in caught.value.problems:
        assert sentence.startswith("things.csv")
        assert "expected" in sentence
        assert "found" in sentence
        assert sentence.endswith(" and upload the file again.")
    return str(caught.value)


@pytest.mark.parametrize(
    ("data", "rows"),
    [
        (HEADER + b"1,x,1.5\n2,y,\n", [(1, "x", 1.5), (2, "y", None)]),
        (HEADER.replace(b"\n", b"\r\n") + b"1,x,1.5\r\n", [(1, "x", 1.5)]),
        (b"\xef\xbb\xbf" + HEADER + b"1,x,1.5", [(1, "x", 1.5)]),
        (HEADER + b'1,"10"" tray, ""big""",2\n', [(1, '10" tray, "big"', 2.0)]),
        (HEADER + b'1,10" tray,2\n', [(1, '10" tray', 2.0)]),
        (HEADER + b'1,"two\nlines",1e3\n', [(1, "two\nlines", 1000.0)]),
        (HEADER + b'007,x,1\n+8,y,.5\n"9",z,"3"\n', [(7, "x", 1.0), (8, "y", 0.5), (9, "z", 3.0)]),
        (HEADER + b"1,x,1\n\n2,y,2\n\n", [(1, "x", 1.0), (2, "y", 2.0)]),
        (b'"id","name","price"\n1,x,1\n', [(1, "x", 1.0)]),
        (HEADER + b"1,x,1,\n2,y,2\n3,z,,\n", [(1, "x", 1.0), (2, "y", 2.0), (3, "z", None)]),
        (b"id,name,price,\n1,x,1,\n2,y,2,\n", [(1, "x", 1.0), (2, "y", 2.0)]),
        (b"id,name,price,,\n1,x,1\n2,y,2\n", [(1, "x", 1.0), (2, "y", 2.0)]),
        (HEADER + b"1,x,1\r\n2,y,2\n3,z,3\r\r\n", [(1, "x", 1.0), (2, "y", 2.0), (3, "z", 3.0)]),
        (b"id,name,price\r1,x,1\r2,y,2\r", [(1, "x", 1.0), (2, "y", 2.0)]),
        (HEADER + b'1,"x\ry",1\n', [(1, "x\ry", 1.0)]),
    ],
    ids=[
        *("plain", "crlf", "bom", "quotes", "stray quote", "line feed", "spellings", "blank lines", "quoted header"),
        *("extra empty field", "delimiter at every end", "in the header only", "mixed ends", "returns alone"),
        "quoted return",
    ],
)
def test_valid_files_come_back(connection, tmp_path, data, rows):
    assert read(connection, tmp_path, data) == rows
    assert read(connection, tmp_path, gzip.compress(data), name="things.csv.gz") == rows


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (
            b"id,price\n1,2\n",
            "line 1: expected the columns id, name, price, found 'id,price'; correct the header (missing name)",
        ),
        (b"id,name,price,x\n1,a,2,3\n", "(not known x)"),
        (b"name,id,price\na,1,2\n", "(the order or number of columns differs)"),
        (b"id;name;price\n1;a;2\n", "line 1: expected the columns id, name, price, found 'id;name;price'"),
        (b"1,x,2\n2,y,3\n", "line 1: expected the columns"),
        (b"", "expected a header line and data, found an empty file"),
        (HEADER, "expected data after the header, found the header only"),
        (HEADER + b"1,x,1\n1.5,y,2\n", "line 3: expected a whole number of at most 64 bits in column id, found '1.5'"),
        (HEADER + b" 7,y,2\n", "found ' 7'"),
        (HEADER + b"1_000,y,2\n", "found '1_000'"),
        (HEADER + b"0x10,y,2\n", "found '0x10'"),
        (HEADER + b"9223372036854775808,y,2\n", "found '9223372036854775808'"),
        (HEADER + b"1,x,nan\n", "line 2: expected a number such as 1.5 in column price, found 'nan'"),
        (HEADER + b"1,x,1e999\n", "found '1e999'"),
        (
            HEADER + b"1,x,1\n,y,2\n",
            "line 3: expected a whole number of at most 64 bits in column id, found an empty field",
        ),
        (HEADER + b'1,"",1\n', "line 2: expected text in column name, found an empty field"),
        (
            HEADER + b"1,x,1\n2,y\n3,z\n",
            "line 3: expected 3 fields separated by ',', found 2; correct all 2 such lines",
        ),
        (HEADER + b"1,x,1,4\n", "line 2: expected 3 fields separated by ',', found 4"),
        (HEADER + b'1,x,1\n2,"y,1\n3,z,1\n', "line 3: expected fields whose quotes are closed"),
        (HEADER + b'1,"x"y,1\n', "line 2: expected fields whose quotes are closed"),
        (HEADER + b"1,x,1\n2,y\rz,2\n", "line 3: expected a carriage return only where a line ends"),
        (HEADER + b'1,"x\ry",1\r3,z,3\n', "line 2: expected a carriage return only where a line ends"),
        (
            HEADER.replace(b"\n", b"\r") + b"1,x,1\r" * 2**18,
            "expected lines of at most 1,048,576 bytes, found one that",
        ),
        (HEADER + b"1,ok,1\n2,caf\xe9,1\n", "line 3: expected UTF-8 text, found the byte 0xE9"),
        (HEADER + b"1,ok\xc3", "line 2: expected UTF-8 text, found the byte 0xC3"),
        ("id,name,price\n1,x,1\n".encode("utf-16"), "line 1: expected UTF-8 text, found the byte 0xFF"),
        (HEADER + b"1,x\0y,1\n", "line 2: expected text, found a NUL byte"),
        (
            HEADER + b"1,x,1\n2,y,2\n1,z,3\n1,w,4\n",
            "line 4: expected each id once, found 2 repeated lines, such as id 1",
        ),
        (HEADER + b'1,"x\ny",1\n2,y,2\n1,z,3\n', "data row 3: expected each id once, found 1 repeated line"),
        (gzip.compress(HEADER + b"1,x,1\n", mtime=0), "expected plain text, as its name says, found a gzip file"),
    ],
)
def test_bad_files_are_refused_with_place_and_reason(connection, tmp_path, data, sentence):
    assert sentence in refusal(connection, tmp_path, data)


def test_every_kind_of_problem_is_named_at_once(connection, tmp_path):
    text = refusal(connection, tmp_path, HEADER + b"x,a,1\n2,b,y\n3,c\n")
    assert "line 4: expected 3 fields" in text
    assert "in column id, found 'x'" in text
    assert "in column price, found 'y'" in text


@pytest.mark.parametrize(
    ("cut", "sentence"),
    [
        (lambda packed: packed[: len(packed) // 2], "expected a complete gzip file"),
        (lambda packed: packed[:-8] + bytes(8), "found other or damaged bytes"),
        (lambda packed: b"id,name,price\n", "found other or damaged bytes"),
        (lambda packed: b"", "found an empty file"),
    ],
    ids=["truncated", "wrong checksum", "not gzip", "empty"],
)
def test_damaged_archives_are_refused(connection, tmp_path, cut, sentence):
    packed = gzip.compress(HEADER + b"".join(b"%d,n%d,1\n" % (i, i * 7919) for i in range(20_000)))
    assert sentence in refusal(connection, tmp_path, cut(packed), name="things.csv.gz")


@pytest.mark.parametrize("packed", [False, True])
def test_a_huge_line_is_refused_in_bounded_memory(tmp_path, packed):
    path = tmp_path / "upload"
    with gzip.open(path, "wb", 1) if packed else path.open("wb") as file:
        file.write(HEADER)
        for _ in range(64):
            file.write(b"x" * MAX_LINE_BYTES)
    tracemalloc.start()
    with pytest.raises(BadData, match="line 2: expected lines of at most 1,048,576 bytes"):
        plain(path, "things.csv.gz" if packed else "things.csv", scratch=tmp_path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 16 * MAX_LINE_BYTES


def test_the_longest_line_that_is_allowed_is_read(tmp_path):
    (tmp_path / "upload").write_bytes(b"id\n" + b"1" * MAX_LINE_BYTES + b"\n2")
    assert plain(tmp_path / "upload", "things.csv", scratch=tmp_path).lines == 3
    (tmp_path / "upload").write_bytes(b"id\n" + b"1" * (MAX_LINE_BYTES + 1) + b"\n2")
    with pytest.raises(BadData, match="line 2: expected lines of at most"):
        plain(tmp_path / "upload", "things.csv", scratch=tmp_path)


def test_whole_number_tables_are_as_strict_as_others(connection, tmp_path):
    source = Source(
        name="pairs", files=("things.csv",), columns=(Column(name="a", type="int64"), Column(name="b", type="int64"))
    )
    assert read(connection, tmp_path, b"a,b\n1,-2\n", source=source) == [(1, -2)]
    for cell in (b"1-2", b"", b"99999999999999999999", b"--1"):
        assert "line 3: expected a whole number" in refusal(
            connection, tmp_path, b"a,b\n1,2\n3," + cell + b"\n", source=source
        )
    assert "line 2: expected 2 fields" in refusal(connection, tmp_path, b"a,b\n1\n", source=source)


@pytest.mark.parametrize("header", [b"id,name,price,", b",id,name,price", b"ID,id,name,price", b"x,id,x,name,price"])
def test_columns_that_nobody_asked_for_may_be_called_anything(connection, tmp_path, header):
    source = dataclasses.replace(SOURCE, other_columns=True)
    names = header.decode().split(",")
    cells = {"id": "1", "name": "x", "price": "2"}
    line = ",".join(cells.get(each, "") for each in names).encode()
    assert read(connection, tmp_path, header + b"\n" + line + b"\n", source=source) == [(1, "x", 2.0)]
    twice = refusal(connection, tmp_path, b"id,name,price,id\n1,x,2,3\n", source=source)
    assert "line 1: expected the columns id, name, price" in twice


def test_tables_without_header_and_quotes(connection, tmp_path):
    source = dataclasses.replace(SOURCE, header=False, quote="", delimiter="\t")
    assert read(connection, tmp_path, b'1\t"x, y\t1\n2\tz\t\n', source=source) == [(1, '"x, y', 1.0), (2, "z", None)]
    assert "line 2: expected a whole number" in refusal(connection, tmp_path, b"1\tx\t1\nq\tz\t\n", source=source)


@pytest.mark.parametrize("repeated", [0, 1, 499, 998])
def test_a_repeated_line_is_found_however_far_away(connection, tmp_path, monkeypatch, repeated):
    monkeypatch.setattr("trainyard.stages.ingest.duplicates.HASHES_AT_ONCE", 64)
    lines = [f"{number},x,1\n" for number in range(1000)]
    assert len(read(connection, tmp_path, HEADER + "".join(lines).encode())) == 1000
    lines.append(lines[repeated])
    found = refusal(connection, tmp_path, HEADER + "".join(lines).encode())
    assert f"line 1,002: expected each id once, found 1 repeated line, such as id {repeated};" in found


def test_times_and_truth_values(connection, tmp_path):
    columns = (Column(name="at", type="timestamp"), Column(name="done", type="boolean", nullable=True))
    source = Source(name="events", files=("things.csv",), columns=columns)
    rows = read(
        connection,
        tmp_path,
        b"at,done\n2026-01-31,true\n2026-01-31 23:59:59.5,0\n2026-01-31T10:00:00Z,\n",
        source=source,
    )
    assert [(str(at), done) for at, done in rows] == [
        ("2026-01-31 00:00:00", True),
        ("2026-01-31 23:59:59.500000", False),
        ("2026-01-31 10:00:00", None),
    ]
    for cells in (b"epoch,true", b"31/01/2026,true", b"2026-02-30,true", b"2026-01-31,yes"):
        assert "line 2: expected" in refusal(connection, tmp_path, b"at,done\n" + cells + b"\n", source=source)


def written(rows: list[tuple], line_end: str) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator=line_end)
    writer.writerow([each.name for each in SOURCE.columns])
    writer.writerows(["" if cell is None else cell for cell in row] for row in rows)
    return text.getvalue().encode()


@settings(max_examples=60)
@given(
    rows=st.lists(
        st.tuples(INT64, NAMES, st.none() | st.floats(allow_nan=False, allow_infinity=False)),
        min_size=1,
        max_size=20,
        unique_by=lambda row: row[0],
    ),
    line_end=st.sampled_from(["\n", "\r\n"]),
    packed=st.booleans(),
)
def test_any_valid_table_comes_back(rows, line_end, packed):
    data = written(rows, line_end)
    with tempfile.TemporaryDirectory() as folder:
        connection = engine.connect(Path(folder))
        name = "things.csv.gz" if packed else "things.csv"
        found = read(connection, Path(folder), gzip.compress(data) if packed else data, name=name)
        connection.close()
    assert found == rows


@settings(max_examples=120)
@given(
    start=st.integers(0, 80),
    removed=st.integers(0, 10),
    inserted=st.one_of(
        st.binary(max_size=8), st.sampled_from([b'"', b'""', b"\n", b"\r", b",", b"\r\n", b"\xff", b'"\n"'])
    ),
    packed=st.booleans(),
)
def test_mutated_bytes_are_read_or_refused(start, removed, inserted, packed):
    data = HEADER + b'1,x,1.5\n2,"y ""z"", w",\n3,"two\nlines",1e3\n4,caf\xc3\xa9,-1\n'
    data = gzip.compress(data) if packed else data
    mutated = data[:start] + inserted + data[start + removed :]
    with tempfile.TemporaryDirectory() as folder:
        connection = engine.connect(Path(folder))
        try:
            read(connection, Path(folder), mutated, name="things.csv.gz" if packed else "things.csv")
        except BadData as error:
            assert all("expected" in each and "found" in each for each in error.problems)
        finally:
            connection.close()
