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
from recipes.prod2vec.features import Queries, RaggedArray
from recipes.prod2vec.inference import SIMILARITIES, ProductVectors
from recipes.prod2vec.item_weights import CoPurchases, chances, co_occurrence, ridge
from recipes.prod2vec.metrics import EncodedQueries, encoded_ranks, hit_rate, hits, mean_reciprocal_rank

# Enough to tell settings apart that matter; more would take longer than the fits.
MAX_QUERIES, MAX_QUERY_LINES = 4_000, 30_000
DEFAULT: Method = "ridge"
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
    ranks: np.ndarray

    @property
    def quality(self) -> tuple[float, float]:
        return hit_rate(self.ranks), mean_reciprocal_rank(self.ranks)


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
    asked = EncodedQueries.encode(_some(queries), vectors.vocabulary)
    counted = _counted(baskets, vectors, seed=seed)
    trials = [_tuned(each, counted=counted, queries=asked) for each in _candidates(counted, vectors)]
    by_method = {each.scorer.method: each for each in trials}
    found: dict[str, np.ndarray] = {name: each.ranks for name, each in by_method.items()}
    found |= {each: vector_ranks(replace(vectors, similarity=each), asked) for each in SIMILARITIES}
    name = winner(found)

    def fitted_again(best: Trial) -> BasketScorer:
        whole = baskets.followed_by(EncodedQueries.encode(queries, vectors.vocabulary).baskets)
        everything, method = _counted(whole, vectors, seed=seed), best.scorer.method
        weights = _weights(method, best.settings, counted=everything, vectors=vectors)
        return _scorer(method, weights, settings=best.settings, counted=everything)

    chosen = [each for method, each in by_method.items() if method == name]
    return Choice(
        name=name,
        hit_rates={each: hit_rate(ranks) for each, ranks in found.items()},
        settings={method: each.settings for method, each in by_method.items()},
        scorer=fitted_again(chosen[0]) if chosen else None,
    )


def winner(found: Mapping[str, np.ndarray]) -> str:
    """The name of the candidate to take, given the ranks [queries] of each: the ridge unless another is clearly better.

    In a few hundred orders the best of six is often so by luck, so another has to hit more by more than the standard
    error of the paired difference.
    """

    def lead(name: str) -> float:
        gained = hits(found[name]) - hits(found[DEFAULT])
        return float(gained.mean() - gained.std() / np.sqrt(len(gained)))

    best = max(found, key=lead)
    return best if lead(best) > 0 else DEFAULT


def _some(queries: Queries) -> Queries:
    """At most `MAX_QUERIES` of about `MAX_QUERY_LINES` products."""
    longest = MAX_QUERY_LINES * len(queries) // max(len(queries.contexts.values), 1)
    return queries.sample(max(1, min(MAX_QUERIES, longest)))


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
        return Trial(scorer=scorer, settings=settings, ranks=ranks(scorer, queries))

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
