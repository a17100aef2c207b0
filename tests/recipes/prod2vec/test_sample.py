"""The sample: exact sizes, flat memory, the files' own rules, and the planted answer really in the baskets."""

from __future__ import annotations

import csv
import tracemalloc
from collections import Counter
from itertools import combinations
from pathlib import Path

import pytest

from recipes.prod2vec import sample
from recipes.prod2vec.config import CONFIG, sources

FILES = {"order_products": "order_products__prior.csv", "products": "products.csv", "orders": "orders.csv"}


def rows(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


@pytest.mark.parametrize("size", [1, 2, 999, 1000, 20_000])
def test_the_files_have_the_asked_size_and_the_columns_that_are_needed(tmp_path, size):
    sample.write(tmp_path, size=size, seed=1)
    for source in sources(CONFIG):
        assert source.accepts(FILES[source.name])
        header, *lines = rows(tmp_path / FILES[source.name])
        assert {column.name for column in source.columns if column.required} <= set(header)
        keys = [tuple(line[header.index(name)] for name in source.unique or ("order_id",)) for line in lines]
        assert len(set(keys)) == len(keys)
        assert source.name != "order_products" or len(lines) == size


def test_carts_are_numbered_from_one_without_gaps(tmp_path):
    sample.write(tmp_path, size=5000, seed=2)
    positions: dict[str, list[int]] = {}
    for order, _, position, _ in rows(tmp_path / "order_products__prior.csv")[1:]:
        positions.setdefault(order, []).append(int(position))
    assert all(found == list(range(1, len(found) + 1)) for found in positions.values())
    assert list(positions) == [line[0] for line in rows(tmp_path / "orders.csv")[1:]]


def test_every_ordered_product_is_in_the_catalogue_under_a_name_of_its_own(tmp_path):
    sample.write(tmp_path, size=20_000, seed=3)
    products = rows(tmp_path / "products.csv")[1:]
    ordered = {line[1] for line in rows(tmp_path / "order_products__prior.csv")[1:]}
    assert ordered <= {line[0] for line in products}
    assert len(ordered) > 0.9 * len(products)
    names = [line[1] for line in products]
    assert len(set(names)) == len(names)
    assert any('"' in name and "," in name for name in names)
    assert any("ñ" in name for name in names)


def test_the_seed_decides_everything(tmp_path):
    answers = [sample.write(tmp_path / name, size=2000, seed=seed) for name, seed in (("a", 1), ("b", 1), ("c", 2))]
    contents = [[path.read_bytes() for path in sorted((tmp_path / name).iterdir())] for name in "abc"]
    assert answers[0] == answers[1] != answers[2]
    assert contents[0] == contents[1] != contents[2]


def test_complements_are_bought_together_and_substitutes_are_not(tmp_path):
    answer = sample.write(tmp_path, size=60_000, seed=4)
    baskets: dict[str, list[int]] = {}
    for order, product, _, _ in rows(tmp_path / "order_products__prior.csv")[1:]:
        baskets.setdefault(order, []).append(int(product))
    count = Counter(product for basket in baskets.values() for product in basket)
    together = Counter(pair for basket in baskets.values() for pair in combinations(sorted(basket), 2))

    def lift(pair: tuple[int, int]) -> float:
        """How many times as often as by chance two products share a basket."""
        first, second = sorted(pair)
        return together[first, second] * len(baskets) / (count[first] * count[second])

    complements = [lift(pair) for pair in answer["complements"][:50]]
    substitutes = [lift(pair) for pair in answer["substitutes"][:50]]
    assert min(complements) > 10
    assert max(substitutes) < min(complements) / 4


def test_popularity_has_a_long_tail(tmp_path):
    sample.write(tmp_path, size=60_000, seed=5)
    count = Counter(line[1] for line in rows(tmp_path / "order_products__prior.csv")[1:])
    frequencies = sorted(count.values(), reverse=True)
    assert sum(frequencies[: len(frequencies) // 10]) > 0.25 * sum(frequencies)


def test_memory_does_not_grow_with_the_size(tmp_path):
    peaks = []
    for size in (800_000, 2_400_000):
        tracemalloc.start()
        sample.write(tmp_path / str(size), size=size, seed=6)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0]


def test_no_size_below_one(tmp_path):
    with pytest.raises(ValueError, match="at least 1 order line, found 0"):
        sample.write(tmp_path, size=0, seed=1)
