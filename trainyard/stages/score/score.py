"""Stage score: every row of the ingested data through a registered model, into Parquet; needs no TensorFlow."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from trainyard.contract import chunks
from trainyard.contract.chunks import Written
from trainyard.contract.config import RecipeConfig
from trainyard.contract.report import Cell, number
from trainyard.contract.training.progress import progress
from trainyard.errors import JobFailed
from trainyard.run import recipe
from trainyard.run.documents import ScoreSummary
from trainyard.run.files import HEAD_FILE, PAGE_FILE
from trainyard.run.model_archive import ModelCard
from trainyard.run.naming import model_of
from trainyard.run.run import Run
from trainyard.run.watch.profile import AnswerProfile
from trainyard.stages.answers import AnswerProfiler, naming_rows
from trainyard.stages.score.page import page

SHOWN_ROWS = 5


def score(run: Run, tables: Path, *, model_dir: Path, scores: Path, summary: Path) -> ScoreSummary:
    """Write `part-*.parquet` to `scores`; `summary.json` (for the catalogue), a profile, rows and a page to `summary`.

    `tables` has one folder per ingested table. Raises JobFailed when there is nothing to score.
    """
    started = time.monotonic()
    config = recipe.config(run.recipe, run.config)
    model = ModelCard.read(model_dir)
    written, answers = _write(run, config, model_dir=model_dir, tables=tables, scores=scores)
    answers.write(summary)
    seen = recipe.seen(run.recipe, model_dir)
    columns = recipe.score_columns(run.recipe)
    found = ScoreSummary(
        rows=written.rows,
        files=written.files,
        bytes=written.bytes,
        seconds=round(time.monotonic() - started, 1),
        model_run=model.run_id,
        columns=tuple({"Name": each.name, "Type": each.type, "Comment": each.comment} for each in columns),
    )
    found.write(summary)
    (summary / HEAD_FILE).write_text(json.dumps(_head(scores), default=str, ensure_ascii=False), encoding="utf-8")
    shown = page(
        scores,
        columns,
        title=f"{config.title}: scores",
        summary=f"{written.rows:,} rows of data set {run.dataset}, by the model of run {model.run_id}.",
        facts=_facts(run, config, model=model, found=found),
        seen=seen,
    )
    (summary / PAGE_FILE).write_text(shown, encoding="utf-8")
    return found


def _write(
    run: Run, config: RecipeConfig, *, model_dir: Path, tables: Path, scores: Path
) -> tuple[Written, AnswerProfile]:
    """What was written, and the profile of it: made as the rows pass, for nobody reads them again."""
    module, columns = recipe.module(run.recipe, "score"), recipe.score_columns(run.recipe)
    expected: int = module.count(tables, config)
    profiler = AnswerProfiler(rows=expected, shares=recipe.shares(run.recipe), left_out=naming_rows(columns))
    scored = _counted(module.score(model_dir, tables, config=config), expected, profiler=profiler)
    written = chunks.write(scored, scores, schema=chunks.schema(columns))
    if written.rows != expected:
        raise JobFailed(f"Expected {expected:,} scored rows, one for each that there is; found {written.rows:,}.")
    if not written.rows:
        raise JobFailed("Expected rows to score, found none; upload files that hold some.")
    return written, AnswerProfile(answers=profiler.profile())


def _counted(tables: Iterator[pa.Table], expected: int, *, profiler: AnswerProfiler) -> Iterator[pa.Table]:
    """The tables as they come, looked at, and telling how far it is."""
    done = 0
    for table in tables:
        profiler.add(table)
        yield table
        done += table.num_rows
        progress(done / max(expected, 1), f"{done:,} of {expected:,} rows scored")


def _facts(run: Run, config: RecipeConfig, *, model: ModelCard, found: ScoreSummary) -> dict[str, Cell]:
    name = model_of(run.recipe, config)
    partition = f"model={name}/run={run.run_id}"
    facts: dict[str, Cell] = {
        "recipe": run.recipe,
        "data set": run.dataset,
        "run": run.run_id,
        "model": name,
        "model of run": model.run_id,
        "model's data set": model.dataset,
        "model's code version": model.code_version,
        "rows": f"{found.rows:,}",
        "table": f"{run.recipe} in the database of scores",
        "partition": partition,
        "files": f"s3://{run.artifacts_bucket}/scores/{run.recipe}/{partition}/",
        "Parquet files": found.files,
        "bytes": f"{found.bytes:,}",
    }
    reached = {f"model's {metric}": number(value) for metric, value in sorted(model.metrics.items())}
    return facts | reached | {"seconds": found.seconds}


def _head(folder: Path) -> list[dict[str, Any]]:
    with pq.ParquetFile(chunks.parts(folder)[0]) as file:
        rows: list[dict[str, Any]] = next(file.iter_batches(batch_size=SHOWN_ROWS)).to_pylist()
    return rows
