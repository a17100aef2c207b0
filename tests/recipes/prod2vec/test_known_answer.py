"""On generated orders, the planted substitutes and complements are found among the nearest products."""

from __future__ import annotations

import numpy as np
import pytest

from recipes.prod2vec import evaluate, serve
from recipes.prod2vec.config import CONFIG
from recipes.prod2vec.features import Queries
from recipes.prod2vec.inference import ProductVectors
from recipes.prod2vec.process import process
from trainyard.contract.ranking import top_columns
from trainyard.run.settings.overrides import override

pytest.importorskip("tensorflow")


def found_among(vectors, scores, pairs, count):
    """Share of the pairs whose second product is among the `count` best of the first."""
    encoded = vectors.vocabulary.encode(np.array(pairs).ravel().astype(str).astype(object)).reshape(-1, 2)
    encoded = encoded[(encoded >= 0).all(axis=1)]
    best = top_columns(scores(encoded[:, 0]), count)
    return float((best == encoded[:, 1:]).any(axis=1).mean())


def test_planted_pairs_are_neighbours_far_above_chance(sampled, tmp_path):
    from recipes.prod2vec.train import train

    prepared, planted = sampled
    config = override(CONFIG, {"hyperparameters": {"embedding_size": 48, "epochs": 12}})
    process(prepared, tmp_path / "process", config=config)
    for name in ("model", "checkpoints"):
        (tmp_path / name).mkdir()
    channels = {name: tmp_path / "process" / name for name in ("train", "validation", "features")}
    metrics = train(channels, tmp_path / "model", checkpoints=tmp_path / "checkpoints", config=config)
    vectors = ProductVectors.load(tmp_path / "model")
    products = len(vectors.vocabulary)
    assert products > 1000

    def cosines(indices):
        scores = vectors.unit_vectors[indices] @ vectors.unit_vectors.T
        scores[np.arange(len(indices)), indices] = -np.inf
        return scores

    def in_out(indices):
        scores = vectors.target[indices] @ vectors.context.T
        scores[np.arange(len(indices)), indices] = -np.inf
        return scores

    assert found_among(vectors, in_out, planted["complements"], 10) > 0.9 > 100 * 10 / products
    assert found_among(vectors, cosines, planted["complements"], 10) > 0.9
    # A substitute keeps the same company as its twin, but so do the other 46 products of their theme.
    assert found_among(vectors, cosines, planted["substitutes"], 50) > 0.8 > 25 * 50 / products
    assert found_among(vectors, cosines, planted["substitutes"], 20) > 10 * 20 / products
    evaluation = evaluate.evaluate(tmp_path / "model", tmp_path / "process" / "holdout", config=config)
    assert evaluation.metrics["hit_rate_at_10"] > 0.45
    # What is watched of answers is the first product that the service answers.
    asked = Queries.load(tmp_path / "process" / "holdout").sample(evaluate.MAX_COVERAGE_QUERIES)
    rows = [{"basket": asked.product_ids[asked.contexts[row : row + 1].values].tolist()} for row in range(100)]
    served = [str(each["products"][0]["product_id"]) for each in serve.load(tmp_path / "model").predict(rows)]
    assert evaluation.answers["goes_with"][:100].tolist() == served
    assert evaluation.metrics["hit_rate_at_10"] == pytest.approx(metrics["validation_hit_rate_at_10"], abs=0.06)
