"""Whatever a cell holds, a sentence that quotes it stays short and in one line; and may quote nothing."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from trainyard.contract.quality import Quality
from trainyard.contract.quoting import LONGEST, NOT_SHOWN, cells_shown, plain, printable, quoted


@given(st.text(alphabet=st.characters(codec=None), max_size=200))
def test_a_quoted_cell_is_short_and_of_one_line(cell: str) -> None:
    for shown in (quoted(cell), plain(cell)):
        assert not any(unicodedata.category(each) in ("Cc", "Cs", "Zl", "Zp") for each in shown)
        assert len(shown) <= 10 * LONGEST + 2


def test_cells_are_as_they_are_where_they_can_be_seen() -> None:
    assert (quoted("it's"), quoted("日本"), plain(7), quoted("x" * 99)) == (
        '"it\'s"',
        "'日本'",
        "7",
        f"'{'x' * 57}...'",
    )
    assert printable("a\x1b[31m\u202eb\n") == "a\\x1b[31m\\u202eb\\n"


def test_nothing_is_quoted_where_an_environment_does_not_show_cells() -> None:
    with cells_shown(False):
        assert quoted("secret") == plain("secret") == NOT_SHOWN
    assert quoted("secret") == "'secret'"


def test_no_sentence_about_data_moves_a_terminal_or_adds_lines_to_a_log() -> None:
    written = Quality(problems=("a.csv: found \x1b[2J\nERROR forged",), notes=("x" * 9_999,)).to_json()
    found = Quality.from_json(written)
    assert found.problems == ("a.csv: found \\x1b[2J\\nERROR forged",)
    assert len(found.notes[0]) == 500
