"""A quick run of prod2vec for the contract test."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from recipes.prod2vec import serve
from recipes.prod2vec.basket_scorer import BasketScorer
from recipes.prod2vec.features import Queries, RaggedArray, Vocabulary
from recipes.prod2vec.inference import ProductVectors
from recipes.prod2vec.metrics import EncodedQueries, exclude_basket
from trainyard.contract.values import written

SIZE = 5000
CHANGES = {"hyperparameters": {"embedding_size": 8, "epochs": 2}}


def requests(model_dir: Path) -> list[dict[str, object]]:
    """One request of each form, with products that the model knows."""
    known = [written(each) for each in Vocabulary.load(model_dir).product_ids[:3]]
    return [{"product_id": known[0], "count": 10}, {"basket": known[1:], "count": 3}]


def served_as(rows, model_dir, _tables):
    """The scored products that the model knows, and what the service answers to each."""
    known = [each for each in rows if each["known"]]
    assert all(each["similar"] == each["goes_with"] == [] for each in rows if not each["known"])
    predictor = serve.load(model_dir)
    answers = predictor.predict([{"product_id": each["product_id"], "count": 10} for each in known])
    answers += predictor.predict([{"basket": [each["product_id"]], "count": 10} for each in known])
    listed = [each[name] for name in ("similar", "goes_with") for each in known]
    return [
        {"products": [{**one, "product_id": written(one["product_id"])} for one in each]} for each in listed
    ], answers


def evaluated(model_dir: Path, holdout: Path):
    """Held-out baskets, and the ten best products as evaluation ranks them."""
    vectors, queries = ProductVectors.load(model_dir), Queries.load(holdout).sample(200)
    scorer = BasketScorer.load(model_dir)
    encoded = EncodedQueries.encode(queries, vectors.vocabulary)
    scores = dense_scores(scorer, encoded.contexts)
    exclude_basket(scores, encoded.contexts)
    rows, answers = [], []
    for row, best in enumerate(np.argsort(-scores, axis=1, kind="stable")[:, :10]):
        context = queries.product_ids[queries.contexts[row : row + 1].values]
        if encoded.contexts.lengths[row] != len(context):
            continue
        rows.append({"basket": context.tolist()})
        answers.append({"products": [_product(vectors, int(each), float(scores[row, each])) for each in best]})
    return rows, answers


def dense_scores(scorer: BasketScorer, baskets: RaggedArray) -> np.ndarray:
    """The scores of all products for each basket, added up one by one."""
    scores = np.repeat(scorer.background[None], len(baskets), axis=0)
    lines = scorer.line_weights(baskets)
    for place, (row, index) in enumerate(zip(baskets.row_of_value, baskets.values, strict=True)):
        each = slice(*scorer.offsets[index : index + 2])
        scores[row, scorer.products[each]] += lines[place] * scorer.weights[each]
    return scores


def _product(vectors: ProductVectors, index: int, score: float) -> dict[str, object]:
    vocabulary = vectors.vocabulary
    return {
        "product_id": written(vocabulary.product_ids[index]),
        "product_name": vocabulary.names[index],
        "score": score,
    }
