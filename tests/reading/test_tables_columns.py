"""Which file is which table, and which column is which: by settings, names, synonyms, layouts, types, or a question."""

from __future__ import annotations

from dataclasses import replace

import duckdb
import pytest

from tests.reading.reads import columns, csv, problem, reading, rows
from trainyard.contract.sources import Column, FileSettings, Layout, Source

RATINGS = Source(
    name="ratings",
    files=("ratings", "u.data"),
    columns=(
        Column(name="userId", type="id", synonyms=("user", "visitor")),
        Column(name="movieId", type="id", synonyms=("item", "artist")),
        Column(name="rating", type="float64", required=False, synonyms=("stars", "weight")),
        Column(name="timestamp", type="timestamp", required=False, synonyms=("time",)),
    ),
    layouts=(Layout(columns=("userId", "movieId", "rating", "timestamp"), files=("u.data", "ratings")),),
)
MOVIES = Source(
    name="movies",
    files=("movies", "u.item"),
    columns=(
        Column(name="movieId", type="id", synonyms=("item",)),
        Column(name="title", type="string", required=False, nullable=True, synonyms=("name",)),
        Column(name="genres", type="string", required=False, nullable=True),
    ),
    layouts=(Layout(columns=("movieId", "title", "", "genres=Action", "genres=Drama"), files=("u.item",)),),
    required=False,
)
ANYTHING = Source(name="visits", files=("visits",), columns=(), other_columns=True)
ROWS = ["7,9,4.5,960183970", "8,9,3,960183971"]
TABLE = [("7", "9", 4.5), ("8", "9", 3.0)]


def ratings(found) -> list[tuple]:
    return [(str(user), str(item), rating) for user, item, rating, _ in rows(found, "ratings")]


@pytest.mark.parametrize(
    "header",
    [
        "userId,movieId,rating,timestamp",
        "USER_ID,Movie ID,Rating,TIMESTAMP",
        '"user","item","stars","time"',
        "user,artist,weight,x",
    ],
    ids=["exact", "case and punctuation", "synonyms", "another column"],
)
def test_names_of_columns_may_be_spelt_in_many_ways(tmp_path, header):
    assert ratings(reading(tmp_path, {"ratings.csv": csv(header, ROWS)}, RATINGS)) == TABLE


def test_columns_may_stand_in_any_order_among_others(tmp_path):
    data = csv(",timestamp,x,rating,MOVIEID,userId,user", ["0,960183970,a,4.5,9,7,u", '1,960183971,"b,\n",3,9,8,'])
    found = reading(tmp_path, {"ratings.csv": data}, RATINGS)
    assert ratings(found) == TABLE
    assert found.quality.notes == ("ratings.csv: movieId is the column MOVIEID.",)


def test_a_column_that_is_not_required_is_empty_where_the_file_lacks_it(tmp_path):
    found = reading(tmp_path, {"ratings.csv": csv("userId,movieId", ["7,9", "8,x"])}, RATINGS)
    assert rows(found, "ratings") == [(7, "9", None, None), (8, "x", None, None)]
    assert columns(found, "ratings")["timestamp"] == "TIMESTAMP"


def test_a_missing_column_comes_with_what_to_write(tmp_path):
    sentence = problem(reading(tmp_path, {"ratings.csv": csv("usr_id,movieId,rating", ["7,9,1"])}, RATINGS))
    assert "expected the column userId of ratings (also known as user, visitor)" in sentence
    assert "found the columns usr_id, movieId, rating" in sentence
    assert '{"files": {"ratings": {"columns": {"userId": "usr_id"}}}}' in sentence


def test_two_columns_for_one_are_asked_about_and_settled(tmp_path):
    files = {"ratings.csv": csv("user,visitor,item", ["7,1,9", "8,2,9"])}
    assert "expected one column that is userId, found 2 (user, visitor)" in problem(reading(tmp_path, files, RATINGS))
    said = FileSettings(columns={"userId": "visitor"})
    assert [row[0] for row in rows(reading(tmp_path, files, RATINGS, ratings=said), "ratings")] == [1, 2]


def test_a_key_is_preferred_to_what_it_describes_and_the_note_says_so(tmp_path):
    source = Source(
        name="sales",
        files=("sales",),
        columns=(Column(name="product_id", type="id", synonyms=("product", "sku", "ean", "session id")),),
    )
    found = reading(tmp_path, {"sales.csv": csv("Product,SKU", ["Milk,7", "Bread,8"])}, source)
    assert rows(found, "sales") == [(7,), (8,)]
    assert found.quality.notes == ("sales.csv: product_id is the column SKU (not Product).",)
    found = reading(tmp_path, {"sales.csv": csv("product_id,SKU", ["1,7", "2,8"])}, source)
    assert rows(found, "sales") == [(1,), (2,)]
    for header in ("sku,ean", "product,session id"):
        found = reading(tmp_path, {"sales.csv": csv(header, ["1,7", "2,8"])}, source)
        assert "expected one column that is product_id, found 2" in problem(found)


def test_of_two_keys_the_one_counts_that_another_table_has(tmp_path):
    movies = csv("artist,item,name", ["x,9,A", "y,10,B"])
    source = Source(
        name="movies",
        files=("movies",),
        columns=(Column(name="movieId", type="id", synonyms=("item", "artist")), MOVIES.columns[1]),
        required=False,
    )
    found = reading(tmp_path, {"movies.csv": movies, "plays.csv": csv("user,item", ["7,9"])}, RATINGS, source)
    assert rows(found, "movies") == [(9, "A"), (10, "B")]
    assert "movies.csv: movieId is the column item (not artist), title is the column name." in found.quality.notes
    found = reading(
        tmp_path / "alone", {"movies.csv": movies, "plays.csv": csv("user,movieId", ["7,9"])}, RATINGS, source
    )
    assert "movies.csv was not read as movies: expected one column that is movieId" in found.quality.warnings[0]


def test_a_question_about_a_column_is_asked_also_of_files_of_any_name(tmp_path):
    files = {"mine.csv": csv("user,visitor,item", ["7,1,9", "8,2,9"])}
    assert "mine.csv: expected one column that is userId, found 2 (user, visitor)" in problem(
        reading(tmp_path, files, RATINGS, MOVIES)
    )


def test_one_column_of_a_table_that_is_not_needed_hides_no_question(tmp_path):
    days = Source(
        name="days",
        files=("days",),
        columns=(Column(name="user", type="id", required=False), Column(name="day", type="int64", required=False)),
        required=False,
    )
    files = {"ratings.csv": csv("user,visitor,item", ["7,1,9", "8,2,9"])}
    assert "expected one column that is userId, found 2" in problem(reading(tmp_path, files, RATINGS, days))


def test_what_people_say_of_columns_finds_the_table_too(tmp_path):
    files = {"mine.csv": csv("person,band", ["7,9", "8,9"]), "notes.csv": csv("x,y", ["1,2", "3,4"])}
    said = FileSettings(columns={"userId": "person", "movieId": "band"})
    found = reading(tmp_path, files, RATINGS, MOVIES, ratings=said)
    assert [row[:2] for row in rows(found, "ratings")] == [(7, 9), (8, 9)]
    said = FileSettings(columns={"userId": "pers", "movieId": "band"})
    sentence = problem(reading(tmp_path, {"mine.csv": files["mine.csv"]}, RATINGS, MOVIES, ratings=said))
    assert "expected a column 'pers', as run.json says of userId" in sentence


def test_what_people_say_of_columns_outranks_names(tmp_path):
    files = {"plays.tsv": b"userId\tband\tweight\ttimestamp\n7\tx\t2\t960183970\n8\ty\t3\t960183970\n"}
    said = FileSettings(file="plays.tsv", columns={"movieId": "band", "rating": "", "userId": "3"})
    found = rows(reading(tmp_path, files, RATINGS, ratings=said), "ratings")
    assert [row[:3] for row in found] == [(2, "x", None), (3, "y", None)]


def test_a_setting_that_names_no_column_is_a_sentence(tmp_path):
    files = {"ratings.csv": csv("a,b", ["7,9", "8,1"])}
    said = FileSettings(columns={"userId": "c"})
    assert "expected a column 'c', as run.json says of userId, found the columns a, b" in problem(
        reading(tmp_path, files, RATINGS, ratings=said)
    )


def test_files_without_header_are_read_by_their_layout(tmp_path):
    found = reading(
        tmp_path,
        {"u.data": b"7\t9\t4.5\t960183970\n8\t9\t3\t960183971\n", "u.item": b"9|A (1995)||1|1\n10|B||0|1\n"},
        RATINGS,
        MOVIES,
    )
    assert ratings(found) == TABLE
    assert rows(found, "movies") == [(9, "A (1995)", "Action|Drama"), (10, "B", "Drama")]


def test_a_file_without_header_is_known_by_its_width_and_types_only_where_a_table_is_needed(tmp_path):
    plain = b"7\t9\t4.5\t960183970\n8\t9\t3\t960183971\n"
    assert ratings(reading(tmp_path, {"mine.tsv": plain}, RATINGS, MOVIES)) == TABLE
    found = reading(tmp_path, {"mine.tsv": plain, "ratings.csv": csv("user,item", ["1,2", "3,4"])}, RATINGS, MOVIES)
    assert len(rows(found, "ratings")) == 2
    assert any(each.startswith("mine.tsv was not read") for each in found.quality.notes)


def test_a_file_without_header_by_places(tmp_path):
    said = FileSettings(columns={"userId": "2", "movieId": "1"})
    found = reading(tmp_path, {"ratings.csv": b"9,7\n9,8\n10,8\n"}, RATINGS, ratings=said)
    assert [row[:2] for row in rows(found, "ratings")] == [(7, 9), (8, 9), (8, 10)]


def test_files_of_any_name_are_known_by_their_columns(tmp_path):
    files = {"plays-1.csv": csv("user,artist,weight", ["7,9,4.5"]), "plays-2.csv": csv("user,artist,weight", ["8,9,3"])}
    files |= {"titles.csv": csv("item,name", ["9,A", "10,B"]), "other.csv": csv("x,y", ["1,2", "3,4"])}
    found = reading(tmp_path, files, RATINGS, MOVIES)
    assert ratings(found) == TABLE
    assert rows(found, "movies") == [(9, "A", None), (10, "B", None)]
    assert any(each.startswith("other.csv was not read") for each in found.quality.notes)


def test_a_pattern_says_which_files_are_a_table(tmp_path):
    files = {"2026/plays-1.csv": csv("user,item", ["7,9"]), "2026/plays-2.csv": csv("user,item", ["8,9"])}
    files["ratings.csv"] = csv("user,item", ["1,1"])
    found = reading(tmp_path, files, RATINGS, ratings=FileSettings(file="plays-*.csv"))
    assert [row[0] for row in rows(found, "ratings")] == [7, 8]


def test_a_name_that_several_tables_know_is_decided_by_columns(tmp_path):
    orders = Source(
        name="orders",
        files=("orders",),
        columns=(Column(name="order", type="id"), Column(name="day", type="int64")),
        required=False,
    )
    items = Source(
        name="items",
        files=("items", "orders"),
        columns=(Column(name="order", type="id"), Column(name="item", type="id")),
    )
    found = reading(tmp_path, {"orders.csv": csv("order,item", ["1,x", "1,y"])}, orders, items)
    assert rows(found, "items") == [(1, "x"), (1, "y")]
    assert "orders" not in found.tables


def test_what_is_proposed_looks_like_what_is_asked_for(tmp_path):
    header = "No,Billing Zip,Discount Code,Lineitem artist,time"
    found = reading(tmp_path, {"mine.csv": csv(header, ["1,2,3,4,5"])}, RATINGS)
    assert '"columns": {"movieId": "Lineitem artist", "userId": "No"}' in problem(found)


def test_a_file_that_was_read_as_another_table_of_its_name_is_proposed(tmp_path):
    users = Source(name="users", files=("users", "ratings"), columns=(Column(name="age", type="id"),), required=False)
    found = reading(tmp_path, {"ratings.csv": csv("id,age,item", ["1,30,9"])}, RATINGS, users)
    assert "found ratings.csv (id, age, item)" in problem(found)


def test_a_file_in_pieces_has_its_header_in_one_of_them(tmp_path):
    pieces = {"visits-0.csv": b"3,c,1\n4,d,0\n", "visits-1.csv": csv("a,b,y", ["1,x,0", "2,y,1"])}
    found = reading(tmp_path, pieces, ANYTHING)
    assert rows(found, "visits") == [(1, "x", 0), (2, "y", 1), (3, "c", 1), (4, "d", 0)]
    assert "visits-0.csv: read as no header, columns as in visits-1.csv." in found.quality.notes
    links = {"movies-2.csv": b"9,b\n10,c\n", "movies-1.csv": csv("item,name", ["8,a"])}
    found = reading(tmp_path / "keys", links, replace(MOVIES, required=True))
    assert [row[:2] for row in rows(found, "movies")] == [(8, "a"), (9, "b"), (10, "c")]


def test_the_same_is_said_of_many_files_once(tmp_path):
    files = {f"ratings-{each}.csv": csv("user;item", [f"{each};9"]) for each in range(5)}
    files |= {f"other-{each}.csv": csv("a,b", ["1,2"]) for each in range(5)}
    found = reading(tmp_path, files, RATINGS)
    notes = " ".join(found.quality.notes)
    assert "5 files (ratings-0.csv, ratings-1.csv, ratings-2.csv and 2 more): read as semicolon" in notes
    assert "other-0.csv, other-1.csv, other-2.csv and 2 more were not read" in notes
    assert len(found.quality.notes) == 2


def test_a_missing_table_lists_what_was_found(tmp_path):
    found = reading(tmp_path, {"mine.csv": csv("person,band", ["1,2", "3,4"])}, RATINGS, MOVIES)
    assert problem(found) == (
        "ratings: expected the file ratings or u.data, or one with the columns userId, movieId; found mine.csv "
        '(person, band); say in run.json which it is, such as {"files": {"ratings": {"file": "mine.csv", "columns": '
        '{"userId": "person", "movieId": "band"}}}}, or upload it beside the others.'
    )


def test_files_that_would_be_the_same_table_are_asked_about(tmp_path):
    files = {"a.csv": csv("user,item", ["1,2", "3,4"]), "b.csv": csv("user,item,weight", ["1,2,3", "3,4,5"])}
    assert "expected one file, or several with the same columns, found a.csv, b.csv" in problem(
        reading(tmp_path, files, RATINGS)
    )


def test_all_columns_of_a_table_in_the_types_of_their_values(tmp_path):
    data = csv(
        ",plan,zip,age,paid,joined,score,active,note,long,mixed",
        [
            '0,plus,01234,41,Yes,2026-01-31,1.5,TRUE,"a, b",12345678901234567890,31/12/2025',
            "1,basic,98765,NA,No,2026-02-01,2,false,,12345678901234567891,1/2/2026",
            "2,basic,11111,17.0,yes,2026-02-02 10:00:00,,t,x,12345678901234567892,",
        ],
    )
    found = reading(tmp_path, {"visits.csv": data}, ANYTHING)
    assert columns(found, "visits") == {
        "plan": "VARCHAR",
        "zip": "VARCHAR",
        "age": "BIGINT",
        "paid": "BOOLEAN",
        "joined": "TIMESTAMP",
        "score": "DOUBLE",
        "active": "BOOLEAN",
        "note": "VARCHAR",
        "long": "VARCHAR",
        "mixed": "TIMESTAMP",
    }
    assert [row[:4] for row in rows(found, "visits")][1:] == [
        ("basic", "98765", None, False),
        ("basic", "11111", 17, True),
    ]


def test_a_sign_among_numbers_is_no_value_and_no_column_vanishes(tmp_path):
    lines = [f"{each},{each / 2 if each % 12 else '?'},x{each},{'3+' if each % 4 else each}," for each in range(60)]
    found = reading(tmp_path, {"visits.csv": csv(",hp,,n,", lines)}, ANYTHING, share=0.01)
    assert columns(found, "visits") == {"hp": "DOUBLE", "column_3": "VARCHAR", "n": "VARCHAR"}
    assert rows(found, "visits")[:2] == [(None, "x0", "0"), (0.5, "x1", "3+")]
    assert "visits.csv: column hp: 5 cells that are no numbers are taken for missing." in found.quality.warnings


def test_types_are_decided_over_all_parts_and_all_rows(tmp_path):
    late = csv("n,m,o", [*(f"{each},{each},{each % 2}" for each in range(3000)), "x,?,1"])
    files = {"visits-1.csv": csv("n,m,o", ["1,1,0", "2,2,1"]), "visits-2.csv": late}
    found = reading(tmp_path, files, ANYTHING, share=0.0)
    assert columns(found, "visits") == {"n": "VARCHAR", "m": "VARCHAR", "o": "BIGINT"}
    found = reading(tmp_path, files, ANYTHING, share=0.01)
    assert columns(found, "visits") == {"n": "BIGINT", "m": "BIGINT", "o": "BIGINT"}
    assert len(rows(found, "visits")) == 3003
    assert "visits-1.csv: column m: 1 cell that is no number is taken for missing." in found.quality.warnings


def test_names_that_differ_in_case_only_are_kept_apart(tmp_path):
    found = reading(tmp_path, {"visits.csv": csv("a,A,a", ["1,x,2.5", "2,y,3.5"])}, ANYTHING)
    assert list(columns(found, "visits")) == ["a", "A_2", "a_3"]


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["$5.50", "7.25", "-$3"], "DOUBLE"),
        (["5.50 EUR", "€7", "3 €"], "DOUBLE"),
        (["$5.50", "€7.25", "3"], "VARCHAR"),
        (["5.50 USD", "7.25 CHF", "3"], "VARCHAR"),
    ],
)
def test_amounts_in_several_currencies_are_no_numbers(tmp_path, cells, kind):
    found = reading(tmp_path, {"visits.csv": csv("id,price", [f"u{cell},{cell}" for cell in cells])}, ANYTHING)
    assert columns(found, "visits")["price"] == kind
    told = [each for each in found.quality.warnings if "convert them into one currency" in each]
    assert len(told) == (kind == "VARCHAR")


@pytest.mark.parametrize(
    ("name", "cells", "kind"),
    [
        ("contact", ["612 345 678", "699 000 111"], "VARCHAR"),
        ("contact", ["+34 612 345 678", "+1 699 000 111"], "VARCHAR"),
        ("contact", ["+34612345678", "+1699000111"], "VARCHAR"),
        ("sum", ["612 345 678", "1 699 000 111"], "BIGINT"),
        ("sum", ["12 345", "1 345 678"], "BIGINT"),
        ("phone", ["12 345 678", "1 345 678"], "VARCHAR"),
        ("Tel.", ["12 345 678", "1 345 678"], "VARCHAR"),
        ("hotel", ["12 345 678", "1 345 678"], "BIGINT"),
    ],
)
def test_telephone_numbers_are_texts_and_amounts_are_not(tmp_path, name, cells, kind):
    found = reading(
        tmp_path, {"visits.csv": csv(f"buyer;{name}", [f"u{at};{cell}" for at, cell in enumerate(cells)])}, ANYTHING
    )
    assert columns(found, "visits")[name] == kind


@pytest.mark.parametrize(
    ("times", "first"),
    [
        (["1995", "2003"], "1995-01-01 00:00:00"),
        (["1995.0", "2003"], "1995-01-01 00:00:00"),
        (["1995", "2003-05-01"], "1995-01-01 00:00:00"),
        (["1995", "3"], "1970-01-01 00:33:15"),
    ],
    ids=["years", "broken years", "years and days", "seconds"],
)
def test_a_column_of_years_is_no_count_of_seconds(tmp_path, times, first):
    data = csv("userId,movieId,rating,timestamp", [f"{at},x{at},4,{time}" for at, time in enumerate(times)])
    found = rows(reading(tmp_path, {"ratings.csv": data}, RATINGS), "ratings")
    assert str(found[0][3]) == first


@pytest.mark.parametrize(
    ("times", "accepted"),
    [
        (["2021", *(str(960183970 + at) for at in range(9))], False),
        (["20210131", *(str(960183970 + at) for at in range(9))], False),
        (["1950", "2022", "2300"], False),
        ([str(at) for at in range(1880, 2120, 3)], False),
        ([str(at) for at in range(0, 9000, 300)], True),
    ],
    ids=["a year", "a day", "years and more", "mostly years", "seconds of a visit"],
)
def test_what_looks_like_a_year_among_counts_is_not_read_as_a_second_of_1970(tmp_path, times, accepted):
    data = csv("userId,movieId,rating,timestamp", [f"{at},x{at},4,{time}" for at, time in enumerate(times)])
    found = reading(tmp_path, {"ratings.csv": data}, RATINGS)
    assert found.quality.ok is accepted
    if not accepted:
        assert "expected a time such as" in problem(found)


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ([["$12", "EUR 13"]], "EUR and USD"),
        ([["$12"] * 1500 + ["13 €"]], "EUR and USD"),
        ([["$12"], ["£13"]], "GBP and USD"),
        ([["$12", "US$ 13", "14"]], ""),
        ([["12"] * 1500 + ["13 €"]], ""),
    ],
    ids=["at once", "late", "in two files", "one in two spellings", "one, late"],
)
def test_amounts_in_several_currencies_are_no_column_of_numbers(tmp_path, files, found):
    data = {
        f"ratings-{at}.csv": csv("userId,movieId,rating", [f"u{at}-{row},x,{cell}" for row, cell in enumerate(cells)])
        for at, cells in enumerate(files)
    }
    result = reading(tmp_path, data, RATINGS)
    if found:
        said = problem(result)
        assert f"expected amounts in one currency in column rating, found {found}" in said
        assert 'files.ratings.columns.rating is ""' in said
    else:
        assert len(rows(result, "ratings")) == sum(map(len, files))


def test_booleans_of_typed_files_are_yes_and_no(tmp_path):
    duckdb.sql(f"COPY (SELECT true AS won, 1 AS n) TO '{tmp_path / 'visits.parquet'}'")
    found = reading(tmp_path, {"visits.parquet": (tmp_path / "visits.parquet").read_bytes()}, ANYTHING)
    assert columns(found, "visits") == {"won": "BOOLEAN", "n": "BIGINT"}
