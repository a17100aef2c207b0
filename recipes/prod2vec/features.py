"""Product vocabulary and next-product queries, the same for process, train, evaluate, report and serve; numpy only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq

from trainyard.contract.lean.arrow import numbers, pa, read_table, text_array

OUT_OF_VOCABULARY = -1
VOCABULARY_FILE = "vocabulary.parquet"
QUERIES_FILE = "queries.parquet"
QUERY_PRODUCTS_FILE = "query_products.parquet"


@dataclass(frozen=True, kw_only=True)
class RaggedArray:
    """Rows of different lengths in one array: row `i` is `values[offsets[i] : offsets[i + 1]]`."""

    values: np.ndarray
    offsets: np.ndarray

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, rows: slice) -> RaggedArray:
        """A contiguous slice of the rows."""
        start, stop, _ = rows.indices(len(self))
        offsets = self.offsets[start : max(start, stop) + 1]
        return RaggedArray(values=self.values[offsets[0] : offsets[-1]], offsets=offsets - offsets[0])

    @cached_property
    def lengths(self) -> np.ndarray:
        return np.diff(self.offsets)

    @cached_property
    def row_of_value(self) -> np.ndarray:
        """For every value, the number of the row that it belongs to."""
        return np.repeat(np.arange(len(self)), self.lengths)

    def filter_values(self, mask: np.ndarray) -> RaggedArray:
        """The same rows with only the values where `mask` is true; a row may become empty."""
        kept_before = np.concatenate(([0], np.cumsum(mask)))
        return RaggedArray(values=self.values[mask], offsets=kept_before[self.offsets])

    def take(self, rows: np.ndarray) -> RaggedArray:
        """The rows of these numbers, in this order."""
        lengths = self.lengths[rows]
        offsets = np.concatenate(([0], np.cumsum(lengths)))
        within = np.arange(offsets[-1]) - np.repeat(offsets[:-1], lengths)
        return RaggedArray(values=self.values[np.repeat(self.offsets[rows], lengths) + within], offsets=offsets)

    def drawn(self, values: int, seed: int) -> RaggedArray:
        """Random rows of at most so many values in all (one row at least), in random order."""
        order = np.random.default_rng(seed).permutation(len(self))
        within = np.cumsum(self.lengths[order]) <= values
        within[:1] = True
        return self.take(order[within])

    def followed_by(self, other: RaggedArray) -> RaggedArray:
        """These rows and then those of another, in the type of these."""
        return RaggedArray(
            values=np.concatenate([self.values, other.values.astype(self.values.dtype)]),
            offsets=np.concatenate([self.offsets, self.offsets[-1] + other.offsets[1:]]),
        )

    @classmethod
    def from_lists(cls, rows: Sequence[Sequence[int]]) -> RaggedArray:
        """From a few rows of indices."""
        offsets = np.concatenate(([0], np.cumsum([len(row) for row in rows]))).astype(np.int64)
        return cls(values=np.asarray([each for row in rows for each in row], dtype=np.int64), offsets=offsets)

    @classmethod
    def from_arrow(cls, column: pa.ChunkedArray | pa.Array) -> RaggedArray:
        """From a list column without nulls, whatever slice of a larger buffer it is."""
        lists = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
        offsets = numbers(lists.offsets).astype(np.int64)
        return cls(values=numbers(lists.flatten()), offsets=offsets - offsets[0])

    def to_arrow(self) -> pa.Array:
        return pa.LargeListArray.from_arrays(pa.array(self.offsets, pa.int64()), pa.array(self.values))


@dataclass(frozen=True, kw_only=True)
class Vocabulary:
    """The products a model knows; a product's index is its rank by frequency in the training orders.

    One entry per product: keys as text (an array of objects), training lines, names, and departments as text, empty
    where nobody said one.
    """

    product_ids: np.ndarray
    frequencies: np.ndarray
    names: tuple[str, ...]
    departments: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.product_ids)

    @cached_property
    def keys(self) -> pa.Array:
        """The keys as an Arrow array."""
        return text_array(self.product_ids)

    def encode(self, product_ids: Sequence[str] | np.ndarray | pa.Array) -> np.ndarray:
        """Indices (int32) of keys; `OUT_OF_VOCABULARY` for a product that the model does not know."""
        asked = product_ids if isinstance(product_ids, pa.Array) else text_array(product_ids)
        found = pc.index_in(asked, value_set=self.keys).fill_null(OUT_OF_VOCABULARY)
        return np.asarray(numbers(found), dtype=np.int32)

    def save(self, directory: Path) -> None:
        table = pa.table(
            {
                "index": np.arange(len(self)),
                "product_id": self.keys,
                "product_name": text_array(self.names),
                "department": text_array(self.departments),
                "frequency": self.frequencies,
            }
        )
        pq.write_table(table, directory / VOCABULARY_FILE)

    @classmethod
    def load(cls, directory: Path) -> Vocabulary:
        table = read_table(directory / VOCABULARY_FILE)
        # Models of earlier versions have numbers in both, and another name for one of them.
        department = "department" if "department" in table.column_names else "department_id"
        return cls(
            product_ids=texts(table["product_id"]),
            frequencies=numbers(table["frequency"]),
            names=tuple(table["product_name"].to_pylist()),
            departments=tuple(table[department].cast(pa.string()).to_pylist()),
        )


@dataclass(frozen=True, kw_only=True)
class Queries:
    """One "which product comes next?" per basket: the last product of the cart, given the others.

    `contexts` and `targets` are indices into `product_ids`, the keys as text of all products that are asked about: a
    model with another vocabulary answers the same queries. Rows are sorted by `order_ids`, which are keys as text.
    """

    order_ids: np.ndarray
    contexts: RaggedArray
    targets: np.ndarray
    product_ids: np.ndarray

    def __len__(self) -> int:
        return len(self.targets)

    def spread(self, count: int) -> np.ndarray:
        """Rows of at most `count` queries, evenly spread over all."""
        return np.unique(np.linspace(0, len(self) - 1, min(count, len(self))).round().astype(np.int64))

    def sample(self, count: int) -> Queries:
        """At most `count` queries, evenly spread over all."""
        return self.take(self.spread(count))

    def take(self, rows: np.ndarray) -> Queries:
        return replace(
            self, order_ids=self.order_ids[rows], contexts=self.contexts.take(rows), targets=self.targets[rows]
        )

    def save(self, directory: Path) -> None:
        order_ids = text_array(self.order_ids)
        table = pa.table({"order_id": order_ids, "context": self.contexts.to_arrow(), "target": self.targets})
        pq.write_table(table, directory / QUERIES_FILE)
        products = pa.table({"product_id": text_array(self.product_ids)})
        pq.write_table(products, directory / QUERY_PRODUCTS_FILE)

    @classmethod
    def load(cls, directory: Path) -> Queries:
        table = read_table(directory / QUERIES_FILE)
        return cls(
            order_ids=texts(table["order_id"]),
            contexts=RaggedArray.from_arrow(table["context"]),
            targets=numbers(table["target"]),
            product_ids=texts(read_table(directory / QUERY_PRODUCTS_FILE)["product_id"]),
        )


def texts(column: pa.ChunkedArray | pa.Array) -> np.ndarray:
    """Keys, whatever their type in a table, as an array of texts (objects)."""
    return np.asarray(column.cast(pa.string()).to_pylist(), dtype=object)
