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
from trainyard.pages import score_page
from trainyard.pages.page import PAGE_FILE, Cell, number
from trainyard.plan import model_name
from trainyard.progress import progress
from trainyard.run import Run

SHOWN_ROWS = 5


def main() -> None:
    """Write `part-*.parquet`, and apart from them `summary.json` (for the catalogue), `head.json` and a page."""
    started = time.monotonic()
    run = Run.read(container.processing_input("resolve"))
    config = recipe.config(run.recipe, run.config)
    output = container.processing_output("scores")
    with tempfile.TemporaryDirectory() as scratch:
        model_dir = unpack(container.processing_input("model"), Path(scratch))
        model = ModelCard.read(model_dir)
        written = _score(run, config, model_dir, output)
        seen = recipe.seen(run.recipe, model_dir)
    columns = recipe.score_columns(run.recipe)
    seconds = round(time.monotonic() - started, 1)
    summary = {
        "rows": written.rows,
        "files": written.files,
        "bytes": written.bytes,
        "seconds": seconds,
        "model_run": model.run_id,
        "columns": [{"Name": each.name, "Type": each.type, "Comment": each.comment} for each in columns],
    }
    folder = container.processing_output("summary")
    (folder / "summary.json").write_text(json.dumps(summary, indent=2), encoding="utf-8")
    (folder / "head.json").write_text(json.dumps(_head(output), default=str, ensure_ascii=False), encoding="utf-8")
    page = score_page.page(
        output,
        columns,
        title=f"{config.title}: scores",
        summary=f"{written.rows:,} rows of data set {run.dataset}, by the model of run {model.run_id}.",
        facts=_facts(run, config, model, written) | {"seconds": seconds},
        seen=seen,
    )
    (folder / PAGE_FILE).write_text(page, encoding="utf-8")


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


def _facts(run: Run, config: RecipeConfig, model: ModelCard, written: Written) -> dict[str, Cell]:
    name = model_name(run.recipe, config)
    partition = f"model={name}/run={run.run_id}"
    facts: dict[str, Cell] = {
        "recipe": run.recipe,
        "data set": run.dataset,
        "run": run.run_id,
        "model": name,
        "model of run": model.run_id,
        "model's data set": model.dataset,
        "model's code version": model.code_version,
        "rows": f"{written.rows:,}",
        "table": f"{run.recipe} in the database of scores",
        "partition": partition,
        "files": f"s3://{run.artifacts_bucket}/scores/{run.recipe}/{partition}/",
        "Parquet files": written.files,
        "bytes": f"{written.bytes:,}",
    }
    reached = {f"model's {metric}": number(value) for metric, value in sorted(model.metrics.items())}
    return facts | reached


def _head(folder: Path) -> list[dict[str, Any]]:
    with pq.ParquetFile(bulk.parts(folder)[0]) as file:
        rows: list[dict[str, Any]] = next(file.iter_batches(batch_size=SHOWN_ROWS)).to_pylist()
    return rows
