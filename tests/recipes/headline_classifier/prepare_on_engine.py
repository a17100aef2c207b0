"""Prepares headlines on one engine: `python -m tests.recipes.headline_classifier.prepare_on_engine ENGINE FOLDER`.

In a process of its own, for Spark's bridge to Java leaves sockets behind that would disturb other tests.
"""

from __future__ import annotations

import sys
from pathlib import Path

from recipes.headline_classifier.config import CONFIG
from recipes.headline_classifier.prepare import check, prepare
from trainyard.glue import engine


def prepare_on(name: str, folder: Path) -> None:
    """Read `<folder>/headlines.parquet`; write the judgement and the headlines to `<folder>/<engine>/`."""
    (folder / name).mkdir()
    running = engine.start(name, folder / name)
    tables = {"headlines": running.read([str(folder / "headlines.parquet")])}
    (folder / name / "quality.json").write_text(check(tables, CONFIG).to_json())
    running.write(prepare(tables, CONFIG)["headlines"], str(folder / name / "headlines"))
    running.close()


if __name__ == "__main__":
    prepare_on(sys.argv[1], Path(sys.argv[2]))
