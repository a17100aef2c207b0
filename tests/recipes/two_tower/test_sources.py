"""Files as people have them become the tables of two_tower: known names, known layouts, words that seem nothing."""

from __future__ import annotations

import ibis
import pytest

from recipes.two_tower.config import CONFIG, sources
from tests.recipes.tables import read_sources

FLAGS = "|0|1|0|0|0|1" + "|0" * 13


def read(folder, **files):
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text, encoding="utf-8")
    tables = read_sources(ibis.duckdb.connect(), folder, sources(CONFIG))
    return {name: table.to_pyarrow().to_pylist() for name, table in tables.items()}


def test_movielens_100k_has_no_headers_and_a_flag_per_genre(tmp_path):
    ratings = "".join(f"{user}\t{film}\t3\t88125094{film}\n" for user in (196, 22) for film in range(1, 5))
    films = "".join(f"{film}|Film {film} (1995)|01-Jan-1995||http://x{FLAGS}\n" for film in range(1, 5))
    found = read(tmp_path, u__data=ratings, u__item=films)
    assert found["ratings"][0]["movieId"] == 1
    assert found["movies"][0] == {
        "movieId": 1, "title": "Film 1 (1995)", "genres": "Action|Comedy", "year": "01-Jan-1995",
    }  # fmt: skip


@pytest.mark.parametrize(
    "header",
    ["user_id,item_id,score,date", "Customer ID,ASIN,Stars,timestamp", "reviewerID,business_id,overall,unixReviewTime"],
)
def test_columns_go_by_many_names(tmp_path, header):
    rows = "".join(f"u{each},i{each % 3},{each % 5},17000000{each}\n" for each in range(10, 40))
    found = read(tmp_path, reviews__csv=f"{header}\n{rows}")["ratings"]
    assert [found[0][each] for each in ("userId", "movieId", "rating")] == ["u10", "i1", 0.0]
    assert found[0]["timestamp"].year == 2023


def test_a_tag_may_be_any_word(tmp_path):
    tags = "userId,movieId,tag,timestamp\n1,5,null,1\n1,6,NA,1\n1,7,,1\n"
    found = read(tmp_path, ratings__csv="userId,movieId,rating\n1,5,3\n1,6,4\n", tags__csv=tags)["tags"]
    assert [each["tag"] for each in found] == ["null", "NA", None]


def test_no_column_of_a_table_has_a_name_of_another():
    for source in sources(CONFIG):
        names = [name for each in source.columns for name in (each.name, *each.synonyms)]
        spelt = ["".join(name.lower().replace("_", " ").split()) for name in names]
        assert len(spelt) == len(set(spelt)), sorted(each for each in spelt if spelt.count(each) > 1)
