"""Files that are easily read wrongly: they are read right, or refused with a sentence, or ask for a setting."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.reading.opened import table
from trainyard.errors import BadData

LINES = 300


def titled(
    broken: dict[int, str], *, usual: str = '{0},{0},"a, b {0}",5', header: str = "userId,movieId,title,timestamp"
) -> str:
    """Lines of a table in which some are others; the header is line 1, and line n has number n."""
    body = [broken.get(number, usual.format(number)) for number in range(2, LINES + 2)]
    return "\n".join([header, *body, ""])


def numbers(rows: list[tuple[object, ...]]) -> list[int]:
    return [int(str(row[0])) for row in rows]


ALL = list(range(2, LINES + 2))


def test_a_quote_that_never_closes_costs_its_line_only(tmp_path: Path) -> None:
    read = table(tmp_path, titled({50: '50,50,"a b 50,5'}))

    assert read.found.columns == ("userId", "movieId", "title", "timestamp")
    assert numbers(read.rows) == [each for each in ALL if each != 50]
    assert read.rows[0] == ("2", "2", "a, b 2", "5")
    assert read.rejected == [50]


def test_a_quote_that_never_closes_to_the_end_of_the_file(tmp_path: Path) -> None:
    read = table(tmp_path, titled({LINES: f'{LINES},{LINES},"a b,5'}, usual="{0},{0},ab {0},5"))

    # Without other quotes it is a text that begins with one.
    assert numbers(read.rows) == ALL
    assert read.rows[-2] == (str(LINES), str(LINES), '"a b', "5")


def test_two_broken_quotes_do_not_swallow_the_lines_between(tmp_path: Path) -> None:
    broken = {50: '50,50,"a b 50,5', 60: '60,60,a b 60",5'}

    read = table(tmp_path, titled(broken))

    assert numbers(read.rows) == [each for each in ALL if each not in broken]
    assert read.rejected == [50, 60]


def test_two_broken_quotes_in_a_file_without_others_are_part_of_the_texts(tmp_path: Path) -> None:
    broken = {50: '50,50,"a b 50,5', 60: '60,60,a b 60",5'}

    read = table(tmp_path, titled(broken, usual="{0},{0},a b {0},5"))

    assert numbers(read.rows) == ALL
    assert read.rows[48] == ("50", "50", '"a b 50', "5")


def test_broken_quotes_beyond_the_sample_are_seen(tmp_path: Path) -> None:
    usual = "".join(f"{number}\tplain text of some length {number}\tb\n" for number in range(1, 20_001))
    odd = "".join(
        f"{number}\t{text}\tb\n" for number, text in ((20_001, '"Open'), (20_002, 'shut"'), (20_003, '"Yes" he said'))
    )
    later = "".join(f"{number}\tplain {number}\tb\n" for number in range(20_004, 30_001))

    read = table(tmp_path, usual + odd + later)

    assert numbers(read.rows) == list(range(1, 30_001))
    assert read.rows[20_000:20_003] == [
        ("20001", '"Open', "b"),
        ("20002", 'shut"', "b"),
        ("20003", '"Yes" he said', "b"),
    ]
    assert read.found.read_as == ("tab", "no header", "no quotes")


def test_a_quote_left_open_in_a_big_file_with_fields_of_several_lines(tmp_path: Path) -> None:
    rows = [f'{number},"one, {number}\ntwo, three"\n' for number in range(30_000)]
    rows[20_000] = '20000,"left open\n'

    read = table(tmp_path, "movieId,text\n" + "".join(rows))

    assert numbers(read.rows) == [each for each in range(30_000) if each != 20_000]
    assert read.rows[20_000] == ("20001", "one, 20001\ntwo, three")
    assert read.rejected == [40_002]


def test_texts_of_several_lines_that_look_like_rows_stay_texts(tmp_path: Path) -> None:
    rows = [f"{number},plain {number}\n" for number in range(200)]
    rows[100] = '100,"first\nsecond, third"\n'

    read = table(tmp_path, "movieId,text\n" + "".join(rows))

    assert numbers(read.rows) == list(range(200))
    assert read.rows[100] == ("100", "first\nsecond, third")


def test_texts_that_are_rows_with_or_without_quotes_are_asked_about(tmp_path: Path) -> None:
    content = "title,text\n" + "red,green\n" * 50 + 'blue,"black\nwhite, brown"\n' + "red,green\n" * 50

    with pytest.raises(BadData, match=r"expected quotes that enclose fields, or mean nothing.*files\.reviews\.quote"):
        table(tmp_path, content, source="reviews")
    assert len(table(tmp_path, content, source="reviews", quote='"').rows) == 101
    assert len(table(tmp_path, content, source="reviews", quote="").rows) == 102


def test_delimiters_in_quotes_only(tmp_path: Path) -> None:
    content = "title;text\n" + '"a,b;c";"d,e;f"\n' * 30

    assert table(tmp_path, content).rows == [("a,b;c", "d,e;f")] * 30


def test_a_header_that_is_data(tmp_path: Path) -> None:
    content = "1,2,3,4\n" + "".join(f"{row},{row * 2},3.5,96018{row:04}\n" for row in range(1, 30))

    read = table(tmp_path, content)

    assert read.found.columns == ()
    assert read.rows[0] == ("1", "2", "3", "4")


def test_texts_that_come_again_are_no_header(tmp_path: Path) -> None:
    read = table(tmp_path, "business,Stocks rise\nsport,Team wins\nbusiness,Shares fall\nsport,Cup final\n" * 5)

    assert read.found.columns == ()
    assert len(read.rows) == 20


def test_a_first_row_that_may_be_a_header_is_asked_about(tmp_path: Path) -> None:
    content = "red,blue\ngreen,white\nblack,yellow\n"

    assert "names of columns, or data" in table(tmp_path, content).found.doubts[0]
    with pytest.raises(BadData, match=r"files\.ratings\.header"):
        table(tmp_path, content, source="ratings")
    assert len(table(tmp_path, content, source="ratings", header=False).rows) == 3
    assert table(tmp_path, content, source="ratings", header=True).found.columns == ("red", "blue")


@pytest.mark.parametrize(
    ("above", "name"),
    [('"Order\nNo"', "Order No"), ('Sales, "all\nfrom 5" on\nOrder', "Order"), ('"A ""b""\r\n\nc"', 'A "b" c')],
)
def test_a_quote_that_is_open_above_the_data_costs_no_row(tmp_path: Path, above: str, name: str) -> None:
    read = table(tmp_path, f"{above},item,n\n" + "".join(f'{row},"b\n{row}",2\n' for row in range(9)))

    assert read.found.columns == (name, "item", "n")
    assert read.rows == [(str(row), f"b\n{row}", "2") for row in range(9)]


def test_titles_that_a_spreadsheet_fills_up_with_delimiters_are_no_rows(tmp_path: Path) -> None:
    titles = "Sales by article;;;;\nPrinted;03.02.2024;;;\n;;;;\n"

    read = table(tmp_path, titles + "No;Day;Article;Text;Pieces\n" + "1;03.02.2024;007;Tea;2\n" * 5)

    assert read.found.columns == ("No", "Day", "Article", "Text", "Pieces")
    assert read.rows == [("1", "03.02.2024", "007", "Tea", "2")] * 5
    assert "header in line 4" in read.found.read_as


def test_two_delimiters_that_fit_alike_are_asked_about(tmp_path: Path) -> None:
    content = "ab,cd;ef,gh\n" * 20

    with pytest.raises(BadData, match=r"comma or semicolon, equally well.*files\.ratings\.delimiter"):
        table(tmp_path, content, source="ratings")


def test_a_header_with_fewer_names_than_rows_have_fields(tmp_path: Path) -> None:
    content = "userId,title,timestamp\n" + "".join(f"7,Matrix {row}, The,5\n" for row in range(60))

    with pytest.raises(BadData, match=r"as many fields as there are names \(3\), found 4 in most lines"):
        table(tmp_path, content, source="ratings")


def test_two_encodings_in_one_file_are_told_apart_by_line(tmp_path: Path) -> None:
    content = ("title,text\n" + "café,größe\n" * 20).encode() + "naïve,déjà\n".encode("cp1252")

    read = table(tmp_path, content)

    assert read.rows[-1] == ("naïve", "déjà")
    assert read.rows[0] == ("café", "größe")
    assert read.found.read_as == ("1 line in cp1252 (line 22)",)


def test_two_encodings_of_which_one_is_unknown_are_refused(tmp_path: Path) -> None:
    content = ("title,text\n" + "café,größe\n" * 20).encode() + "привет,мир хороший\n".encode("cp1251")

    with pytest.raises(
        BadData, match="line 22: expected UTF-8 text, found UTF-8 in 20 other lines, and here something"
    ):
        table(tmp_path, content)


@pytest.mark.parametrize(
    ("encoding", "text"), [("cp1254", "çok güzel,bir şehir İstanbul"), ("cp850", "Größe,schön"), ("koi8_r", "да,нет")]
)
def test_two_encodings_that_are_equally_likely_are_asked_about(tmp_path: Path, encoding: str, text: str) -> None:
    content = ("title,text\n" + f"{text}\n" * 20).encode(encoding)

    with pytest.raises(BadData, match=r"expected one encoding, found .* equally likely.*files\.reviews\.encoding"):
        table(tmp_path, content, source="reviews")


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_an_encoding_that_is_said_and_wrong_is_refused(tmp_path: Path, encoding: str) -> None:
    with pytest.raises(BadData, match="line 2: expected UTF-8 text"):
        table(tmp_path, "title,text\ncafé,größe\n".encode("cp1252"), encoding=encoding)


def test_an_encoding_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadData, match=r"expected an encoding that is known, found 'klingon'.*encoding in run\.json"):
        table(tmp_path, "title,text\na,b\n", encoding="klingon")


def test_half_a_character_at_the_end_is_half_a_line(tmp_path: Path) -> None:
    content = ("title,text\n" + "café,größe\n" * 20).encode() + "caf\u00e9".encode()[:-1]

    read = table(tmp_path, content)

    assert read.rows == [("café", "größe")] * 20
    assert read.rejected == [22]


def test_half_a_last_line_is_set_aside(tmp_path: Path) -> None:
    read = table(tmp_path, titled({}) + "302,3")

    assert numbers(read.rows) == ALL
    assert read.rejected == [302]


def test_lines_with_fields_too_many_or_too_few_keep_their_numbers_in_a_big_file(tmp_path: Path) -> None:
    # More than the parser reads at once, in several threads.
    lines = [f'{number},{number * 7},"text, {number} {"x" * 800}",5' for number in range(2, 50_000)]
    broken = {100: "1,2", 23_456: "1,2,3,4,5", 30_000: '30000,1,"open,5', 49_990: "nothing"}
    for number, line in broken.items():
        lines[number - 2] = line

    read = table(tmp_path, "userId,movieId,title,timestamp\n" + "\n".join(lines))

    assert read.rejected == list(broken)
    assert numbers(read.rows) == [number for number in range(2, 50_000) if number not in broken]


def test_a_line_of_a_million_bytes_is_refused_before_it_is_read(tmp_path: Path) -> None:
    content = "title,text\n" + "a,b\n" * 10 + "x" * (2**20 + 5)

    with pytest.raises(BadData, match=r"line 12: expected lines of at most 1,048,576 bytes, found a longer one"):
        table(tmp_path, content)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "expected a table, found an empty file"),
        (b"\n\r\n\n", "expected a table, found blank lines only"),
        (b"\xef\xbb\xbf", "expected a table, found"),
        (bytes(range(256)) * 20, "bytes of no format that is known"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "found a picture"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(100), "found a 7z archive"),
        (b"<!DOCTYPE html>\n<html><body>Forbidden, sorry</body></html>", "found a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "found a pointer of Git LFS"),
        (b"SQLite format 3\0" + bytes(100), "found an SQLite database"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_table_is_refused_in_a_sentence(tmp_path: Path, content: bytes, sentence: str) -> None:
    with pytest.raises(BadData, match=sentence):
        table(tmp_path, content)


def test_repeated_names_are_kept_for_whoever_maps_columns(tmp_path: Path) -> None:
    assert table(tmp_path, "userId,userId,rating\n1,2,3\n3,4,5\n").found.columns == ("userId", "userId", "rating")
