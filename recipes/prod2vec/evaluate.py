"""Evaluates product vectors on held-out orders, beside simple baselines; runs in the training image, no TensorFlow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from recipes.prod2vec.config import Config
from recipes.prod2vec.features import Queries, RaggedArray, Vocabulary
from recipes.prod2vec.inference import SIMILARITIES, ProductVectors
from recipes.prod2vec.metrics import Scorer, coverage, hit_rate, hits, mean_reciprocal_rank, target_ranks
from recipes.prod2vec.process import load_baskets
from trainyard.contract.evaluation import Evaluation, Reference
from trainyard.contract.progress import progress

# Baselines are for orientation, so they get a part of large data: gensim's time is order lines times epochs.
MAX_REFERENCE_LINES = 1_000_000
MAX_GENSIM_LINES = 12_000_000
MAX_REFERENCE_QUERIES = 5_000
MAX_COVERAGE_QUERIES = 2_000


def evaluate(model_dir: Path, holdout: Path, *, config: Config) -> Evaluation:
    """Next-product metrics of a model on the holdout; `examples` is 1.0 per query that hits, else 0.0.

    * `hit_rate_at_10`: share of orders whose last product is among the ten best given the others.
    * `mrr`: mean of 1 / (1 + rank of the last product), 0 where the model cannot know the answer.
    * `coverage_at_10`: share of the products that are recommended to any of up to `MAX_COVERAGE_QUERIES` orders.

    Products already in the basket are no candidates. An answer, or a whole basket, unknown to the model is a miss.
    """
    vectors = ProductVectors.load(model_dir)
    queries = Queries.load(holdout)
    scorer, vocabulary = vectors.next_product_scores, vectors.vocabulary
    ranks = target_ranks(scorer, queries, vocabulary=vocabulary)
    covered = coverage(scorer, queries.sample(MAX_COVERAGE_QUERIES), vocabulary=vocabulary)
    return Evaluation(metrics={**_rank_metrics(ranks), "coverage_at_10": covered}, examples=hits(ranks))


def references(channels: Mapping[str, Path], holdout: Path, *, config: Config) -> dict[str, Reference]:
    """Popularity, co-occurrence cosine and gensim's Word2Vec, on the training baskets and (some of) the holdout."""
    baskets = _sampled(load_baskets(channels["train"]), config.seed)
    every = Queries.load(holdout)
    rows = every.spread(MAX_REFERENCE_QUERIES)
    queries = every.take(rows)
    vocabulary = Vocabulary.load(channels["features"])
    baselines: dict[str, Callable[[], Scorer]] = {
        "popularity": lambda: popularity(vocabulary),
        "item co-occurrence": lambda: co_occurrence(baskets, len(vocabulary)),
    }
    found = {}
    for step, (name, fit) in enumerate(baselines.items(), start=1):
        found[name] = _reference(target_ranks(fit(), queries, vocabulary=vocabulary), rows)
        progress(step / (len(baselines) + 1), f"baseline {name}")
    vectors = gensim_vectors(baskets, vocabulary, config=config)
    for similarity in SIMILARITIES:
        scorer = replace(vectors, similarity=similarity).next_product_scores
        ranks = target_ranks(scorer, queries, vocabulary=vocabulary)
        found[f"gensim Word2Vec, {similarity}"] = _reference(ranks, rows)
    return found


def popularity(vocabulary: Vocabulary) -> Scorer:
    """Scores every product by how often it is bought, whatever the basket."""
    frequencies = vocabulary.frequencies.astype(np.float32)
    return lambda baskets: np.repeat(frequencies[None], len(baskets), axis=0)


def co_occurrence(baskets: RaggedArray, products: int) -> Scorer:
    """Scores a product by the sum, over the basket, of the cosines of the products' columns in the basket table."""
    from scipy import sparse

    def indicators(rows: RaggedArray) -> sparse.csr_matrix:
        ones = np.ones(len(rows.values), dtype=np.float32)
        return sparse.csr_matrix((ones, rows.values, rows.offsets), shape=(len(rows), products))

    bought = indicators(baskets)
    together = (bought.T @ bought).tocsr()
    # Sorted out by hand: `setdiag` on a large sparse matrix rebuilds it.
    together = together - sparse.diags(together.diagonal())
    frequency = np.maximum(np.asarray(bought.sum(axis=0)).ravel(), 1.0)
    scale = sparse.diags((1.0 / np.sqrt(frequency)).astype(np.float32))
    cosine = (scale @ together @ scale).tocsr()
    return lambda rows: np.asarray((indicators(rows) @ cosine).todense())


def gensim_vectors(baskets: RaggedArray, vocabulary: Vocabulary, *, config: Config, workers: int = 2) -> ProductVectors:
    """Vectors of gensim's Word2Vec with the run's settings, fewer epochs on large data (see `MAX_GENSIM_LINES`)."""
    from gensim.models import Word2Vec

    parameters = config.hyperparameters
    epochs = max(1, min(parameters.epochs, MAX_GENSIM_LINES // max(len(baskets.values), 1)))
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
        sample=config.data.subsampling_threshold,
        sg=1,
        min_count=1,
        workers=workers,
        seed=config.seed,
    )
    target, context = (np.zeros((len(vocabulary), parameters.embedding_size), dtype=np.float32) for _ in range(2))
    known = np.asarray([int(name) for name in model.wv.index_to_key])
    target[known], context[known] = model.wv.vectors, model.syn1neg
    return ProductVectors(vocabulary=vocabulary, target=target, context=context, similarity="cosine")


def _sampled(baskets: RaggedArray, seed: int) -> RaggedArray:
    """Random baskets with at most `MAX_REFERENCE_LINES` products in all, in random order."""
    order = np.random.default_rng(seed).permutation(len(baskets))
    within = np.cumsum(baskets.lengths[order]) <= MAX_REFERENCE_LINES
    within[0] = True
    return baskets.take(order[within])


def _reference(ranks: np.ndarray, rows: np.ndarray) -> Reference:
    return Reference(metrics=_rank_metrics(ranks), examples=hits(ranks), rows=rows)


def _rank_metrics(ranks: np.ndarray) -> dict[str, float]:
    return {"hit_rate_at_10": hit_rate(ranks), "mrr": mean_reciprocal_rank(ranks)}
