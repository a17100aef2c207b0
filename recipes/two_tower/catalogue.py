"""What is known of movies before anybody rates them; for every stage after prepare, numpy only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from trainyard.contract.lean.arrow import numbers, pa, read_table, text_array
from trainyard.contract.values import written_keys

MOVIES_FILE = "movies.parquet"
UNKNOWN = -1
SEPARATOR = "|"
# Towers read a column per genre; of categories by the thousand, rare ones say nothing that factors do not.
MAX_GENRES = 100


@dataclass(frozen=True, kw_only=True)
class Movies:
    """What is known of the movies before anybody rates; the index of a movie is its place in these sequences.

    `ids` are keys as text, `years` 0 where they are not known. `genres` is float32 [movies, len(genre_names)], 1.0
    where the movie belongs to one of the `MAX_GENRES` most frequent genres; `listed_genres` has all of each movie.
    """

    ids: tuple[str, ...]
    titles: tuple[str, ...]
    listed_genres: tuple[tuple[str, ...], ...]
    genre_names: tuple[str, ...]
    genres: np.ndarray
    years: np.ndarray

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def indices(self) -> dict[str, int]:
        """The index of every key."""
        return {key: index for index, key in enumerate(self.ids)}

    @cached_property
    def written_ids(self) -> list[int | str]:
        """The keys as answers have them."""
        return written_keys(self.ids)

    def encode(self, movie_ids: Iterable[str]) -> np.ndarray:
        """Indices (int32) of keys; `UNKNOWN` for a movie that is not in the catalogue."""
        return np.asarray([self.indices.get(each, UNKNOWN) for each in movie_ids], dtype=np.int32)

    def first_ids(self, lists: Iterable[np.ndarray]) -> np.ndarray:
        """The key of the first movie of each list of indices (an array of objects), None for an empty list."""
        found = [self.ids[each[0]] if len(each) else None for each in lists]
        return np.asarray(found, dtype=object)

    def genres_of(self, index: int) -> tuple[str, ...]:
        """Names of the genres of one movie."""
        return self.listed_genres[index]

    @classmethod
    def from_columns(
        cls, ids: Sequence[str], titles: Sequence[str], *, genres: Sequence[tuple[str, ...]], years: np.ndarray
    ) -> Movies:
        """From columns in the order of the index; each movie has its genres once."""
        frequent = Counter(each for row in genres for each in row)
        ranked = sorted(frequent, key=lambda each: (-frequent[each], each))
        names = tuple(sorted(ranked[:MAX_GENRES]))
        column = {name: index for index, name in enumerate(names)}
        multi_hot = np.zeros((len(ids), len(names)), dtype=np.float32)
        for row, found in enumerate(genres):
            multi_hot[row, [column[each] for each in found if each in column]] = 1.0
        return cls(
            ids=tuple(ids),
            titles=tuple(titles),
            listed_genres=tuple(genres),
            genre_names=names,
            genres=multi_hot,
            years=np.asarray(years, dtype=np.float64),
        )

    def save(self, directory: Path) -> None:
        texts = {
            "movie_id": self.ids,
            "title": self.titles,
            "genres": [SEPARATOR.join(each) for each in self.listed_genres],
        }
        columns = {name: text_array(each) for name, each in texts.items()}
        pq.write_table(pa.table({**columns, "year": self.years}), directory / MOVIES_FILE)

    @classmethod
    def load(cls, directory: Path) -> Movies:
        """Of a folder that `save` wrote to, now or in an earlier version, when keys were numbers."""
        table = read_table(directory / MOVIES_FILE)
        ids = table["movie_id"].cast(pa.string()).to_pylist()
        genres = [_genres(each) for each in table["genres"].to_pylist()]
        return cls.from_columns(ids, table["title"].to_pylist(), genres=genres, years=numbers(table["year"]))


def read_keys(directory: Path) -> list[str]:
    """The keys of a saved catalogue, in the order of the index."""
    found: list[str] = read_table(directory / MOVIES_FILE, columns=["movie_id"])["movie_id"].to_pylist()
    return found


def _genres(text: str) -> tuple[str, ...]:
    return tuple(each for each in text.split(SEPARATOR) if each)
