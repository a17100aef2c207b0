"""What is done on each engine to compare them: `python -m tests.ingest.both ENGINE FOLDER`.

Spark gets a process of its own: its bridge to Java leaves sockets and warnings behind that would disturb other tests.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from recipes.prod2vec.config import CONFIG
from recipes.prod2vec.prepare import check, prepare
from trainyard.contract.holdout import fraction_of, role_of, trains
from trainyard.glue import engine
from trainyard.run.overrides import override

SHARES = {"holdout": 0.1, "validation": 0.05, "salt": "test"}
SETTINGS = {"data": {"top_products": 50, "max_basket": 6, "max_unknown_share": 0.5}}


def work(name: str, folder: Path) -> None:
    """Read `<folder>/in/<table>.parquet`; write prepared tables, splits and figures to `<folder>/<engine>/`."""
    scratch = folder / f"scratch-{name}"
    scratch.mkdir()
    running = engine.start(name, scratch)
    tables = {path.stem: running.read([str(path)]) for path in sorted((folder / "in").glob("*.parquet"))}
    config = override(CONFIG, SETTINGS)
    out = folder / name
    out.mkdir()
    quality = check(tables, config)
    (out / "quality.json").write_text(json.dumps([quality.problems, dict(sorted(quality.figures.items()))]))
    results = prepare(tables, config)
    numbers, words = tables["numbers"].key, tables["words"].key
    results["words"] = tables["words"].mutate(fraction=fraction_of(words, "test"))
    results["numbers"] = tables["numbers"].mutate(
        fraction=fraction_of(numbers, "test"), role=role_of(numbers, **SHARES), trains=trains(numbers, **SHARES)
    )
    for table, expression in results.items():
        running.write(expression, str(out / table))
    running.close()


if __name__ == "__main__":
    work(sys.argv[1], Path(sys.argv[2]))
