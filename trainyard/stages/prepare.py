"""Stage prepare: turns ingested tables into those the recipe trains on, by its Ibis expressions; runs in Glue."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from trainyard.contract.config import RecipeConfig
from trainyard.contract.quality import QUALITY_FILE, Quality
from trainyard.contract.training.progress import progress
from trainyard.errors import JobFailed
from trainyard.glue.arguments import Arguments
from trainyard.glue.engine import Engine
from trainyard.glue.start_engine import start
from trainyard.run import recipe
from trainyard.run.documents import PrepareSummary
from trainyard.run.settings.read import noting
from trainyard.run.stage import Stage
from trainyard.run.store import RunStore

# The engine loads Ibis, without what the job has no use for.
if TYPE_CHECKING:
    import ibis


def prepare(store: RunStore, arguments: Arguments) -> Mapping[str, int]:
    """Write `<run>/prepare/<table>/*.parquet` and, last of all, `<run>/prepare/summary.json`; return rows by table.

    Raises NotFound when ingest has not finished, JobFailed when it refused the data or when a table came out empty.
    """
    quality = Quality.from_json(store.read_text(Stage.INGEST, QUALITY_FILE))
    if not quality.ok:
        raise JobFailed(
            f"Expected accepted data in {store.run.uri(Stage.INGEST)}; ingest refused it. Upload other data."
        )
    store.clear(Stage.PREPARE)
    with (
        tempfile.TemporaryDirectory(prefix="prepare-") as folder,
        start(store, arguments, scratch=Path(folder)) as running,
    ):
        config, noted = noting(recipe.config(store.run.recipe, store.run.config))
        rows = _write_all(store, running, config=config, scratch=Path(folder))
    said = PrepareSummary(
        engine=running.name, rows=rows, warnings=quality.warnings, notes=quality.notes, figures=quality.figures
    )
    store.write_document(Stage.PREPARE, noted.document)
    store.write_document(Stage.PREPARE, said)
    return rows


def _write_all(store: RunStore, running: Engine, *, config: RecipeConfig, scratch: Path) -> dict[str, int]:
    ingested = (
        store.tables(Stage.INGEST) if running.distributed else store.download_tables(Stage.INGEST, scratch / "in")
    )
    tables = {name: running.read(files) for name, files in ingested.items()}
    prepared = recipe.module(store.run.recipe, "prepare").prepare(tables, config)
    rows: dict[str, int] = {}
    for done, (name, table) in enumerate(prepared.items()):
        progress(done / len(prepared), f"writing {name}")
        rows[name] = _write(store, running, name=name, table=table, local=scratch / "out" / name)
        if not rows[name]:
            raise JobFailed(
                f"Expected rows in the prepared table {name}; there are none. Check the settings under data."
            )
    return rows


def _write(store: RunStore, running: Engine, *, name: str, table: ibis.Table, local: Path) -> int:
    """Write one table to S3 and return how many rows it has; a cluster writes by itself."""
    folder = store.run.uri(Stage.PREPARE, name) if running.distributed else str(local)
    rows = running.write(table, folder)
    if not running.distributed:
        store.upload_table(Stage.PREPARE, name, folder=local)
    return rows
