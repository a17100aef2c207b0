"""Scores product vectors on held-out orders, beside simple baselines; runs in the training image, no TensorFlow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from recipes.prod2vec.config import Config
from recipes.prod2vec.features import Queries, Ragged, Vocabulary
from recipes.prod2vec.process import load_baskets
from recipes.prod2vec.vectors import SCORINGS, TOP, ProductVectors, hits, mask_contexts, ranks
from trainyard.progress import progress
from trainyard.ranking import top_columns
from trainyard.scores import Scores

# Baselines are for orientation, so they get a part of large data: gensim's time is products times epochs.
REFERENCE_PRODUCTS = 1_000_000
GENSIM_PRODUCTS = 12_000_000
REFERENCE_QUERIES = 5_000
COVERAGE_QUERIES = 2_000

Score = Callable[[Ragged], np.ndarray]


def score(model_dir: Path, holdout: Path, config: Config) -> Scores:
    """Next-product metrics of a model on the holdout; `examples` is 1.0 per query that hits, else 0.0.

    * `hit_rate_at_10`: share of orders whose last product is among the ten best given the others.
    * `mrr`: mean of 1 / (1 + rank of the last product), 0 where the model cannot know the answer.
    * `coverage_at_10`: share of the products that are recommended to at least one of up to `COVERAGE_QUERIES` orders.

    Products already in the basket are no candidates. An answer, or a whole basket, unknown to the model is a miss.
    """
    vectors = ProductVectors.load(model_dir)
    queries = Queries.load(holdout)
    metrics, found = _metrics(vectors.next_scores, queries, vectors.vocabulary)
    metrics["coverage_at_10"] = _coverage(vectors, queries.sample(COVERAGE_QUERIES))
    return Scores(metrics=metrics, examples=hits(found))


def references(train: Path, holdout: Path, config: Config) -> dict[str, dict[str, float]]:
    """Popularity, co-occurrence cosine and gensim's Word2Vec, on the training baskets and (some of) the holdout."""
    baskets = _some(load_baskets(train), config.seed)
    queries = Queries.load(holdout).sample(REFERENCE_QUERIES)
    vocabulary = Vocabulary.load(train.parent / "features")
    scorers: dict[str, Callable[[], Score]] = {
        "popularity": lambda: popularity(vocabulary),
        "item co-occurrence": lambda: co_occurrence(baskets, len(vocabulary)),
    }
    found = {}
    for step, (name, make) in enumerate(scorers.items(), start=1):
        found[name] = _metrics(make(), queries, vocabulary)[0]
        progress(step / (len(scorers) + 1), f"baseline {name}")
    vectors = gensim_vectors(baskets, vocabulary, config)
    for scoring in SCORINGS:
        scored = replace(vectors, scoring=scoring)
        found[f"gensim Word2Vec, {scoring}"] = _metrics(scored.next_scores, queries, vocabulary)[0]
    return found


def popularity(vocabulary: Vocabulary) -> Score:
    """Scores every product by how often it is bought, whatever the basket."""
    frequencies = vocabulary.frequencies.astype(np.float32)
    return lambda baskets: np.repeat(frequencies[None], len(baskets), axis=0)


def co_occurrence(baskets: Ragged, products: int) -> Score:
    """Scores a product by the sum, over the basket, of the cosines of the products' columns in the basket table."""
    from scipy import sparse

    def table(rows: Ragged) -> sparse.csr_matrix:
        ones = np.ones(len(rows.values), dtype=np.float32)
        return sparse.csr_matrix((ones, rows.values, rows.offsets), shape=(len(rows), products))

    bought = table(baskets)
    together = (bought.T @ bought).tocsr()
    # Sorted out by hand: `setdiag` on a large sparse matrix rebuilds it.
    together = together - sparse.diags(together.diagonal())
    frequency = np.maximum(np.asarray(bought.sum(axis=0)).ravel(), 1.0)
    scale = sparse.diags((1.0 / np.sqrt(frequency)).astype(np.float32))
    cosine = (scale @ together @ scale).tocsr()
    return lambda rows: np.asarray((table(rows) @ cosine).todense())


def gensim_vectors(baskets: Ragged, vocabulary: Vocabulary, config: Config, *, workers: int = 2) -> ProductVectors:
    """Vectors of gensim's Word2Vec with the run's settings, fewer epochs on large data (see `GENSIM_PRODUCTS`)."""
    from gensim.models import Word2Vec

    parameters = config.hyperparameters
    epochs = max(1, min(parameters.epochs, GENSIM_PRODUCTS // max(len(baskets.values), 1)))
    names = np.arange(len(vocabulary)).astype(str).astype(object)
    offsets = baskets.offsets.tolist()
    words = names[baskets.values]
    sentences = [words[a:b].tolist() for a, b in pairwise(offsets)]
    model = Word2Vec(
        sentences,
        vector_size=parameters.embedding_size,
        window=config.data.window,
        negative=parameters.negatives,
        epochs=epochs,
        sample=config.data.subsample,
        sg=1,
        min_count=1,
        workers=workers,
        seed=config.seed,
    )
    target, context = (np.zeros((len(vocabulary), parameters.embedding_size), dtype=np.float32) for _ in range(2))
    known = np.asarray([int(name) for name in model.wv.index_to_key])
    target[known], context[known] = model.wv.vectors, model.syn1neg
    return ProductVectors(vocabulary=vocabulary, target=target, context=context, scoring="cosine")


def _some(baskets: Ragged, seed: int) -> Ragged:
    """Random baskets with at most `REFERENCE_PRODUCTS` products in all, in random order."""
    order = np.random.default_rng(seed).permutation(len(baskets))
    within = np.cumsum(baskets.lengths[order]) <= REFERENCE_PRODUCTS
    within[0] = True
    return baskets.take(order[within])


def _metrics(scorer: Score, queries: Queries, vocabulary: Vocabulary) -> tuple[dict[str, float], np.ndarray]:
    found = ranks(scorer, queries, vocabulary)
    return {"hit_rate_at_10": float(hits(found).mean()), "mrr": float((1.0 / (1.0 + found)).mean())}, found


def _coverage(vectors: ProductVectors, queries: Queries) -> float:
    contexts = vectors.vocabulary.encode_rows(queries.contexts)
    contexts = contexts.take(np.flatnonzero(contexts.lengths))
    recommended: set[int] = set()
    for start in range(0, len(contexts), 200):
        some = contexts[start : start + 200]
        scores = vectors.next_scores(some)
        mask_contexts(scores, some)
        recommended.update(np.unique(top_columns(scores, TOP)).tolist())
    return len(recommended) / len(vectors.vocabulary)
