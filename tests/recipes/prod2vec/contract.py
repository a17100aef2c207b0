"""A quick run of prod2vec for the contract test."""

from __future__ import annotations

from pathlib import Path

from recipes.prod2vec.features import Vocabulary

SIZE = 5000
CHANGES = {"hyperparameters": {"embedding_size": 8, "epochs": 2}}


def requests(model_dir: Path) -> list[dict[str, object]]:
    """One request of each form, with products that the model knows."""
    known = Vocabulary.load(model_dir).product_ids[:3].tolist()
    return [{"product_id": known[0], "count": 10}, {"basket": known[1:], "count": 3}]
