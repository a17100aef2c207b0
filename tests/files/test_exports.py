"""Exports of shops, clubs and help desks are read as their owners mean them, by the sources of the recipes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.reading.reads import csv, problem, reading
from tests.reading.reads import rows as rows_of
from trainyard.reading.model import Reading
from trainyard.run import recipe


def read(recipe_name: str, folder: Path, name: str, data: bytes) -> Reading:
    sources = recipe.sources(recipe_name, recipe.config(recipe_name))
    return reading(folder, {name: data}, *sources, share=0.01)


def first(found: Reading, table: str, *columns: str) -> tuple[object, ...]:
    """What stands in some columns of the first row."""
    import duckdb

    rows_of(found, table)
    rows = duckdb.connect().read_parquet([str(each) for each in found.tables[table]])
    return rows.select(*columns).fetchall()[0]


SHOPIFY = "Name,Email,Currency,Total,Created at,Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku,Vendor"
SHOPIFY_LINES = [
    "#1001,a@x.example,EUR,35.00,2024-01-01 10:00:00 +0100,1,Blue Mug,9.90,S-1,V",
    "#1001,,,,,2,Rug,5,S-2,V",
]
SQUARE = "Date,Category,Item,Qty,SKU,Gross Sales,Transaction ID"
GOODREADS = "User,Book Id,Title,Author,ISBN,ISBN13,My Rating,Average Rating,Date Added"
NETFLIX = "Profile Name,Start Time,Duration,Title,Country"


def test_the_name_of_a_shopify_order_is_its_number(tmp_path):
    found = read("prod2vec", tmp_path, "orders_export_1.csv", csv(SHOPIFY, SHOPIFY_LINES))
    columns = ("order_id", "product_id", "product_name", "quantity")
    assert first(found, "order_products", *columns) == ("#1001", "S-1", "Blue Mug", "1")


def test_orders_of_an_interface_have_their_lines_in_a_list_and_are_no_table_of_customers(tmp_path):
    lines = [{"id": 7, "sku": "S-1", "title": "Blue Mug"}, {"id": 8, "sku": "S-2", "title": "Rug"}]
    orders = {"orders": [{"id": 450, "name": "#1", "customer": {"id": 3}, "line_items": lines}]}
    found = read("prod2vec", tmp_path, "orders.json", json.dumps(orders).encode())
    assert first(found, "order_products", "order_id", "product_id", "product_name") == (450, "S-1", "Blue Mug")


def test_a_catalogue_is_no_table_of_orders_that_are_called_by_names(tmp_path):
    catalogue = csv("sku,name,category", ["S-1,Blue Mug,Kitchen", "S-2,Rug,Floor"])
    assert "order_products: expected the file" in problem(read("prod2vec", tmp_path, "artikel.csv", catalogue))


def test_a_missing_code_comes_with_the_column_that_has_names(tmp_path):
    lines = [f"01/02/24,Kitchen,Mug {at},1.0,{'' if at % 3 else f'S-{at}'},$12.00,T{at // 3}" for at in range(30)]
    said = problem(read("prod2vec", tmp_path, "items-2024.csv", csv(SQUARE, lines)))
    assert "expected a key in column product_id, found an empty field" in said
    assert '{"files": {"order_products": {"columns": {"product_id": "Item"}}}}' in said


@pytest.mark.parametrize(
    ("name", "data", "row"),
    [
        ("ratings.csv", csv("Username,Date,Name,Year,Rating", ["ann,2024-01-02,Night Train,1999,4.5"]), "Night Train"),
        ("ViewingActivity.csv", csv(NETFLIX, ["Kids,2024-01-02 10:00:00,00:45:12,Night Train,DE"]), "Night Train"),
        ("library.csv", csv(GOODREADS, ['ann,17,Night,B,"=""043""","=""978""",4,3.9,2024/01/02']), 17),
        ("export.csv", csv("steamid,appid,name,playtime_forever", ["76561197960265728,400,Portal,312"]), 400),
        ("werte.csv", csv("nutzer;artikel;bewertung;datum", ["ann;A-1;4,5;02.01.2024"]), "A-1"),
    ],
    ids=["films by title", "titles of profiles", "an id before an ISBN", "games", "German"],
)
def test_ratings_of_exports(tmp_path, name, data, row):
    found = read("two_tower", tmp_path, name, data)
    assert first(found, "ratings", "movieId") == (row,)


def test_german_columns_are_ratings_and_times(tmp_path):
    found = read("two_tower", tmp_path, "werte.csv", csv("nutzer;artikel;bewertung;datum", ["ann;A-1;4,5;02.01.2024"]))
    rating, time = first(found, "ratings", "rating", "timestamp")
    assert (rating, str(time)) == (4.5, "2024-01-02 00:00:00")


def test_what_a_table_lacks_and_what_is_not_read_is_told_together(tmp_path):
    found = read("two_tower", tmp_path, "ratings.csv", csv("userId,movieId,opinion,x", ["1,2,4,5"]))
    assert any("without rating, timestamp, title, genres; not read: opinion, x" in each for each in found.quality.notes)


def test_tickets_have_their_subject_and_their_group(tmp_path):
    data = csv("Ticket ID,Subject,Description,Requester,Group,Status", ["1,Cannot log in,Hello there,r@x,Login,open"])
    found = read("headline_classifier", tmp_path, "tickets.csv", data)
    assert first(found, "headlines", "TITLE", "CATEGORY") == ("Cannot log in", "Login")


def test_fields_of_objects_are_columns_by_their_own_names(tmp_path):
    data = b'{"doc": {"title": "Rates cut", "lang": "en"}, "meta": {"category": "b", "type": "t"}}\n' * 2
    found = read("headline_classifier", tmp_path, "items.jsonl", data)
    assert first(found, "headlines", "TITLE", "CATEGORY") == ("Rates cut", "b")


def test_a_sentence_a_file_is_a_text_whatever_commas_are_in_it(tmp_path):
    sources = recipe.sources("neural_topic_model", recipe.config("neural_topic_model"))
    texts = ["Good service, the money came back at once.", "Fine, fast, cheap.", "Broken"]
    files = {f"docs/review_{at}.txt": f"{text}\n".encode() for at, text in enumerate(texts)}
    found = reading(tmp_path, files, *sources)
    assert [row[0] for row in rows_of(found, "reviews")] == texts


def test_greek_reviews_are_known_by_their_columns(tmp_path):
    lines = [f"01/05/2024;{at % 5 + 1};Πολύ καλή εξυπηρέτηση και γρήγορη παράδοση στο σπίτι {at}" for at in range(20)]
    data = csv("Ημερομηνία;Βαθμολογία;Κριτική", lines).decode().encode("cp1253")
    found = read("neural_topic_model", tmp_path, "kritikes.csv", data)
    assert first(found, "reviews", "text", "rating") == (lines[0].rpartition(";")[2], "1")
