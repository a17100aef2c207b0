"""Chooses on validation orders how baskets are answered, and fits that again on all of them; in the training image."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
from scipy import sparse
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from recipes.prod2vec.basket_ranks import ranks
from recipes.prod2vec.basket_scorer import CANDIDATES_FILE, BasketScorer, Method
from recipes.prod2vec.features import Queries, RaggedArray, Vocabulary
from recipes.prod2vec.inference import SIMILARITIES, ProductVectors
from recipes.prod2vec.item_weights import CoPurchases, chances, co_occurrence, ridge
from recipes.prod2vec.metrics import EncodedQueries, encoded_ranks, hit_rate, mean_reciprocal_rank

# Enough to tell settings apart that matter; more would take longer than the fits.
ENOUGH_QUERIES, MAX_QUERIES, MAX_QUERY_LINES = 1_000, 4_000, 30_000
# More lines would cost time and memory, and change next to nothing.
MAX_LINES = 20_000_000
# The chances of every product after every other take time that grows with the square of the products.
MAX_CHANCES = 10_000
PENALTIES = (50.0, 10.0, 200.0)
POPULARITIES = (0.3, 0.0, 0.1, 1.0, 3.0)
MEMORIES = (0.0, 2.0, 5.0)

Settings = Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A scorer on validation orders: better by hit rate, and where that is the same by mean reciprocal rank."""

    scorer: BasketScorer
    settings: Settings
    quality: tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What answers baskets, the validation hit rates of all candidates by name, and the settings found for each.

    `scorer` is None where the vectors are to answer, by cosine or in-out.
    """

    name: str
    hit_rates: Mapping[str, float]
    settings: Mapping[str, Settings]
    scorer: BasketScorer | None

    def save(self, directory: Path) -> None:
        """Write the candidates as JSON, and the scorer in its own files."""
        candidates = {
            name: {"validation_hit_rate_at_10": rate, **self.settings.get(name, {})}
            for name, rate in self.hit_rates.items()
        }
        document = json.dumps({"chosen": self.name, "candidates": candidates}, indent=1)
        (directory / CANDIDATES_FILE).write_text(document, encoding="utf-8")
        if self.scorer is not None:
            self.scorer.save(directory)


def choose(vectors: ProductVectors, baskets: RaggedArray, *, queries: Queries, seed: int) -> Choice:
    """The best of ridge, co-occurrence, chances, popularity and the two similarities of the vectors.

    `baskets` are those of training. The winner is fitted again on these and the baskets of the `queries`.
    """
    # Thousands of small products and solutions: threads would wait for each other longer than they work.
    with threadpool_limits(1):
        return _choose(vectors, baskets, queries=queries, seed=seed)


def _choose(vectors: ProductVectors, baskets: RaggedArray, *, queries: Queries, seed: int) -> Choice:
    asked = questions(queries, vectors.vocabulary)
    counted = _counted(baskets, vectors, seed=seed)
    trials = [_tuned(each, counted=counted, queries=asked) for each in _candidates(counted, vectors)]
    best = max(trials, key=lambda each: each.quality)
    by_vectors = {each: _quality(vector_ranks(replace(vectors, similarity=each), asked)) for each in SIMILARITIES}
    qualities = {each.scorer.method: each.quality for each in trials} | by_vectors

    def fitted_again() -> BasketScorer:
        whole = baskets.followed_by(EncodedQueries.encode(queries, vectors.vocabulary).baskets)
        everything, method = _counted(whole, vectors, seed=seed), best.scorer.method
        weights = _weights(method, best.settings, counted=everything, vectors=vectors)
        return _scorer(method, weights, settings=best.settings, counted=everything)

    # Among equals the vectors come last: to search them takes longer.
    name = max(qualities, key=lambda each: qualities[each])
    return Choice(
        name=name,
        hit_rates={each: quality[0] for each, quality in qualities.items()},
        settings={each.scorer.method: each.settings for each in trials},
        scorer=None if name in by_vectors else fitted_again(),
    )


def questions(queries: Queries, vocabulary: Vocabulary) -> EncodedQueries:
    """At most `MAX_QUERIES` queries of about `MAX_QUERY_LINES` products; of few baskets more than one each.

    In a few hundred queries settings differ by chance: the products before the last are asked for, too.
    """
    longest = MAX_QUERY_LINES * len(queries) // max(len(queries.contexts.values), 1)
    found = latest = EncodedQueries.encode(queries.sample(max(1, min(MAX_QUERIES, longest))), vocabulary)
    while len(found) < ENOUGH_QUERIES and len(latest := latest.earlier):
        found = found.followed_by(latest)
    return found


def vector_ranks(vectors: ProductVectors, queries: EncodedQueries) -> np.ndarray:
    """Ranks of the answers by the similarity that the vectors have."""
    return encoded_ranks(vectors.next_product_scores, queries, products=len(vectors.vocabulary))


@dataclass(frozen=True, kw_only=True)
class _Candidate:
    """A method, the values to try of its settings, the likeliest first, and the weights that settings give."""

    method: Method
    space: Mapping[str, tuple[float, ...]]
    weights: Callable[[Settings], sparse.csr_matrix]


def _candidates(counted: CoPurchases, vectors: ProductVectors) -> Iterator[_Candidate]:
    def fitted(method: Method) -> Callable[[Settings], sparse.csr_matrix]:
        found = cache(lambda **settings: _weights(method, settings, counted=counted, vectors=vectors))
        # These change how weights are used, not what they are.
        return lambda settings: found(**{k: v for k, v in settings.items() if k not in {"popularity", "memory"}})

    yield _Candidate(method="popularity", space={"popularity": (1.0,)}, weights=fitted("popularity"))
    yield _Candidate(method="co_occurrence", space={"memory": MEMORIES}, weights=fitted("co_occurrence"))
    by_penalty = dict(zip(PENALTIES, ridge(counted, PENALTIES), strict=True))
    space = {"popularity": POPULARITIES, "memory": MEMORIES}
    yield _Candidate(
        method="ridge", space={**space, "penalty": PENALTIES}, weights=lambda settings: by_penalty[settings["penalty"]]
    )
    if len(counted.frequencies) <= MAX_CHANCES:
        space |= {"gain": (1.0, 0.5), "power": (0.5, 0.0)}
        yield _Candidate(method="chances", space=space, weights=fitted("chances"))


def _weights(method: Method, settings: Settings, *, counted: CoPurchases, vectors: ProductVectors) -> sparse.csr_matrix:
    products = len(counted.frequencies)
    if method == "ridge":
        return ridge(counted, [settings["penalty"]])[0]
    if method == "co_occurrence":
        return co_occurrence(counted)
    if method == "chances":
        return chances(vectors, counted, gain=settings["gain"], power=settings["power"])
    return sparse.csr_matrix((products, products), dtype=np.float32)


def _tuned(candidate: _Candidate, *, counted: CoPurchases, queries: EncodedQueries) -> Trial:
    """The best trial of one setting after the other; the first once more, when the others are known."""
    space = candidate.space

    @cache
    def trial(**settings: float) -> Trial:
        scorer = _scorer(candidate.method, candidate.weights(settings), settings=settings, counted=counted)
        return Trial(scorer=scorer, settings=settings, quality=_quality(ranks(scorer, queries)))

    best = trial(**{name: values[0] for name, values in space.items()})
    for name in (*space, next(iter(space))):
        others = [trial(**{**best.settings, name: value}) for value in space[name]]
        best = max([best, *others], key=lambda each: each.quality)
    return best


def _scorer(method: Method, weights: sparse.csr_matrix, *, settings: Settings, counted: CoPurchases) -> BasketScorer:
    return BasketScorer(
        method=method,
        offsets=weights.indptr.astype(np.int64),
        products=weights.indices.astype(np.int32),
        weights=weights.data.astype(np.float32),
        background=np.float32(settings.get("popularity", 0.0)) * counted.popularity,
        memory=settings.get("memory", 0.0),
        # Chances for every product of the basket; weights of a regression are made to be added up.
        average=method == "chances",
    )


def _counted(baskets: RaggedArray, vectors: ProductVectors, *, seed: int) -> CoPurchases:
    few = len(baskets.values) <= MAX_LINES
    return CoPurchases.count(baskets if few else baskets.drawn(MAX_LINES, seed), len(vectors.vocabulary))


def _quality(found: np.ndarray) -> tuple[float, float]:
    return hit_rate(found), mean_reciprocal_rank(found)
