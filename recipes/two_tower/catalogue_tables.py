"""Makes the table of movies from the catalogue, tags and links, and from what was rated; Ibis expressions in Glue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ibis

from recipes.two_tower.keys import numbered, text

# The year at the end of a title, "Toy Story (1995)", and in a column of years or dates.
TITLE_YEAR = r"\((\d{4})[^()]*\)\s*$"
ANY_YEAR = r"(?:^|\D)([12]\d{3})(?:\D|$)"
# What tables say of a movie; of `rated_` what the ratings say, which counts where the catalogue is silent.
SAID = ("title", "genres", "released", "rated_title", "rated_genres", "imdb_id", "tag")


def catalogue(tables: Mapping[str, ibis.Table], rated: ibis.Table) -> ibis.Table:
    """All movies of the catalogue and all that were rated.

    movie is the index and movie_id the key as text; title (of the catalogue, else of the ratings, else the key), genres
    (as written; empty where there are none), year (at the end of the title, else in the column year; 0 where there is
    none), imdb_id and tag (the most frequent one; both null where they are not known).
    """
    parts = [_said(rated, listed=True, rated_title=rated.title, rated_genres=rated.genres)]
    if (movies := tables.get("movies")) is not None:
        parts.append(_said(movies, listed=True, title=movies.title, genres=movies.genres, released=movies.year))
    if (links := tables.get("links")) is not None:
        parts.append(_said(links, listed=False, imdb_id=links.imdbId))
    if (tags := tables.get("tags")) is not None:
        main = _main_tags(tags)
        parts.append(_said(main, listed=False, tag=main.tag))
    known = ibis.union(*parts) if len(parts) > 1 else parts[0]
    known = known.group_by("movie_id").agg(listed=known.listed.max(), **{name: known[name].max() for name in SAID})
    # Links and tags alone make no movie.
    known = known.filter(known.listed)
    title = ibis.coalesce(known.title, known.rated_title, known.movie_id)
    described = known.select(
        movie_id=known.movie_id,
        title=title,
        genres=ibis.coalesce(known.genres, known.rated_genres, ""),
        year=ibis.coalesce(_year(title, TITLE_YEAR), _year(known.released, ANY_YEAR), 0),
        imdb_id=known.imdb_id,
        tag=known.tag,
    )
    return numbered(described, "movie_id", name="movie")


def native_keys(rated: ibis.Table, movies: ibis.Table) -> ibis.Table:
    """The index of every rated movie by its key as the ratings have it (movieId): numbers are joined fast."""
    keys = rated.select("movieId").distinct()
    keys = keys.mutate(movie_id=text(keys.movieId))
    return keys.join(movies.select("movie_id", "movie"), "movie_id").select("movieId", "movie")


def unknown_ratings(rated: ibis.Table, movies: ibis.Table) -> ibis.Table:
    """The ratings of movies that the catalogue lacks."""
    if rated.movieId.type() == movies.movieId.type():
        return rated.anti_join(movies, "movieId")
    keys = movies.select(movie_id=text(movies.movieId))
    return rated.mutate(movie_id=text(rated.movieId)).anti_join(keys, "movie_id")


def tagged(tags: ibis.Table) -> ibis.Table:
    """The tags that say something."""
    return tags.filter(_filled(tags.tag).notnull())


def _said(table: ibis.Table, *, listed: bool, **columns: Any) -> ibis.Table:
    """What a table says of its movies, one row per movie, with all columns of `SAID`, and whether it lists movies."""
    given = table.select("movieId", **columns)
    most = given.group_by("movieId").agg(**{name: _filled(given[name]).max() for name in columns})
    said = {name: most[name] if name in columns else ibis.null("string") for name in SAID}
    return most.select(movie_id=text(most.movieId), listed=ibis.literal(listed), **said)


def _filled(column: Any) -> Any:
    """Null where a text is empty or blank."""
    return ibis.ifelse(column.strip() == "", None, column)


def _year(column: Any, pattern: str) -> Any:
    found = column.re_extract(pattern, 1)
    return ibis.ifelse(found == "", None, found).cast("int64")


def _main_tags(tags: ibis.Table) -> ibis.Table:
    """movieId and its most frequent tag."""
    said = tagged(tags)
    lowered = said.select(movieId=said.movieId, tag=said.tag.lower())
    counted = lowered.group_by(["movieId", "tag"]).agg(times=lowered.count())
    by_times = ibis.window(group_by=counted.movieId, order_by=[counted.times.desc(), counted.tag])
    ranked = counted.mutate(rank=ibis.row_number().over(by_times))
    return ranked.filter(ranked.rank == 0).select("movieId", "tag")
