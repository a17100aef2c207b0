"""A quick run of headline_classifier for the contract test."""

from __future__ import annotations

from pathlib import Path

SIZE = 1500
CHANGES = {"hyperparameters": {"vector_size": 8, "vector_epochs": 1, "epochs": 3}}


def requests(model_dir: Path) -> list[dict[str, object]]:
    """Raw headlines: an ordinary one, one with words that no model knows, and one in another script."""
    return [{"title": "Bank Profit Beats Rates"}, {"title": "Zzyzx qwrtp"}, {"title": "日本の株価"}]
