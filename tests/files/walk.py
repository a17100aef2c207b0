"""Takes a folder of files through reading, check and prepare as the workflow does, without a cloud."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from trainyard.client.dataset.check import data_files
from trainyard.contract.config import RecipeConfig
from trainyard.contract.quality import Quality
from trainyard.glue import engine
from trainyard.reading.read import read
from trainyard.run import recipe
from trainyard.run.folders import OVERRIDES_FILE

# Files as people have them, with the right answers, beside the repository.
CASES = Path(__file__).resolve().parents[3] / "shared" / "cases"


@dataclass(frozen=True, kw_only=True)
class Walked:
    """What became of files: the judgement, the tables as read, and as prepared where nothing was wrong."""

    config: RecipeConfig
    quality: Quality
    read: dict[str, pa.Table]
    prepared: dict[str, pa.Table]


def index() -> list[dict[str, Any]]:
    """The entries of all cases; none where they do not lie beside the repository."""
    file = CASES / "cases.json"
    return json.loads(file.read_text()) if file.exists() else []


def write_cases(folder: Path) -> None:
    """Write the files of every case to `folder/<id>/`."""
    subprocess.run([sys.executable, "make_cases.py", str(folder)], cwd=CASES, check=True, capture_output=True)


def walk(recipe_name: str, directory: Path, scratch: Path, *, task: str = "train") -> Walked:
    """Read, check and prepare the files of a folder; a run.json in it holds."""
    settings = directory / OVERRIDES_FILE
    config = recipe.config(recipe_name, json.loads(settings.read_text()) if settings.exists() else {})
    sources = recipe.sources(recipe_name, config)
    files = data_files(directory, sources, config=config)
    scratch.mkdir(parents=True)
    found = read(files, sources, settings=config.files, max_bad_share=config.data.max_bad_share, scratch=scratch)
    quality, module = found.quality, recipe.module(recipe_name, "prepare")
    running = engine.start("duckdb", scratch)
    try:
        tables = {name: running.read([str(each) for each in parts]) for name, parts in found.tables.items() if parts}
        if quality.ok and task == "train":
            quality += module.check(tables, config)
        prepared = module.prepare(tables, config) if quality.ok and task == "train" else {}
        return Walked(
            config=config,
            quality=quality,
            read={name: table.to_pyarrow() for name, table in tables.items()},
            prepared={name: table.to_pyarrow() for name, table in prepared.items()},
        )
    finally:
        running.close()
