"""Prepares documents on one engine: `python -m tests.recipes.neural_topic_model.prepare_on_engine ENGINE FOLDER`.

In a process of its own, for Spark's bridge to Java leaves sockets behind that would disturb other tests.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from recipes.neural_topic_model.config import CONFIG
from recipes.neural_topic_model.prepare import check, prepare
from trainyard.glue import engine
from trainyard.run.settings.overrides import override


def prepare_on(name: str, folder: Path) -> None:
    """Read `<folder>/reviews.parquet`; write figures and documents to `<folder>/<engine>/`."""
    (folder / name).mkdir()
    running = engine.start(name, folder / name)
    config = override(CONFIG, {"data": {"min_documents": 50, "language": "en"}})
    tables = {"reviews": running.read([str(folder / "reviews.parquet")])}
    (folder / name / "figures.json").write_text(json.dumps(dict(check(tables, config).figures)))
    running.write(prepare(tables, config)["documents"], str(folder / name / "documents"))
    running.close()


if __name__ == "__main__":
    prepare_on(sys.argv[1], Path(sys.argv[2]))
