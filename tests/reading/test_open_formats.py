"""Files of any packing and format give the tables that are in them, or one sentence that says why not."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from datetime import date, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.reading import workbooks
from tests.reading.opened import SOURCES, table, tables
from trainyard.contract.sources import FileSettings
from trainyard.errors import BadData
from trainyard.reading.model import LocalFile
from trainyard.reading.opening import unpacked
from trainyard.reading.opening.open import found_tables

CSV = "userId,movieId,rating\n" + "".join(f"{row},{row * 3},4.5\n" for row in range(1, 30))
ROWS = [(str(row), str(row * 3), "4.5") for row in range(1, 30)]


def zipped(members: Mapping[str, bytes | str], *, how: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip archive of these members."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", how) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return packed.getvalue()


def tarred(members: Mapping[str, bytes]) -> bytes:
    """A tar archive of these members."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return packed.getvalue()


@pytest.mark.parametrize(
    ("pack", "read_as"),
    [
        (gzip.compress, ("gzip",)),
        (bz2.compress, ("bzip2",)),
        (lzma.compress, ("xz",)),
        (lambda content: bytes(pa.compress(content, "zstd", asbytes=True)), ("zstd",)),
        (lambda content: zipped({"ratings.csv": content}), ("zip",)),
        (lambda content: zipped({"a/b/ratings.csv.gz": gzip.compress(content)}), ("zip", "gzip")),
        (lambda content: gzip.compress(tarred({"a/ratings.csv": content})), ("gzip", "tar")),
        (lambda content: gzip.compress(content[:100]) + gzip.compress(content[100:]), ("gzip",)),
        (lambda content: content, ()),
    ],
)
@pytest.mark.parametrize("name", ["ratings.csv", "ratings.csv.gz", "ratings.zip", "ratings"])
def test_packing_is_what_the_bytes_say(
    tmp_path: Path, pack: Callable[[bytes], bytes], read_as: tuple[str, ...], name: str
) -> None:
    read = table(tmp_path, pack(CSV.encode()), name=name, source="ratings")

    assert read.rows == ROWS
    assert read.found.source == "ratings"
    assert read.found.read_as == read_as


@pytest.mark.parametrize("name", ["a.csv.gz", "a.zst", "a*.csv", "a?.csv", "a[b].csv", "kind=book/a.csv", "a.json.gz"])
def test_the_name_of_a_file_on_disk_says_nothing(tmp_path: Path, name: str) -> None:
    (tmp_path / "axb.csv").write_text("x,y\n5,6\n", encoding="utf-8")
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    content = '{"a": 1, "b": 2}\n' if "json" in name else "a,b\n1,2\n"
    path.write_text(content, encoding="utf-8")
    connection = duckdb.connect()

    file = LocalFile(name=path.name, path=path)
    (found,) = found_tables(connection, file, settings=FileSettings(), sources=SOURCES, scratch=tmp_path)

    assert found.columns == ("a", "b")
    assert connection.execute(f"FROM {found.relation}").fetchall() == [("1", "2")]


def test_an_archive_gives_its_tables_and_no_debris(tmp_path: Path) -> None:
    members = {
        "shop/ratings-1.csv": CSV,
        "__MACOSX/shop/._ratings-1.csv": b"\0\1\2",
        "shop/.DS_Store": b"\0\0\0\1Bud1",
        "shop/README.txt": "about this",
        "shop/ratings-2.csv": CSV,
        "shop/reviews.csv": "title;text\na;b\n",
        "shop/other.csv": "a,b\n1,2\n",
    }

    found = tables(tmp_path, zipped(members), name="shop.zip")

    assert [(each.found.name, each.found.source) for each in found] == [
        ("shop.zip: shop/ratings-1.csv", "ratings"),
        ("shop.zip: shop/ratings-2.csv", "ratings"),
        ("shop.zip: shop/reviews.csv", "reviews"),
        ("shop.zip: shop/other.csv", ""),
    ]


def test_parts_in_an_archive_that_is_called_like_a_table_are_parts_of_it(tmp_path: Path) -> None:
    found = tables(tmp_path, zipped({"1.csv": CSV, "2.csv": CSV}), name="ratings.zip", source="ratings")

    assert [each.found.source for each in found] == ["ratings", "ratings"]


def encrypted() -> bytes:
    """An archive that claims to be encrypted, as its flags say."""
    content = bytearray(zipped({"ratings.csv": CSV}))
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (gzip.compress(CSV.encode())[:-20], "expected a gzip file, found a damaged one"),
        (bz2.compress(CSV.encode())[:-20], "expected a bzip2 file, found a damaged one"),
        (lzma.compress(CSV.encode())[:-20], "expected a xz file, found a damaged one"),
        (zipped({"ratings.csv": CSV})[:-30], "expected a zip file, found a damaged one"),
        (b"PK\x03\x04" + bytes(100), "expected a zip file, found a damaged one"),
        (encrypted(), "expected an archive without a password, found an encrypted one"),
        (zipped({"README.txt": "about"}), "found none; pack one"),
        (zipped({}), "found none; pack one"),
        (zipped({"ratings.csv": CSV, "run.json": "{}"}), r"found run\.json among them; put it beside the archive"),
        (b"PAR1" + bytes(100), "expected a Parquet file, found a damaged one"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "expected a workbook, found a damaged one"),
    ],
    # Archives hold the time, which would be in the names of the tests.
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_damaged_is_refused_in_a_sentence(tmp_path: Path, content: bytes, sentence: str) -> None:
    with pytest.raises(BadData, match=sentence) as refused:
        tables(tmp_path, content, name="ratings.csv.gz", source="ratings")

    assert len(refused.value.problems) == 1
    assert refused.value.problems[0].startswith("ratings.csv.gz")


def test_an_archive_that_would_fill_the_disk_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacked, "ALWAYS_BYTES", 2**20)
    bomb = gzip.compress(b"\0" * 2**24)
    nested = zipped({f"{number}.gz": gzip.compress(b"a,b\n" * 2**17) for number in range(8)})

    for content in (bomb, nested):
        with pytest.raises(BadData, match=r"unpacks to far more than its size \(to more than [0-9,]{9} bytes\)"):
            tables(tmp_path, content)


def test_small_files_may_be_as_empty_as_they_like_within_reason(tmp_path: Path) -> None:
    """458 KB that become 314 MB are no table; a table of a thousand times the same line is one."""
    (tmp_path / "small").write_bytes(bytes(458_000))
    assert 50e6 < unpacked.allowed_bytes(tmp_path / "small") < 314e6
    assert table(tmp_path, gzip.compress(b"a,b\n" + b"1,2\n" * 500_000)).rows[-1] == ("1", "2")


def test_an_archive_of_very_many_files_is_refused_though_none_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpacked, "MAX_MEMBERS", 50)
    with pytest.raises(BadData, match="found an archive of more than 50 files"):
        tables(tmp_path, zipped({f"__MACOSX/{number}": "" for number in range(60)}))


def test_a_workbook_that_would_fill_the_memory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacked, "ALWAYS_BYTES", 2**16)
    with zipfile.ZipFile(tmp_path / "book", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "")
        archive.writestr("xl/workbook.xml", "")
        archive.writestr("xl/worksheets/sheet1.xml", " " * 2**22)
    with pytest.raises(BadData, match="expected a workbook of tables, found one that unpacks to more than"):
        tables(tmp_path, (tmp_path / "book").read_bytes(), name="book.xlsx")


def test_archives_in_archives_have_an_end(tmp_path: Path) -> None:
    content = CSV.encode()
    for _ in range(6):
        content = gzip.compress(content)

    with pytest.raises(BadData, match="found archives in archives"):
        table(tmp_path, content)


def test_parquet_keeps_its_types_and_lists(tmp_path: Path) -> None:
    wanted = {"id": [2**60, 7], "Items": [["a", "b"], []], "items": ["x", None], "when": [datetime(2026, 1, 1), None]}
    pq.write_table(pa.table(wanted), tmp_path / "part")

    read = table(tmp_path, (tmp_path / "part").read_bytes(), name="anything.dat")

    assert read.found.columns[:2] == ("id", "Items")
    assert read.found.typed
    assert read.rows == [(2**60, ["a", "b"], "x", datetime(2026, 1, 1)), (7, [], None, None)]


RECORDS = [
    {"id": 14029467366897019727, "n": 5.0, "ok": True, "items": ["x", 1], "o": {"a": 1, "b": [1]}},
    {"id": "007"},
]


@pytest.mark.parametrize(
    "content",
    [
        "\n".join(json.dumps(each) for each in RECORDS),
        "\ufeff" + "\r\n\r\n".join(json.dumps(each) for each in RECORDS) + "\r\n",
        json.dumps(RECORDS),
        json.dumps(RECORDS, indent=2),
        json.dumps({"status": "fine", "count": 2, "data": RECORDS}),
        json.dumps({"status": "fine", "count": 2, "data": RECORDS}, indent=4),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_json_of_any_shape_is_a_table_of_texts_and_lists(tmp_path: Path, content: str, encoding: str) -> None:
    if encoding == "utf-16":
        content = content.removeprefix("\ufeff")

    read = table(tmp_path, content.encode(encoding), name="orders.json")

    assert read.found.columns == ("id", "n", "ok", "items", "o.a", "o.b")
    assert read.rows == [
        ("14029467366897019727", "5.0", "true", ["x", "1"], "1", "[1]"),
        ("007", None, None, None, None, None),
    ]
    assert read.found.typed


def test_objects_in_a_list_are_a_list_for_each_field(tmp_path: Path) -> None:
    order = {"order": "A1", "items": [{"sku": "x", "quantity": 2}, {"sku": "y", "quantity": 1}]}

    read = table(tmp_path, "\n".join([json.dumps(order)] * 3))

    assert read.found.columns == ("order", "items.sku", "items.quantity")
    assert read.rows == [("A1", ["x", "y"], ["2", "1"])] * 3


@pytest.mark.parametrize(
    "document",
    [
        {"a": {"0": 1, "1": 2}, "b": {"0": "x", "1": "y"}},
        {"columns": ["a", "b"], "index": [0, 1], "data": [[1, "x"], [2, "y"]]},
        {"a": [1, 2], "b": ["x", "y"]},
    ],
)
def test_documents_as_pandas_writes_them(tmp_path: Path, document: object) -> None:
    read = table(tmp_path, json.dumps(document, indent=1))

    assert read.found.columns == ("a", "b")
    assert read.rows == [("1", "x"), ("2", "y")]


@pytest.mark.parametrize(
    "content",
    [
        '{"id":{"0":1,"1":2},"b":{"0":"x","1":"y"}}',
        '{"0":{"id":1,"b":"x"},"1":{"id":2,"b":"y"}}',
        '{"columns":["id","b"],"index":[0,1],"data":[[1,"x"],[2,"y"]]}',
        '{"id": 1,\n "b": "x"}\n{"id": 2,\n "b": "y"}\n',
        '{"id": 1, "b": "x"},\n{"id": 2, "b": "y"},\n',
    ],
)
def test_documents_in_one_line_and_one_after_the_other(tmp_path: Path, content: str) -> None:
    read = table(tmp_path, content, name="data.json")

    assert (read.found.columns, read.rows) == (("id", "b"), [("1", "x"), ("2", "y")])


def test_lines_that_are_no_json_are_set_aside(tmp_path: Path) -> None:
    lines = [json.dumps({"title": f"t{row}", "text": "one\ntwo"}) for row in range(200)]
    lines[100] = lines[100][:15]

    read = table(tmp_path, "\n".join(lines))

    assert [row[0] for row in read.rows] == [f"t{row}" for row in range(200) if row != 100]
    assert read.rejected == [101]


def test_objects_in_the_notation_of_python(tmp_path: Path) -> None:
    lines = [repr({"asin": f"B{row}", "title": "it's", "price": 5.0, "related": None}) for row in range(20)]

    read = table(tmp_path, "\n".join(lines))

    assert read.found.columns[:3] == ("asin", "title", "price")
    assert read.rows[3][:3] == ("B3", "it's", "5.0")


@pytest.mark.parametrize(
    "content", ['{"a": 1, "b": [1, 2', '[{"a": 1}, {"a": ', '{"a": 1}\n' * 0 + '{"a":\n 1, "b": "text"}']
)
def test_json_that_is_no_table_is_refused(tmp_path: Path, content: str) -> None:
    with pytest.raises(BadData, match="expected"):
        table(tmp_path, content)


SHEET: list[list[workbooks.Cell]] = [
    ["userId", "movieId", "rating", "watched", "when"],
    *([row, row * 3.0, 4.5, row % 2 == 0, datetime(2026, 1, 31, 23, 59)] for row in range(1, 20)),
]
FROM_SHEET = [(str(row), str(row * 3), "4.5", str(row % 2 == 0).lower(), "2026-01-31 23:59:00") for row in range(1, 20)]


@pytest.mark.parametrize(
    ("rows", "first"),
    [
        (SHEET, 2),
        ([[None], [None], *([None, None, *row] for row in SHEET)], 4),
        ([["Ratings of our shop"], ["as of", date(2026, 1, 31)], [], *SHEET, [], []], 5),
    ],
)
def test_a_sheet_is_a_table_wherever_it_begins(tmp_path: Path, rows: list[list[workbooks.Cell]], first: int) -> None:
    content = workbooks.write(tmp_path / "book", {"Sheet1": rows})

    read = table(tmp_path, content, name="export.csv", source="ratings")

    assert read.found.columns == ("userId", "movieId", "rating", "watched", "when")
    assert read.rows == FROM_SHEET
    assert read.found.read_as == ("Excel, sheet Sheet1",)
    assert read.found.first_row == first


def test_sheets_are_tables_by_their_names(tmp_path: Path) -> None:
    other: list[list[workbooks.Cell]] = [["title", "text"], ["a", "b"], ["c", "d"]]
    content = workbooks.write(tmp_path / "book", {"Notes": [["hello"]], "Reviews": other, "ratings": SHEET})

    found = tables(tmp_path, content, name="shop.xlsx")

    assert [(each.found.name, each.found.source) for each in found] == [
        ("shop.xlsx: Reviews", "reviews"),
        ("shop.xlsx: ratings", "ratings"),
    ]
    assert found[1].rows == FROM_SHEET


def test_of_several_sheets_the_first_table_is_read_or_the_one_that_is_said(tmp_path: Path) -> None:
    other: list[list[workbooks.Cell]] = [["userId", "movieId"], [1, 2], [3, 4]]
    content = workbooks.write(tmp_path / "book", {"About": [], "A": SHEET, "B": other, "C": other}, hidden=["C"])

    assert table(tmp_path, content, name="ratings.xlsx", source="ratings").found.read_as == ("Excel, sheet A of 2",)
    assert table(tmp_path, content, source="ratings", sheet="B").rows == [("1", "2"), ("3", "4")]
    assert [each.found.name for each in tables(tmp_path, content, name="x.xlsx")] == ["x.xlsx: A", "x.xlsx: B"]
    with pytest.raises(BadData, match="expected the sheet D, found the sheets About, A, B, C"):
        tables(tmp_path, content, sheet="D")


def test_a_workbook_of_libreoffice(tmp_path: Path) -> None:
    content = workbooks.write_open(tmp_path / "book", {"Sheet1": [["userId", "title"], [1.0, "Größe"], [2.5, "x"]]})

    read = table(tmp_path, content, name="ratings.ods")

    assert read.found.columns == ("userId", "title")
    assert read.rows == [("1", "Größe"), ("2.5", "x")]


def test_files_in_an_archive_have_settings_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "upload").write_bytes(zipped({"ratings.csv": "1;2\n3;4\n", "reviews.csv": "a,b\nc,d\n"}))
    asked: list[tuple[str, str]] = []

    def of_member(name: str, source: str) -> FileSettings:
        asked.append((name, source))
        return FileSettings(header=source == "reviews")

    found = found_tables(
        duckdb.connect(),
        LocalFile(name="shop.zip", path=tmp_path / "upload"),
        settings=FileSettings(),
        sources=SOURCES,
        scratch=tmp_path,
        of_member=of_member,
    )

    assert asked == [("shop.zip: ratings.csv", "ratings"), ("shop.zip: reviews.csv", "reviews")]
    assert [each.columns for each in found] == [(), ("a", "b")]


def test_what_is_no_table_in_an_archive_of_tables_is_left_alone(tmp_path: Path) -> None:
    members = {"notes.bin": bytes(range(256)) * 9, "ratings.csv": CSV, "empty.csv": ""}

    assert [each.found.source for each in tables(tmp_path, zipped(members))] == ["ratings"]
    with pytest.raises(BadData, match=r"ratings\.csv: expected a table, found an empty file"):
        tables(tmp_path, zipped({**members, "ratings.csv": ""}))


def test_a_workbook_without_a_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadData, match="expected a sheet with a table, found empty sheets"):
        table(tmp_path, workbooks.write(tmp_path / "book", {"Sheet1": []}), name="ratings.xlsx")
