"""Names of files that stages leave for people, beside the documents that are classes."""

from __future__ import annotations

# The page about a run, or about a bulk scoring.
PAGE_FILE = "index.html"
# Scores of the model per held-out example, by which runs are compared later.
PER_EXAMPLE_FILE = "per_example.parquet"
# The first scored rows, to be shown.
HEAD_FILE = "head.json"
MODEL_CARD_FILE = "model_card.json"
