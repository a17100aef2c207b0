"""Makes realistic rating files of any size with planted tastes; runs on a laptop and in tests.

Every movie belongs to one taste ("gritty crime stories"), which shows in its genres only partly, and every user has one
taste. Users mostly watch movies of their taste, popular ones more often, and rate them higher. A model that finds the
tastes recommends a user movies of the taste planted for that user.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

TASTES = (
    ("Crime", "Drama", "Thriller"),
    ("Animation", "Children", "Fantasy"),
    ("Comedy", "Romance"),
    ("Action", "Adventure", "Sci-Fi"),
    ("Horror", "Mystery"),
    ("Documentary", "War", "Western", "Musical"),
)
FIRST_WORDS = (
    "The Last",
    "A Quiet",
    "Midnight",
    "Señor",
    "Beyond the",
    "Return of the",
    "12",
    "Amélie's",
    "No",
    "Little",
)
SECOND_WORDS = (
    "Harbor",
    "Winter",
    "Detective",
    "Garden",
    'Man Called "Ace"',
    "Planet",
    "Road, Again",
    "House",
    "Letter",
)
TAG_WORDS = ("atmospheric", "funny", "twist ending", "based on a book", "must see", "slow", "Quirky", "classic")
RATINGS_PER_USER = 60
MIN_RATINGS = 12
OWN_TASTE_SHARE = 0.8
TASTE_EFFECT = 0.9
MISLEADING_GENRE_SHARE = 0.3
CHUNK_USERS = 2_000
FIRST_SECOND, LAST_SECOND = 1_000_000_000, 1_500_000_000
SESSION_RATINGS = 4
PLANTED_USERS = 1_000


@dataclass(frozen=True)
class PlantedMovies:
    """Movies by index: ids, tastes, quality and cumulative popularity by taste (the last row: over all movies)."""

    ids: np.ndarray
    tastes: np.ndarray
    quality: np.ndarray
    popularity: np.ndarray


def write(directory: Path, *, size: int, seed: int) -> dict[str, dict[int, int]]:
    """Write ratings.csv with `size` lines, movies.csv, tags.csv and links.csv to `directory`.

    Memory does not grow with the number of ratings. Returns the planted tastes: `movies` by movie id, and
    `users` by user id (of the first 1,000 users).
    """
    if size < 1:
        raise ValueError(f"expected a size of at least 1 rating, found {size}")
    random = np.random.default_rng(seed)
    planted = _planted_movies(random, size)
    directory.mkdir(parents=True, exist_ok=True)
    _write_movies(directory, planted, random=random)
    users = _write_ratings(directory, planted, random=random, size=size)
    return {"movies": dict(zip(planted.ids.tolist(), planted.tastes.tolist(), strict=True)), "users": users}


def _planted_movies(random: np.random.Generator, size: int) -> PlantedMovies:
    count = int(np.clip(6 * np.sqrt(size), 20 * len(TASTES), 60_000))
    tastes = random.permutation(np.arange(count) % len(TASTES))
    weight = 1.0 / (random.permutation(count) + 10.0) ** 0.8
    rows = [weight * (tastes == taste) for taste in range(len(TASTES))]
    cumulative = np.cumsum([*rows, weight], axis=1)
    ids = np.sort(random.choice(4 * count, count, replace=False)) + 1
    quality = random.normal(0.0, 0.35, count)
    return PlantedMovies(ids=ids, tastes=tastes, quality=quality, popularity=cumulative / cumulative[:, -1:])


def _write_movies(directory: Path, planted: PlantedMovies, *, random: np.random.Generator) -> None:
    with (
        (directory / "movies.csv").open("w", encoding="utf-8", newline="") as movies,
        (directory / "links.csv").open("w", encoding="utf-8", newline="") as links,
        (directory / "tags.csv").open("w", encoding="utf-8", newline="") as tags,
    ):
        films, addresses, words = (csv.writer(each, lineterminator="\n") for each in (movies, links, tags))
        films.writerow(["movieId", "title", "genres"])
        addresses.writerow(["movieId", "imdbId", "tmdbId"])
        words.writerow(["userId", "movieId", "tag", "timestamp"])
        for index, movie in enumerate(planted.ids.tolist()):
            films.writerow([movie, _title(index, random), _genres(int(planted.tastes[index]), random)])
            addresses.writerow([movie, f"{1_000 + movie:07d}", movie if random.random() < 0.98 else ""])
            if random.random() < 0.1:
                words.writerow([1, movie, TAG_WORDS[random.integers(len(TAG_WORDS))], LAST_SECOND])


def _title(index: int, random: np.random.Generator) -> str:
    series, rest = divmod(index, len(FIRST_WORDS) * len(SECOND_WORDS))
    first, second = divmod(rest, len(SECOND_WORDS))
    part = f" {series + 1}" if series else ""
    year = f" ({random.integers(1950, 2003)})" if random.random() < 0.99 else ""
    return f"{FIRST_WORDS[first]} {SECOND_WORDS[second]}{part}{year}"


def _genres(taste: int, random: np.random.Generator) -> str:
    if random.random() < MISLEADING_GENRE_SHARE:
        taste = int(random.integers(len(TASTES)))
    genres = TASTES[taste]
    chosen = random.random(len(genres)) < 0.6
    return "|".join(genre for genre, use in zip(genres, chosen, strict=True) if use) or "(no genres listed)"


def _write_ratings(
    directory: Path, planted: PlantedMovies, *, random: np.random.Generator, size: int
) -> dict[int, int]:
    """Write the lines user by user; returns the tastes of the first users."""
    taste_of_user: dict[int, int] = {}
    left, first_user = size, 1
    with (directory / "ratings.csv").open("w", encoding="utf-8", newline="") as file:
        file.write("userId,movieId,rating,timestamp\n")
        while left > 0:
            count = min(CHUNK_USERS, max(1, left // MIN_RATINGS))
            tastes = random.integers(0, len(TASTES), count)
            user, movie, stars, second = (each[:left] for each in _chunk(planted, random, tastes=tastes))
            columns = ((user + first_user).tolist(), planted.ids[movie].tolist(), stars.tolist(), second.tolist())
            file.writelines(f"{a},{b},{c},{d}\n" for a, b, c, d in zip(*columns, strict=True))
            made = int(user[-1]) + 1
            for each in range(min(made, PLANTED_USERS - len(taste_of_user))):
                taste_of_user[first_user + each] = int(tastes[each])
            left -= len(user)
            first_user += made
    return taste_of_user


def _chunk(planted: PlantedMovies, random: np.random.Generator, *, tastes: np.ndarray) -> tuple[np.ndarray, ...]:
    """Ratings of some users as four columns: user (from 0), index of the movie, stars, second."""
    extra = random.exponential(RATINGS_PER_USER - MIN_RATINGS, len(tastes)).astype(np.int64)
    user = np.repeat(np.arange(len(tastes)), MIN_RATINGS + np.minimum(extra, len(planted.ids) // 4))
    own = random.random(len(user)) < OWN_TASTE_SHARE
    group = np.where(own, tastes[user], len(TASTES))
    drawn, movie = random.random(len(user)), np.empty(len(user), dtype=np.int64)
    for each in np.unique(group):
        mine = group == each
        movie[mine] = np.searchsorted(planted.popularity[each], drawn[mine], side="right")
    # Nobody rates a movie twice; the first time counts, so that lines stay in order of time.
    _, kept = np.unique(user * len(planted.ids) + movie, return_index=True)
    kept = np.sort(kept)
    user, movie = user[kept], movie[kept]
    habit = random.normal(0.0, 0.4, len(tastes))
    liked = np.where(planted.tastes[movie] == tastes[user], TASTE_EFFECT, -TASTE_EFFECT)
    stars = 3.2 + habit[user] + planted.quality[movie] + liked + random.normal(0.0, 0.5, len(user))
    start = random.integers(FIRST_SECOND, LAST_SECOND, len(tastes))
    within = np.arange(len(user)) - np.searchsorted(user, user)
    # Several ratings share a second, as they do where people rate a page of movies at once.
    second = start[user] + within // SESSION_RATINGS * 37
    return user, movie, np.clip(np.round(2 * stars) / 2, 0.5, 5.0), second
