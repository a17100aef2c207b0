"""How the contract test runs neural_topic_model: small, quick, and with requests that it can answer."""

from __future__ import annotations

from pathlib import Path

SIZE = 700
CHANGES = {
    "data": {"vector_size": 20, "demonstration": 2},
    "hyperparameters": {"topics": 8, "epochs": 6, "steps_per_epoch": 5, "hidden_units": 32},
}


def requests(_model_dir: Path) -> list[dict[str, object]]:
    return [
        {"text": "A dark roast with a bitter aroma, the grinder makes espresso of every bean."},
        {"text": "The puppy loves its leash and its kennel.", "title": "Happy dog", "count": 1},
        {"text": "?!"},
    ]
