"""Stage ingest: downloads the uploaded files, checks them strictly and writes typed Parquet; runs in Glue."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import duckdb

from trainyard.contract.config import RecipeConfig
from trainyard.contract.progress import progress
from trainyard.contract.quality import QUALITY_FILE, Quality
from trainyard.contract.sources import Source
from trainyard.errors import BadData
from trainyard.glue import engine
from trainyard.glue.arguments import Arguments
from trainyard.glue.secrets import SecretReader
from trainyard.glue.start_engine import start
from trainyard.run import recipe
from trainyard.run.run import InputFile
from trainyard.run.stage import Stage
from trainyard.run.store import RunStore
from trainyard.stages.ingest import database_extract
from trainyard.stages.ingest.csv_load import load
from trainyard.stages.ingest.csv_scan import PlainFile, plain
from trainyard.stages.ingest.duplicates import duplicates


def ingest(store: RunStore, arguments: Arguments, *, read_secret: SecretReader) -> Quality:
    """Write `<run>/ingest/<table>/*.parquet` and, last of all, `<run>/ingest/quality.json`.

    Bad data is an outcome: it is returned and written with its reasons, and no table is kept. Only faults (a missing
    object, a refused permission, a full disk) raise. Running it again replaces what it wrote.
    """
    config = recipe.config(store.run.recipe, store.run.config)
    store.clear(Stage.INGEST)
    with tempfile.TemporaryDirectory(prefix="ingest-") as folder:
        quality = _load_all(store, config, scratch=Path(folder), read_secret=read_secret)
        # Whether data are good enough to learn from is of no interest where they are only scored.
        if quality.ok and store.run.task == "train":
            quality += _check(store, arguments, config=config, scratch=Path(folder))
    store.write_text(Stage.INGEST, QUALITY_FILE, text=quality.to_json())
    return quality


def _load_all(store: RunStore, config: RecipeConfig, *, scratch: Path, read_secret: SecretReader) -> Quality:
    """Every table as Parquet in `scratch/<table>` and in S3; a file is refused for all its problems at once."""
    sources = recipe.sources(store.run.recipe, config)
    if database_extract.reads_database(store, sources):
        quality = database_extract.extract(store, config, scratch=scratch, read_secret=read_secret)
    else:
        quality = _load_files_of(store, sources, scratch=scratch)
    if quality.ok:
        for folder in sorted(each for each in scratch.iterdir() if each.is_dir()):
            store.upload_table(Stage.INGEST, folder.name, folder=folder)
    return quality


def _load_files_of(store: RunStore, sources: Sequence[Source], *, scratch: Path) -> Quality:
    quality = Quality()
    connection = engine.connect(scratch)
    for done, source in enumerate(sources):
        progress(0.8 * done / len(sources), f"reading {source.name}")
        quality += _load(connection, store, source=source, scratch=scratch)
    connection.close()
    return quality


def _load(connection: duckdb.DuckDBPyConnection, store: RunStore, *, source: Source, scratch: Path) -> Quality:
    files = [each for each in store.run.files if each.source == source.name]
    if not files:
        wanted = " or ".join(source.files)
        missing = f"{source.name}: expected the file {wanted}, found none; upload it beside the others."
        return Quality(problems=(missing,) if source.required else ())
    folder = scratch / source.name
    folder.mkdir()
    try:
        rows, problems = _load_files(connection, store, source=source, files=files, folder=folder)
    except BadData as error:
        return Quality(problems=error.problems)
    size = float(sum(each.size for each in files))
    return Quality(problems=problems, figures={f"{source.name}_rows": float(rows), f"{source.name}_bytes": size})


def _load_files(
    connection: duckdb.DuckDBPyConnection, store: RunStore, *, source: Source, files: Sequence[InputFile], folder: Path
) -> tuple[int, tuple[str, ...]]:
    """Rows of a table and what is wrong with it as a whole; raises BadData for what is wrong with a file."""
    parts: list[Path] = []
    accepted: list[PlainFile] = []
    rows = 0
    for index, file in enumerate(files):
        raw = folder / f"upload-{index:05d}"
        store.download_input(file, raw)
        accepted.append(plain(raw, file.filename, scratch=folder))
        parts.append(folder / f"part-{index:05d}.parquet")
        rows += load(connection, source, file=accepted[-1], target=parts[-1])
        for used in {raw, accepted[-1].path}:
            used.unlink()
    return rows, tuple(duplicates(connection, source, parts=parts, files=accepted))


def _check(store: RunStore, arguments: Arguments, *, config: RecipeConfig, scratch: Path) -> Quality:
    """The recipe's own judgement of the tables."""
    progress(0.8, "checking the tables")
    local = {folder.name: [str(each) for each in sorted(folder.glob("*.parquet"))] for folder in scratch.iterdir()}
    with start(store, arguments, scratch=scratch) as running:
        files = (
            store.tables(Stage.INGEST)
            if running.distributed
            else {name: parts for name, parts in local.items() if parts}
        )
        tables = {name: running.read(parts) for name, parts in files.items()}
        judged: Quality = recipe.module(store.run.recipe, "prepare").check(tables, config)
    return judged
