"""Tables that are drawn with bars and dashes are tables: Markdown, and what the clients of databases print."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.reading.opened import table
from trainyard.errors import BadData

ROWS = [("u1", "m2", "4.5"), ("u2", "a|b", ""), ("ü3", "m, 4", "-")]


@pytest.mark.parametrize(
    "drawn",
    [
        """
| userId | movieId | rating |
|:-------|:-------:|-------:|
| u1 | m2 | 4.5 |
| u2 | a\\|b | |
| ü3 | m, 4 | - |
""",
        """# Ratings

Of May:

| userId | movieId | rating |
|---|---|---|
|u1|m2|4.5|
|u2|a\\|b||
|ü3|m, 4|-|

The end.
""",
        """userId | movieId | rating
--- | --- | ---
u1 | m2 | 4.5
u2 | a\\|b |
ü3 | m, 4 | -
""",
        """ userId | movieId | rating
--------+---------+--------
 u1     | m2      |    4.5
 u2     | a\\|b    |
 ü3     | m, 4    |      -
(3 rows)
""",
        """+--------+---------+--------+
| userId | movieId | rating |
+--------+---------+--------+
| u1     | m2      |    4.5 |
| u2     | a\\|b    |        |
| ü3     | m, 4    |      - |
+--------+---------+--------+
3 rows in set (0.00 sec)
""",
    ],
    ids=["markdown", "markdown in a text", "markdown without a frame", "psql", "mysql"],
)
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_a_drawn_table_is_a_table(tmp_path: Path, drawn: str, ending: str) -> None:
    read = table(tmp_path, "\ufeff" + drawn.replace("\n", ending), name="ratings.txt", source="ratings")

    assert read.found.columns == ("userId", "movieId", "rating")
    assert [tuple(cell or "" for cell in row) for row in read.rows] == ROWS
    assert "bars and dashes" in read.found.read_as


def test_rows_stay_in_their_lines(tmp_path: Path) -> None:
    drawn = "Ratings\n\n| userId | movieId |\n|---|---|\n| u1 | m1 |\n| u2 | m2 | extra |\n| u3 | m3 |\n"

    read = table(tmp_path, drawn)

    assert read.found.first_row == 5
    assert read.rejected == [6]
    assert read.rows == [("u1", "m1"), ("u3", "m3")]


def test_two_drawn_tables_in_a_file_are_refused(tmp_path: Path) -> None:
    drawn = "| userId | movieId |\n|---|---|\n| u1 | m1 |\n\n| movieId | title |\n|---|---|\n| m1 | x |\n"

    with pytest.raises(BadData, match="expected one table, found another one below it"):
        table(tmp_path, drawn)


@pytest.mark.parametrize("text", ["a|b\n-|-\n1|2\n", "a,b\n---,---\n1,2\n", "title\n-----\n1|2\n"])
def test_dashes_alone_draw_no_table(tmp_path: Path, text: str) -> None:
    assert "bars and dashes" not in table(tmp_path, text).found.read_as


@pytest.mark.parametrize("first", ["", "R Documentation: "], ids=["in its own line", "in the line of the quote"])
def test_what_is_drawn_in_a_cell_is_the_cells(tmp_path: Path, first: str) -> None:
    drawn = "| userId | movieId |\n|---|---|\n| u1 | m1 |"
    texts = [f"{first or 'See:' + chr(10)}{drawn}\n\nand\n{drawn}\n", 'a ""very"" good one', "12 | 3"]
    content = "title,text\n" + "".join(f'{number},"{text}"\n' for number, text in enumerate(texts))

    read = table(tmp_path, content)

    assert read.rows == [(str(number), text.replace('""', '"')) for number, text in enumerate(texts)]
