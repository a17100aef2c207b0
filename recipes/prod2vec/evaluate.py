"""Evaluates product vectors on held-out orders, beside simple baselines; runs in the training image, no TensorFlow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from recipes.prod2vec.basket_scorer import BasketScorer
from recipes.prod2vec.config import GOES_WITH, Config
from recipes.prod2vec.features import OUT_OF_VOCABULARY, Queries, RaggedArray, Vocabulary
from recipes.prod2vec.inference import SIMILARITIES, ProductVectors
from recipes.prod2vec.metrics import (
    TOP_K,
    EncodedQueries,
    Scorer,
    best_products,
    coverage,
    encoded_ranks,
    hit_rate,
    hits,
    mean_reciprocal_rank,
    target_ranks,
)
from recipes.prod2vec.training_files import load_baskets
from trainyard.contract.evaluation import Evaluation, Reference
from trainyard.contract.lean.imports import lean
from trainyard.contract.lean.threads import threads_for
from trainyard.contract.training.progress import progress

# Baselines are for orientation, so they get a part of large data: gensim's time is order lines times epochs.
MAX_REFERENCE_LINES = 1_000_000
MAX_GENSIM_LINES = 12_000_000
MAX_REFERENCE_QUERIES = 5_000
MAX_COVERAGE_QUERIES = 2_000
MAX_EASE_PRODUCTS, EASE_PENALTY = 4_000, 50.0
# Of fewer, threads would wait for each other longer than they work.
PRODUCTS_PER_THREAD = 2_000


def evaluate(model_dir: Path, holdout: Path, *, config: Config) -> Evaluation:
    """Next-product metrics of a model on the holdout; `examples` is 1.0 per query that hits, else 0.0.

    * `hit_rate_at_10`: share of orders whose last product is among the ten best given the others.
    * `mrr`: mean of 1 / (1 + rank of the last product), 0 where the model cannot know the answer.
    * `coverage_at_10`: share of the products that are recommended to any of up to `MAX_COVERAGE_QUERIES` orders.

    Baskets are answered by the scorer that training chose; in models of earlier versions these are the vectors.
    Products already in the basket are no candidates. An answer that is unknown to the model is a miss, and a basket of
    which it knows nothing is answered with what is popular.
    """
    vectors, scorer = ProductVectors.load(model_dir), BasketScorer.load(model_dir)
    every, vocabulary = Queries.load(holdout), vectors.vocabulary
    queries, some = EncodedQueries.encode(every, vocabulary), every.sample(MAX_COVERAGE_QUERIES)
    asked = EncodedQueries.encode(some, vocabulary).contexts
    known = np.flatnonzero(asked.lengths)
    ranks, recommended = (
        _by_scorer(scorer, queries, some=asked.take(known))
        if scorer
        else _by_vectors(vectors, queries, some=asked.take(known))
    )
    metrics = {**_rank_metrics(ranks), "coverage_at_10": coverage(recommended, len(vocabulary))}
    # A basket of which nothing is known gets what is popular; indices are ranks by frequency.
    best = np.full(len(some), vocabulary.product_ids[0], dtype=object)
    best[known] = [vocabulary.product_ids[each[0]] if len(each) else None for each in recommended]
    answers = {**_unknown(some, vocabulary), GOES_WITH: best}
    return Evaluation(metrics=metrics, examples=hits(ranks), answers=answers)


def _unknown(queries: Queries, vocabulary: Vocabulary) -> dict[str, np.ndarray]:
    """Lines of each order, and those of them with a product that the model does not know, as `SHARES` name them."""
    unknown = vocabulary.encode(queries.product_ids) == OUT_OF_VOCABULARY
    contexts = queries.contexts
    in_cart = np.bincount(contexts.row_of_value, unknown[contexts.values], minlength=len(queries))
    return {"lines": contexts.lengths + 1, "unknown_products": in_cart + unknown[queries.targets]}


def _by_scorer(
    scorer: BasketScorer, queries: EncodedQueries, *, some: RaggedArray
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Ranks of the answers, and the products that are recommended to some baskets, best first."""
    from recipes.prod2vec.basket_ranks import ranks

    recommended = [scorer.best(some[row : row + 1].values, TOP_K)[0] for row in range(len(some))]
    return ranks(scorer, queries), recommended


def _by_vectors(
    vectors: ProductVectors, queries: EncodedQueries, *, some: RaggedArray
) -> tuple[np.ndarray, list[np.ndarray]]:
    """As `_by_scorer`, by the similarity that the vectors have."""
    products, score = len(vectors.vocabulary), vectors.next_product_scores
    return encoded_ranks(score, queries, products=products), best_products(score, some)


def references(channels: Mapping[str, Path], holdout: Path, *, config: Config) -> dict[str, Reference]:
    """Popularity, co-occurrence cosine, EASE and gensim's Word2Vec, on (some of) the holdout.

    All of them learn from (some of) the training and validation baskets, as the model's scorer does in the end. EASE
    takes time that grows with the cube of the products, so that it is there with up to `MAX_EASE_PRODUCTS`.
    """
    every = Queries.load(holdout)
    rows = every.spread(MAX_REFERENCE_QUERIES)
    queries = every.take(rows)
    vocabulary = Vocabulary.load(channels["features"])
    validation = EncodedQueries.encode(Queries.load(channels["validation"]), vocabulary).baskets
    whole = load_baskets(channels["train"]).followed_by(validation)
    baskets = whole.drawn(MAX_REFERENCE_LINES, config.seed)
    baselines: dict[str, Callable[[], Scorer]] = {
        "popularity": lambda: popularity(whole, len(vocabulary)),
        "item co-occurrence": lambda: co_occurrence(baskets, len(vocabulary)),
    }
    if len(vocabulary) <= MAX_EASE_PRODUCTS:
        baselines["EASE"] = lambda: ease(baskets, len(vocabulary))
    found = {}
    # `lean_word2vec` hides packages from all threads, so gensim is imported before there is another one.
    lean_word2vec()
    with ThreadPoolExecutor(1) as pool, threads_for(len(vocabulary), per_thread=PRODUCTS_PER_THREAD):
        learning = pool.submit(gensim_vectors, baskets, vocabulary, config=config)
        for step, (name, fit) in enumerate(baselines.items(), start=1):
            found[name] = _reference(target_ranks(fit(), queries, vocabulary=vocabulary), rows)
            progress(step / (len(baselines) + 1), f"baseline {name}")
        vectors = learning.result()
    for similarity in SIMILARITIES:
        scorer = replace(vectors, similarity=similarity).next_product_scores
        ranks = target_ranks(scorer, queries, vocabulary=vocabulary)
        found[f"gensim Word2Vec, {similarity}"] = _reference(ranks, rows)
    return found


@cache
def lean_word2vec() -> Any:
    """gensim's Word2Vec, imported without what it loads in case somebody asks for it."""
    with lean():
        from gensim.models import Word2Vec
    return Word2Vec


def popularity(baskets: RaggedArray, products: int) -> Scorer:
    """Scores every product by how often it is bought, whatever the basket."""
    frequencies = np.bincount(baskets.values, minlength=products).astype(np.float32)
    return lambda asked: np.repeat(frequencies[None], len(asked), axis=0)


def ease(baskets: RaggedArray, products: int) -> Scorer:
    """Scores a product by the sum of the weights that EASE (Steck 2019) gives it for the products of the basket."""
    from recipes.prod2vec.item_weights import CoPurchases, ease, indicators

    weights = ease(CoPurchases.count(baskets, products), EASE_PENALTY)
    return lambda asked: np.asarray(indicators(asked, products) @ weights)


def co_occurrence(baskets: RaggedArray, products: int) -> Scorer:
    """Scores a product by the sum, over the basket, of the cosines of the products' columns in the basket table."""
    from scipy import sparse

    from recipes.prod2vec.item_weights import indicators

    bought = indicators(baskets, products)
    together = (bought.T @ bought).tocsr()
    # Sorted out by hand: `setdiag` on a large sparse matrix rebuilds it.
    together = together - sparse.diags(together.diagonal())
    frequency = np.maximum(np.asarray(bought.sum(axis=0)).ravel(), 1.0)
    scale = sparse.diags((1.0 / np.sqrt(frequency)).astype(np.float32))
    cosine = (scale @ together @ scale).tocsr()
    return lambda rows: np.asarray((indicators(rows, products) @ cosine).todense())


def gensim_vectors(baskets: RaggedArray, vocabulary: Vocabulary, *, config: Config, workers: int = 2) -> ProductVectors:
    """Vectors of gensim's Word2Vec with the run's settings, fewer epochs on large data (see `MAX_GENSIM_LINES`)."""
    parameters = config.hyperparameters
    epochs = max(1, min(parameters.epochs, MAX_GENSIM_LINES // max(len(baskets.values), 1)))
    names = np.arange(len(vocabulary)).astype(str).astype(object)
    offsets = baskets.offsets.tolist()
    words = names[baskets.values]
    sentences = [words[a:b].tolist() for a, b in pairwise(offsets)]
    model = lean_word2vec()(
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


def _reference(ranks: np.ndarray, rows: np.ndarray) -> Reference:
    return Reference(metrics=_rank_metrics(ranks), examples=hits(ranks), rows=rows)


def _rank_metrics(ranks: np.ndarray) -> dict[str, float]:
    return {"hit_rate_at_10": hit_rate(ranks), "mrr": mean_reciprocal_rank(ranks)}
