"""Prepares ratings on one engine, in a process of its own: Spark's warnings and threads stay out of the tests."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from recipes.two_tower.config import CONFIG
from recipes.two_tower.prepare import check, prepare
from trainyard.glue import engine
from trainyard.run.settings.overrides import override


def main(name: str, folder: Path) -> None:
    """Read `<folder>/<table>.parquet`, write `<folder>/<name>/<table>` and the figures of the check."""
    output = folder / name
    output.mkdir()
    running = engine.start(name, output / "scratch")
    tables = {each.stem: running.read([str(each)]) for each in sorted(folder.glob("*.parquet"))}
    config = override(CONFIG, {"data": {"min_users": 2, "relevant_rating": 2}})
    (output / "figures.json").write_text(json.dumps(dict(check(tables, config).figures)))
    for table, rows in prepare(tables, CONFIG).items():
        running.write(rows, str(output / table))
    running.close()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
