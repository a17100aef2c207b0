"""What is known of movies before anybody rates them; for every stage after prepare, numpy only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

MOVIES_FILE = "movies.parquet"
NO_GENRE = "(no genres listed)"
UNKNOWN = -1


@dataclass(frozen=True, kw_only=True)
class Movies:
    """What is known of the movies before anybody rates: ids (int64, ascending), titles, genres and years (0: unknown).

    `genres` is float32 [movies, len(genre_names)], 1.0 where the movie belongs to the genre.
    """

    ids: np.ndarray
    titles: tuple[str, ...]
    genre_names: tuple[str, ...]
    genres: np.ndarray
    years: np.ndarray

    def __len__(self) -> int:
        return len(self.ids)

    def encode(self, movie_ids: np.ndarray) -> np.ndarray:
        """Indices (int64) of natural ids; `UNKNOWN` for a movie that is not in the catalogue."""
        if len(self) == 0:
            return np.full(len(movie_ids), UNKNOWN)
        index = np.minimum(np.searchsorted(self.ids, movie_ids), len(self) - 1)
        return np.where(self.ids[index] == movie_ids, index, UNKNOWN)

    def genres_of(self, index: int) -> tuple[str, ...]:
        """Names of the genres of one movie."""
        return tuple(name for name, belongs in zip(self.genre_names, self.genres[index], strict=True) if belongs)

    @classmethod
    def from_columns(
        cls, ids: np.ndarray, titles: Sequence[str], *, genres: Sequence[str], years: np.ndarray
    ) -> Movies:
        """From columns as MovieLens has them: genres in one text, separated by bars."""
        order = np.argsort(ids)
        listed = [[each for each in genres[row].split("|") if each and each != NO_GENRE] for row in order]
        names = tuple(sorted({each for row in listed for each in row}))
        column = {name: index for index, name in enumerate(names)}
        multi_hot = np.zeros((len(order), len(names)), dtype=np.float32)
        for row, found in enumerate(listed):
            multi_hot[row, [column[each] for each in found]] = 1.0
        return cls(
            ids=np.asarray(ids)[order],
            titles=tuple(titles[row] for row in order),
            genre_names=names,
            genres=multi_hot,
            years=np.asarray(years, dtype=np.float64)[order],
        )

    def save(self, directory: Path) -> None:
        genres = ["|".join(self.genres_of(row)) for row in range(len(self))]
        columns = {"movie_id": self.ids, "title": pa.array(self.titles, pa.string()), "genres": genres}
        pq.write_table(pa.table({**columns, "year": self.years}), directory / MOVIES_FILE)

    @classmethod
    def load(cls, directory: Path) -> Movies:
        return cls.from_table(pq.read_table(directory / MOVIES_FILE))

    @classmethod
    def from_table(cls, table: pa.Table) -> Movies:
        """From a table with the columns movie_id, title, genres and year."""
        titles, genres = (table[name].to_pylist() for name in ("title", "genres"))
        return cls.from_columns(table["movie_id"].to_numpy(), titles, genres=genres, years=table["year"].to_numpy())
