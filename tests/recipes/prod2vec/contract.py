"""A quick run of prod2vec for the contract test."""

from __future__ import annotations

from pathlib import Path

from recipes.prod2vec import serve
from recipes.prod2vec.features import Queries, Vocabulary
from recipes.prod2vec.inference import ProductVectors
from recipes.prod2vec.metrics import EncodedQueries, exclude_basket
from trainyard.contract.ranking import top_columns
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
    assert all(each["similar"] == [] for each in rows if not each["known"])
    answers = serve.load(model_dir).predict([{"product_id": each["product_id"], "count": 10} for each in known])
    similar = [[{**one, "product_id": written(one["product_id"])} for one in each["similar"]] for each in known]
    return [{"products": each} for each in similar], answers


def evaluated(model_dir: Path, holdout: Path):
    """Held-out baskets, and the ten best products as evaluation ranks them."""
    vectors, queries = ProductVectors.load(model_dir), Queries.load(holdout).sample(200)
    encoded = EncodedQueries.encode(queries, vectors.vocabulary)
    scores = vectors.next_product_scores(encoded.contexts)
    exclude_basket(scores, encoded.contexts)
    rows, answers = [], []
    for row, best in enumerate(top_columns(scores, 10)):
        context = queries.product_ids[queries.contexts[row : row + 1].values]
        if encoded.contexts.lengths[row] != len(context):
            continue
        rows.append({"basket": context.tolist()})
        answers.append({"products": [_product(vectors, int(each), float(scores[row, each])) for each in best]})
    return rows, answers


def _product(vectors: ProductVectors, index: int, score: float) -> dict[str, object]:
    vocabulary = vectors.vocabulary
    return {
        "product_id": written(vocabulary.product_ids[index]),
        "product_name": vocabulary.names[index],
        "score": score,
    }
