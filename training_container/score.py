"""Score job: every row of the ingested data through a registered model, into Parquet files; needs no TensorFlow."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from trainyard import bulk, container, recipe
from trainyard.bulk import Written
from trainyard.config import RecipeConfig
from trainyard.errors import JobFailed
from trainyard.model_archive import ModelCard, unpack
from trainyard.progress import progress
from trainyard.run import Run

SHOWN_ROWS = 5


def main() -> None:
    """Write `part-*.parquet`, and beside them `summary.json` (for the catalogue) and `head.json` (a few rows)."""
    started = time.monotonic()
    run = Run.read(container.processing_input("resolve"))
    config = recipe.config(run.recipe, run.config)
    output = container.processing_output("scores")
    with tempfile.TemporaryDirectory() as scratch:
        model_dir = unpack(container.processing_input("model"), Path(scratch))
        model = ModelCard.read(model_dir)
        written = _score(run, config, model_dir, output)
    summary = {
        "rows": written.rows,
        "files": written.files,
        "bytes": written.bytes,
        "seconds": round(time.monotonic() - started, 1),
        "model_run": model.run_id,
        "columns": [
            {"Name": each.name, "Type": each.type, "Comment": each.comment} for each in recipe.score_columns(run.recipe)
        ],
    }
    folder = container.processing_output("summary")
    (folder / "summary.json").write_text(json.dumps(summary, indent=2), encoding="utf-8")
    (folder / "head.json").write_text(json.dumps(_head(output), default=str, ensure_ascii=False), encoding="utf-8")


def _score(run: Run, config: RecipeConfig, model_dir: Path, output: Path) -> Written:
    score = recipe.module(run.recipe, "score")
    tables = container.processing_input("ingest")
    expected: int = score.count(tables, config)
    scored = _counted(score.score(model_dir, tables, config), expected)
    written = bulk.write(scored, output, bulk.schema(recipe.score_columns(run.recipe)))
    if written.rows != expected:
        raise JobFailed(f"Expected {expected:,} scored rows, one for each that there is; found {written.rows:,}.")
    if not written.rows:
        raise JobFailed("Expected rows to score, found none; upload files that hold some.")
    return written


def _counted(tables: Iterator[pa.Table], expected: int) -> Iterator[pa.Table]:
    """The tables as they come, telling how far it is."""
    done = 0
    for table in tables:
        yield table
        done += table.num_rows
        progress(done / max(expected, 1), f"{done:,} of {expected:,} rows scored")


def _head(folder: Path) -> list[dict[str, Any]]:
    with pq.ParquetFile(bulk.parts(folder)[0]) as file:
        rows: list[dict[str, Any]] = next(file.iter_batches(batch_size=SHOWN_ROWS)).to_pylist()
    return rows
