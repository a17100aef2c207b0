"""Text files of any encoding, delimiter, quoting and header are read as the tables that their owners mean."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.reading.opened import table

HEADER = "userId,movieId,rating,timestamp"
NAMES = tuple(HEADER.split(","))
ROWS = [(str(user), str(user * 7 % 31), f"{user % 5}.5", str(960_180_000 + user)) for user in range(1, 41)]


def lines(delimiter: str = ",", *, header: str | None = HEADER, end: str = "\n") -> str:
    """The rows as text."""
    body = [delimiter.join(row) for row in ROWS]
    return end.join([*([header.replace(",", delimiter)] if header else []), *body, ""])


@pytest.mark.parametrize(
    ("content", "read_as"),
    [
        (lines(), ()),
        (lines(";"), ("semicolon",)),
        (lines("\t"), ("tab",)),
        (lines("|"), ("pipe",)),
        (lines("::"), ("::",)),
        (lines(", "), ()),
        (lines("\x01"), ("\\x01",)),
        (lines(" "), ("space",)),
        (lines("   "), ("space",)),
        (lines(end="\r\n"), ()),
        (lines(end="\r"), ("carriage returns",)),
        (lines(end="\r\r\n"), ()),
        (HEADER + "\r\n" + lines(header=None), ()),
        (lines(end="\r").replace("\r", "\n", 20), ("carriage returns",)),
        ("\n\n" + lines() + "\n\n", ()),
        ("Ratings of last year\n\n" + lines(), ("header in line 3",)),
        ("# from the shop, with love\n# 40 rows\n" + lines(), ("header in line 3",)),
        ("# " + lines(), ()),
        ("sep=;\n" + lines(";"), ("semicolon", "header in line 2")),
        (lines().replace("\n", ",\n").replace("timestamp,", "timestamp", 1), ()),
        (lines().replace("1.5", '"1.5"'), ()),
        (lines().replace("1.5", "1.5\0"), ("NUL bytes dropped",)),
        (lines().rstrip("\n"), ()),
    ],
    ids=lambda value: repr(value[:60]) if isinstance(value, str) else "",
)
def test_the_same_rows_come_out_of_any_layout(tmp_path: Path, content: str, read_as: tuple[str, ...]) -> None:
    read = table(tmp_path, content)

    assert read.found.columns == NAMES
    assert read.rows == ROWS
    assert read.found.read_as == read_as
    assert not read.found.doubts
    assert not read.rejected


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", "::", "\x01", " "])
def test_without_a_header_all_lines_are_data(tmp_path: Path, delimiter: str) -> None:
    read = table(tmp_path, lines(delimiter, header=None))

    assert read.found.columns == ()
    assert read.rows == ROWS
    assert "no header" in read.found.read_as
    assert read.found.first_row == 1


@pytest.mark.parametrize(
    ("encoding", "text", "read_as"),
    [
        ("utf-8", "Größe, café, naïve", ()),
        ("utf-8-sig", "Größe, café, naïve", ()),
        ("utf-16", "Größe, Привет", ("UTF-16",)),
        ("utf-16-le", "Größe, café", ("UTF-16",)),
        ("utf-16-be", "Größe, café", ("UTF-16",)),
        ("utf-32", "Größe, Привет", ("UTF-32",)),
        ("cp1252", "Größe, café, naïve, “quoted”, 5 €", ("cp1252",)),
        ("latin-1", "El Niño, ¿qué?, Åse, £5", ("cp1252",)),
        ("cp1250", "zażółć gęślą jaźń, bardzo dobry film, którego nie można przegapić", ("cp1250",)),
        ("cp1250", "őrült, árvíztűrő tükörfúrógép", ("cp1250",)),
        ("cp1250", "Herbata zielona liściasta, źródło, Ilość zamówienia", ("cp1250",)),
        ("iso8859_2", "Příliš žluťoučký kůň úpěl ďábelské ódy", ("iso8859-2",)),
        ("cp1254", "Ye\u015fil \xe7ay yapra\u011f\u0131, \u015fekerli, g\xfcl i\xe7in", ("cp1254",)),
        ("cp932", "緑茶ペットボトル", ("cp932",)),
        ("cp932", "送料無料です", ("cp932",)),
        ("big5", "這是一部非常好的電影,台北城市", ("big5",)),
        ("cp1251", "Привет мир, это хороший фильм и очень красивый город", ("cp1251",)),
        ("koi8_r", "Привет мир, это хороший фильм и очень красивый город", ("koi8-r",)),
        ("cp1255", "זה סרט טוב מאוד ועיר יפה", ("cp1255",)),
        ("mac_roman", "Größe, schön wär café", ("mac-roman",)),
        ("cp1253", "Καλημέρα κόσμε, αυτή είναι μια πολύ καλή ταινία", ("cp1253",)),
        ("shift_jis", "これはとても良い映画です。東京の街", ("cp932",)),
        ("gb18030", "这是一部非常好的电影,北京城市", ("gb18030",)),
    ],
)
def test_texts_are_read_in_their_encoding(tmp_path: Path, encoding: str, text: str, read_as: tuple[str, ...]) -> None:
    content = "title;text\n" + "".join(f"{number};{text}\n" for number in range(40))

    read = table(tmp_path, content.encode(encoding))

    assert read.rows == [(str(number), text) for number in range(40)]
    assert read.found.read_as == ("semicolon", *read_as)


def test_a_letter_of_another_encoding_after_many_megabytes_is_found(tmp_path: Path) -> None:
    content = "title,text\n" + "plain,text\n" * 400_000 + "Café,Größe\n" + "plain,text\n" * 10

    read = table(tmp_path, content.encode("cp1252"))

    assert read.rows[400_000] == ("Café", "Größe")
    assert read.found.read_as == ("cp1252",)


@pytest.mark.parametrize(
    ("content", "decimal"),
    [
        (lines(";").replace(".5", ",5"), ","),
        ('userId,rating\n1,"4,5"\n2,"3,5"\n3,"1,0"\n', ","),
        ("userId;rating\n1;1.234,5\n2;3,25\n", ","),
        (lines(";"), "."),
        # A fraction, or a number over a thousand: nobody knows, and so it is no number.
        ("userId;price\n1;1,234\n2;2,345\n", "."),
        # Semicolons stand where a comma separates fractions, and no program writes 950 beside 2.340 that is one.
        ("userId;price\n1;1.234\n2;2.340\n3;950\n", ","),
        ("userId;price\n1;48.101\n2;48.102\n3;48\n", "."),
        ("userId;price\n1;1.234,50 €\n2;(99,95) €\n", ","),
        ("userId;price\n1;€ 1,234.50\n2;5 %\n", "."),
        # Texts with commas are no numbers.
        ("userId;text\n1;4,5 of 5\n2;3,5\n3;good, really\n", "."),
    ],
)
def test_what_separates_fractions_is_detected(tmp_path: Path, content: str, decimal: str) -> None:
    read = table(tmp_path, content)

    assert read.found.decimal == decimal
    assert ("decimal comma" in read.found.read_as) == (decimal == ",")


def test_a_decimal_comma_that_comes_late_is_seen(tmp_path: Path) -> None:
    whole = "".join(f"{user};{user % 5}\n" for user in range(60_000))
    halves = "".join(f"{user};{user % 5},5\n" for user in range(60_000))

    assert table(tmp_path, f"userId;rating\n{whole}{halves}").found.decimal == ","


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        ("title,text\n" + '"a, b","says ""hi"""\n' * 9, [("a, b", 'says "hi"')] * 9),
        ("title,text\n" + '"a, b","says \\"hi\\""\n' * 9, [("a, b", 'says "hi"')] * 9),
        ("title,text\n" + "'a, b','it''s'\n" * 9, [("a, b", "it's")] * 9),
        ("title, text\n" + '"a, b", "c, d"\n' * 9, [("a, b", "c, d")] * 9),
        ("title\ttext\n" + '"Foo" he said\tbar\n' * 9, [('"Foo" he said', "bar")] * 9),
        ("title\ttext\n" + "it's 'so'\t'tis\n" * 9, [("it's 'so'", "'tis")] * 9),
        ("title,text\n" + '"one\ntwo, three",four\n' * 9, [("one\ntwo, three", "four")] * 9),
        ("title,text\r\n" + '"one\ntwo",four\r\n' * 9, [("one\ntwo", "four")] * 9),
        ("title,text\n" + '5" disk,3" disk\n' * 9, [('5" disk', '3" disk')] * 9),
        ("title,text\n" + "a\rb,c\n" * 2 + "d,e\n" * 99, [("a b", "c")] * 2 + [("d", "e")] * 99),
    ],
)
def test_quotes_enclose_fields_or_mean_nothing(tmp_path: Path, content: str, rows: list[tuple[str, str]]) -> None:
    assert table(tmp_path, content).rows == rows


def test_rows_may_begin_with_a_number_that_the_header_leaves_out(tmp_path: Path) -> None:
    written_by_r = '"userId" "movieId" "rating"\n' + "".join(f'"{row}" {row * 2} 7 3.5\n' for row in range(1, 30))

    read = table(tmp_path, written_by_r)

    assert read.found.columns == ("", "userId", "movieId", "rating")
    assert read.rows[0] == ("1", "2", "7", "3.5")


def test_numbers_for_names_are_no_data(tmp_path: Path) -> None:
    read = table(tmp_path, "0,1,2\n" + "".join(f"{row * 3},{row},5\n" for row in range(1, 20)))

    assert read.found.columns == ()
    assert read.rows[0] == ("3", "1", "5")
    assert len(read.rows) == 19


def test_a_line_of_prose_is_one_text(tmp_path: Path) -> None:
    texts = ["This was fine, really.", "I liked it; mostly.", '"Great" she said, and left.', "Not so good"] * 20

    read = table(tmp_path, "\n\n".join(texts))

    assert read.rows == [(each,) for each in texts]
    assert read.found.read_as == ("one text a line",)


@pytest.mark.parametrize(
    ("said", "rows"),
    [
        ({"delimiter": ";"}, [("1,5", "2"), ("3,5", "4")]),
        ({"delimiter": "semicolon", "header": False}, [("1,5", "2"), ("3,5", "4")]),
        ({"delimiter": ","}, [("1", "5;2"), ("3", "5;4")]),
    ],
)
def test_what_people_say_is_believed(tmp_path: Path, said: dict[str, object], rows: list[tuple[str, str]]) -> None:
    said = {"header": False, **said}

    assert table(tmp_path, "1,5;2\n3,5;4\n", **said).rows == rows


def test_an_encoding_that_is_said_is_not_guessed(tmp_path: Path) -> None:
    content = ("title,text\n" + "ĞğİıŞş,çok güzel\n" * 20).encode("cp1254")

    assert table(tmp_path, content, encoding="cp1254").rows[0] == ("ĞğİıŞş", "çok güzel")


def test_only_plain_numbers_are_called_so(tmp_path: Path) -> None:
    def plain(content: str) -> bool:
        return table(tmp_path, content).found.only_digits

    assert plain("userId,movieId\n1,2\n-3,0\n999999999999999999,\n")
    assert plain("1\t2\n3\t4\n")
    for odd in ("007", "1.0", "4,0", "2026-01-01", "1234567890123456789", "-0", "--1", "1-", "x", "+1"):
        assert not plain(f"userId;movieId\n1;2\n3;{odd}\n"), odd
        assert not plain(f"userId;movieId\n{odd};3\n1;2\n"), odd


LICENCE = 'Copyright ""{}""\n\nPermission to copy, and to modify\nis granted to whom it may concern.\n'


@pytest.mark.parametrize("all_quoted", [True, False], ids=["all in quotes", "where needed"])
def test_one_column_of_texts_in_quotes_may_have_many_lines(tmp_path: Path, all_quoted: bool) -> None:
    # More than is looked at, so that what is looked at ends inside of a text.
    texts = [LICENCE.format(number) for number in range(1500)]
    texts[3] = "a short one"
    cells = [f'"{each}"' if all_quoted or '"' in each else each for each in texts]
    name = '"text"' if all_quoted else "text"

    read = table(tmp_path, "\n".join([name, *cells, ""]), name="reviews.csv", source="reviews")

    assert read.found.columns == ("text",)
    assert [row[0] for row in read.rows] == [each.replace('""', '"') for each in texts]


def test_what_people_say_in_a_text_encloses_no_lines(tmp_path: Path) -> None:
    texts = ['"We are going.', 'Then he asked: "why?"', 'Because it rains."', "And so they went."] * 5

    read = table(tmp_path, "\n".join([*texts, ""]), name="reviews.txt", source="reviews")

    assert [row[0] for row in read.rows] == texts


def test_cells_may_have_so_many_lines_that_delimiters_are_rare(tmp_path: Path) -> None:
    texts = ["\n".join(f"line {line} of {number}" for line in range(60)) for number in range(40)]

    read = table(tmp_path, "title,text\n" + "".join(f'{number},"{text}"\n' for number, text in enumerate(texts)))

    assert read.found.columns == ("title", "text")
    assert [row[1] for row in read.rows] == texts


def test_codes_between_spaces_are_cells_where_all_lines_have_as_many(tmp_path: Path) -> None:
    # As the German credit data of UCI, of which most cells are codes.
    codes = [[f"A{number % 4 + 1}{place}" for place in range(6)] + [str(number)] for number in range(50)]
    content = "\n".join(" ".join(each) for each in codes) + "\n"

    assert table(tmp_path, content).rows == [tuple(each) for each in codes]
    # Fewer lines may all have as many words by chance.
    (tmp_path / "few").mkdir()
    few = table(tmp_path / "few", "we had a very good time\nit was not good at all\n" * 5)
    assert few.rows[1] == ("it was not good at all",)


def test_a_first_line_with_names_that_people_say_is_one_of_names(tmp_path: Path) -> None:
    content = "Quote,Speaker\n" + "".join(f"It is {word},{word}\n" for word in ("Monica", "Joey", "Ross") * 9)

    read = table(tmp_path, content, name="lines.csv", columns={"title": "Quote", "text": "Speaker"})

    assert read.found.columns == ("Quote", "Speaker")
    assert len(read.rows) == 27


def test_places_that_people_say_are_no_names(tmp_path: Path) -> None:
    content = "".join(f"{user},{user + 1},{user % 5}.5\n" for user in range(1, 30))

    read = table(tmp_path, content, name="ratings.csv", source="ratings", columns={"userId": "1", "movieId": "2"})

    assert not read.found.columns
    assert len(read.rows) == 29
