"""Lists become rows: of objects, of lists beside each other, and of the cells of a line; in JSON, Parquet and text."""

from __future__ import annotations

import csv
import io
import json

import duckdb
import pytest

from recipes.prod2vec.config import CONFIG, sources
from tests.reading.reads import columns, problem, reading, rows
from trainyard.contract.sources import FileSettings

NESTED = b"""[
{"order": 7, "items": [{"sku": "A", "name": "x", "qty": 2}, {"sku": "B", "name": "y", "qty": 1}]},
{"order": 8, "items": [{"sku": "A", "name": null, "qty": -1}]},
{"order": 9, "items": []}]"""
BASKETS = b'milk,bread\nbeer\n\neggs, milk,,butter\n"milk, fresh",bread\n'
CELLS = FileSettings(columns={"product_id": "*"})


def lines(found, *names: str) -> list[tuple]:
    """Order, product, place and other columns of the order lines."""
    wanted = ("order_id", "product_id", "add_to_cart_order", *names)
    order = [*columns(found, "order_products")]
    return [tuple(row[order.index(each)] for each in wanted) for row in rows(found, "order_products")]


def orders(folder, files, **settings):
    return reading(folder, files, *sources(CONFIG), **settings)


@pytest.mark.parametrize("key", ["items", "cart"])
def test_fields_of_the_objects_in_a_list_become_rows_together(tmp_path, key):
    found = orders(tmp_path, {"shop.json": NESTED.replace(b"items", key.encode())})
    assert lines(found, "quantity", "product_name") == [
        (7, "A", 1, "2", "x"),
        (7, "B", 2, "1", "y"),
        (8, "A", 1, "-1", None),
    ]


def test_so_do_those_of_parquet(tmp_path):
    path = tmp_path / "made.parquet"
    values = "(7, [{sku: 3, name: 'x'}, {sku: 5, name: 'y'}]), (8, [{sku: 3, name: 'x'}])"
    duckdb.sql(f"COPY (FROM (VALUES {values}) AS t(order_no, items)) TO '{path}' (FORMAT parquet)")
    found = orders(tmp_path, {"shop.parquet": path.read_bytes()})
    assert lines(found, "product_name") == [(7, 3, 1, "x"), (7, 5, 2, "y"), (8, 3, 1, "x")]


def test_lists_beside_each_other_become_rows_together_where_all_are_equally_long(tmp_path):
    said = FileSettings(columns={"product_id": "skus", "product_name": "names"})
    data = b'{"order": 7, "skus": ["A", "B"], "names": ["x", "y"]}\n{"order": 8, "skus": ["A"], "names": ["x"]}\n'
    found = orders(tmp_path, {"shop.jsonl": data}, order_products=said)
    assert lines(found, "product_name") == [(7, "A", 1, "x"), (7, "B", 2, "y"), (8, "A", 1, "x")]


def test_texts_of_another_length_are_joined_and_keys_are_asked_about(tmp_path):
    data = b'{"order": 7, "skus": ["A", "B"], "more": ["x", "y"]}\n{"order": 8, "skus": ["A"], "more": ["x", "y"]}\n'
    said = FileSettings(columns={"product_id": "skus", "product_name": "more"})
    found = orders(tmp_path, {"shop.jsonl": data}, order_products=said)
    assert lines(found, "product_name") == [(7, "A", 1, "x|y"), (7, "B", 2, "x|y"), (8, "A", 1, "x|y")]
    said = FileSettings(columns={"product_id": "skus", "department_id": "more"})
    sentence = problem(orders(tmp_path, {"shop.jsonl": data}, order_products=said))
    assert "expected lists of equally many elements in skus (product_id) and more (department_id)" in sentence
    assert '{"files": {"order_products": {"columns": {"department_id": ""}}}}' in sentence


def test_each_cell_of_a_line_is_a_row_where_people_say_so(tmp_path):
    found = orders(tmp_path, {"groceries.csv": BASKETS}, order_products=CELLS)
    assert lines(found) == [
        *((1, "milk", 1), (1, "bread", 2), (2, "beer", 1)),
        *((4, "eggs", 1), (4, "milk", 2), (4, "butter", 3), (5, "milk, fresh", 1), (5, "bread", 2)),
    ]


def test_cells_may_be_numbers_between_spaces_and_files_several(tmp_path):
    files = {"data-1.dat": b"1 2 3 \n4 \n", "data-2.dat": b"2 3 \n"}
    found = lines(orders(tmp_path, files, order_products=CELLS))
    assert [each[1:] for each in found] == [(1, 1), (2, 2), (3, 3), (4, 1), (2, 1), (3, 2)]
    assert [each[0] for each in found[:4]] == [1, 1, 1, 2]
    assert found[4][0] == found[5][0] > 2


def test_a_pattern_says_which_columns_are_cells_of_a_line(tmp_path):
    data = b"Item(s),Item 1,Item 2\n2,milk,bread\n1,beer,\n"
    said = FileSettings(columns={"product_id": "Item *"})
    found = orders(tmp_path, {"shop.csv": data}, order_products=said)
    assert lines(found) == [(1, "milk", 1), (1, "bread", 2), (2, "beer", 1)]


@pytest.mark.parametrize("name", ["groceries.csv", "data.csv"])
def test_lines_of_cells_are_recognised_and_asked_about(tmp_path, name):
    sentence = problem(orders(tmp_path, {name: b"milk,bread\nbeer\neggs,milk,butter\n" * 20}))
    assert '"columns": {"product_id": "*"}' in sentence


def test_what_people_say_of_cells_touches_no_other_file(tmp_path):
    files = {"groceries.csv": BASKETS, "names.csv": b"sku,name\nmilk,Milk\nbeer,Beer\n"}
    found = orders(tmp_path, files, order_products=CELLS)
    assert len(lines(found)) == 8
    assert [row[:2] for row in rows(found, "products")] == [("milk", "Milk"), ("beer", "Beer")]


def test_cells_that_come_again_tell_what_stands_between_them(tmp_path):
    tags = [
        ["role::program", "interface::x11"],
        ["role::documentation"],
        ["interface::x11", "role::program", "use::viewing"],
    ]
    data = "\n".join(", ".join(each) for each in tags * 4).encode()
    found = orders(tmp_path, {"tags.txt": data}, order_products=CELLS)
    assert [row[1] for row in lines(found)] == [tag for each in tags * 4 for tag in each]


ITEMS = [["milk", "salt, coarse", "Ben & Jerry's"], ["bread"], ['12" pan', "milk", 'round "x"']] * 5


@pytest.mark.parametrize("write", [repr, json.dumps], ids=["Python", "JSON"])
def test_lists_that_are_written_in_cells_become_rows(tmp_path, write):
    table = io.StringIO()
    csv.writer(table).writerows([("order_id", "items"), *((number, write(each)) for number, each in enumerate(ITEMS))])
    found = orders(tmp_path, {"orders.csv": table.getvalue().encode()})
    assert lines(found) == [(number, item, at) for number, each in enumerate(ITEMS) for at, item in enumerate(each, 1)]
    assert "lists in cells" in " ".join(found.quality.notes)


def test_so_do_cells_with_commas_where_each_order_has_one_line_and_names_stay_whole_elsewhere(tmp_path):
    plain = [["milk", "bread"], ["eggs"], ["bread", "eggs", "milk"]] * 5
    data = "order_id,items\n" + "".join(f'{number},"{", ".join(each)}"\n' for number, each in enumerate(plain))
    found = orders(tmp_path, {"orders.csv": data.encode()})
    assert lines(found) == [(number, item, at) for number, each in enumerate(plain) for at, item in enumerate(each, 1)]
    again = tmp_path / "again"
    again.mkdir()
    by_line = "order_id,items\n" + "".join(f'{number // 2},"salt, {number}"\n' for number in range(10))
    found = orders(again, {"orders.csv": by_line.encode()})
    assert [row[1] for row in lines(found)] == [f"salt, {number}" for number in range(10)]
