"""Reports on the towers: table of movie vectors, map, some users' top tens, training curves; runs in processing."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from recipes.two_tower import plots
from recipes.two_tower.config import Config
from recipes.two_tower.histories import Histories
from recipes.two_tower.inference import TOP_K, Recommender
from recipes.two_tower.ratings import Ratings
from trainyard.contract.projection import tsne_beside
from trainyard.contract.ranking import blocks
from trainyard.contract.report import Cell, ReportInputs, Section, Table, write_highlights
from trainyard.contract.training import curves

EMBEDDINGS = "movie_embeddings"
RECOMMENDATIONS_FILE = "recommendations.parquet"
MAP_FILE = "map.png"
NOTHING = np.empty(0, dtype=np.int64)
SHOWN_USERS = 3
SHOWN_FAVOURITES = 5
LISTED_USERS = 1000
# Users of whom a few are shown: the ratings of all may be many millions.
READ_USERS = 20_000
# A third of the time of the usual one, for files a tenth larger.
COMPRESSION_LEVEL = 1


def report(inputs: ReportInputs, outputs: Path, *, config: Config) -> list[Section]:
    """Write the files below to `outputs`, and return the sections of the report.

    * `movie_embeddings.parquet` and `.csv.gz`: index, movie_id, title, genres, year, imdb_id, tag, offset, v0, v1, ...
    * `recommendations.parquet`: the top ten of (at most `LISTED_USERS`) users.
    * `highlights.json`: the top ten of a few users and of a newcomer: `title`, `columns`, `rows` to print.
    * `map.png`: the most rated movies in two dimensions, coloured by genre.
    """
    recommender = Recommender.load(inputs.model)
    movies = recommender.movies
    histories = Histories.load(inputs.model, movies, users=READ_USERS)
    known = histories.ratings.encoded(np.arange(len(movies), dtype=np.int32), recommender.scale)
    with tsne_beside(plots.map_vectors(recommender), config.seed) as points:
        _write_embeddings(recommender, inputs.prepare, outputs=outputs)
        _write_recommendations(recommender, known, keys=histories.keys, path=outputs / RECOMMENDATIONS_FILE)
        shown = _shown_users(known)
        labels = [f"user {histories.keys[user]}" for user in shown.users.tolist()]
        top_tens = _top_tens(recommender, shown, labels=labels)
        write_highlights(top_tens, outputs)
        training = plots.training_curves(curves.read(inputs.model))
    movie_map = plots.movie_map(recommender, points.result())
    (outputs / MAP_FILE).write_bytes(movie_map.png)
    return [
        Section(
            title="Top ten of a few users",
            text=f"{_top_tens_text(recommender)} {_order_text(recommender)} {recommender.scale.in_words()}",
            tables=(_favourites(recommender, shown, labels=labels), top_tens),
        ),
        Section(
            title="Map of movies",
            text=f"t-SNE of the vectors of the {min(plots.MAP_MOVIES, len(movies)):,} most rated movies, by cosine "
            "distance; colours are the first genres. Movies close to each other suit the same people; distances "
            "between far groups mean little.",
            figures=(movie_map,),
        ),
        Section(
            title="Training",
            text="The towers were then trained anew, on validation ratings too, for as many epochs as did best here.",
            figures=training,
        ),
    ]


def _top_tens_text(recommender: Recommender) -> str:
    if recommender.scale.rated:
        return (
            "What these users rated best, and the movies recommended to them; the newcomer has not rated anything yet."
        )
    return "What these users chose, and the movies recommended to them; the newcomer has not chosen anything yet."


def _order_text(recommender: Recommender) -> str:
    if recommender.objective == "rating":
        return "Those with the highest expected rating come first."
    return recommender.ranker.in_words() if recommender.ranker else "The towers order them."


def embedding_table(recommender: Recommender, rows: slice, *, labels: dict[str, np.ndarray]) -> pa.Table:
    """The vectors of some movies with their names; towers score them by the dot product with a user's, plus offset."""
    movies = recommender.movies
    indices = np.arange(len(movies))[rows]
    columns: dict[str, pa.Array] = {
        "index": pa.array(indices),
        "movie_id": pa.array(movies.ids[rows], pa.string()),
        "title": pa.array(movies.titles[rows], pa.string()),
        "genres": pa.array(["|".join(movies.genres_of(index)) for index in indices.tolist()], pa.string()),
        "year": pa.array(movies.years[rows].astype(np.int64)),
        **{name: pa.array(values[rows], pa.string()) for name, values in labels.items()},
        "offset": pa.array(recommender.movie_offsets[rows].astype(np.float32)),
    }
    by_dimension = np.ascontiguousarray(recommender.movie_vectors[rows].T)
    return pa.table(columns | {f"v{index}": pa.array(values) for index, values in enumerate(by_dimension)})


def _write_embeddings(recommender: Recommender, prepare: Path, *, outputs: Path) -> None:
    labels = _labels(recommender, prepare)
    first = embedding_table(recommender, slice(0, 0), labels=labels)
    with (
        pq.ParquetWriter(outputs / f"{EMBEDDINGS}.parquet", first.schema) as parquet,
        gzip.GzipFile(outputs / f"{EMBEDDINGS}.csv.gz", "wb", COMPRESSION_LEVEL, mtime=0) as stream,
        pa_csv.CSVWriter(stream, first.schema) as text,
    ):
        for block in blocks(len(recommender.movies), 8 * recommender.movie_vectors.shape[1]):
            table = embedding_table(recommender, block, labels=labels)
            parquet.write_table(table)
            text.write_table(table)


def _labels(recommender: Recommender, prepare: Path) -> dict[str, np.ndarray]:
    """What links and tags said of each movie: `imdb_id` and `tag`, None where nothing."""
    table = pq.read_table(prepare / "movies", columns=["movie_id", "imdb_id", "tag"])
    indices = recommender.movies.encode(table["movie_id"].to_pylist())
    labels = {}
    for name in ("imdb_id", "tag"):
        labels[name] = np.full(len(recommender.movies), None, dtype=object)
        labels[name][indices] = table[name].to_numpy(zero_copy_only=False)
    return labels


def _write_recommendations(recommender: Recommender, known: Ratings, *, keys: Sequence[str], path: Path) -> None:
    listed = known.take(np.arange(min(LISTED_USERS, len(known.users))))
    found = recommender.recommend(listed, TOP_K)
    indices = np.concatenate([each for each, _ in found])
    lengths = [len(each) for each, _ in found]
    rows = np.repeat(np.arange(len(found)), lengths)
    ids, titles = (pa.array(each, pa.string()) for each in (recommender.movies.ids, recommender.movies.titles))
    columns = {
        "user_id": pa.array([keys[user] for user in listed.users[rows].tolist()], pa.string()),
        "rank": np.concatenate([np.arange(1, length + 1) for length in lengths]),
        "movie_id": ids.take(pa.array(indices)),
        "title": titles.take(pa.array(indices)),
        "score": np.concatenate([scores for _, scores in found]).astype(np.float32),
    }
    if recommender.rating_towers is not None:
        expected = recommender.expected_ratings(listed, rows, movies=indices)
        columns["expected_rating"] = expected.astype(np.float32)
    pq.write_table(pa.table(columns), path)


def _shown_users(histories: Ratings) -> Ratings:
    """A few users, evenly spread over those with enough favourites, by how much they have rated."""
    order = np.argsort(histories.lengths, kind="stable")
    order = order[histories.lengths[order] >= min(SHOWN_FAVOURITES, histories.lengths.max())]
    spread = np.unique(np.linspace(0, len(order) - 1, SHOWN_USERS + 2).round().astype(np.int64)[1:-1])
    return histories.take(order[spread])


def _favourites(recommender: Recommender, shown: Ratings, *, labels: Sequence[str]) -> Table:
    rows = []
    for row, label in enumerate(labels):
        own = slice(shown.offsets[row], shown.offsets[row + 1])
        best = np.argsort(-shown.values[own], kind="stable")[:SHOWN_FAVOURITES]
        values = recommender.scale.natural(shown.values[own][best])
        titles = [recommender.movies.titles[index] for index in shown.movies[own][best].tolist()]
        best_ones = "; ".join(_with_ratings(recommender, titles, ratings=values, digits="g"))
        rows.append((label, int(shown.lengths[row]), best_ones))
    rated = recommender.scale.rated
    columns = ("user", "ratings", "rated best") if rated else ("user", "movies", "some of them")
    return Table(columns=columns, rows=rows, caption=f"What they have {'rated' if rated else 'chosen'}")


def _top_tens(recommender: Recommender, shown: Ratings, *, labels: Sequence[str]) -> Table:
    """One column per user, and one for a newcomer."""
    newcomer = Ratings.from_columns(NOTHING, NOTHING, values=NOTHING, times=NOTHING).of_users(np.asarray([0]))
    by_rating = recommender.objective == "rating" and recommender.rating_towers is not None
    columns = []
    for histories in (shown, newcomer):
        for row, (indices, _) in enumerate(recommender.recommend(histories, TOP_K)):
            titles = [recommender.movies.titles[index] for index in indices.tolist()]
            # Where something else orders them, expected ratings beside them would look badly sorted.
            if by_rating:
                expected = recommender.expected_ratings(histories, np.full(len(indices), row), movies=indices)
                titles = _with_ratings(recommender, titles, ratings=expected, digits=".1f")
            columns.append(titles + [""] * (TOP_K - len(titles)))
    rows: list[list[Cell]] = [[place, *row] for place, row in enumerate(zip(*columns, strict=True), start=1)]
    return Table(
        columns=("place", *labels, "a newcomer"),
        rows=rows,
        caption="Top ten, by expected rating" if by_rating else "Top ten, the best first",
    )


def _with_ratings(recommender: Recommender, titles: Sequence[str], *, ratings: np.ndarray, digits: str) -> list[str]:
    """Titles, each with its rating where there are ratings."""
    if not recommender.scale.rated:
        return list(titles)
    return [f"{title} ({rating:{digits}})" for title, rating in zip(titles, ratings.tolist(), strict=True)]
