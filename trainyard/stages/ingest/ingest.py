"""Stage ingest: downloads the uploaded files, reads them as the recipe's tables and keeps these as Parquet; in Glue."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from trainyard.contract.config import RecipeConfig, TableData
from trainyard.contract.quality import QUALITY_FILE, Quality
from trainyard.contract.sources import Source
from trainyard.contract.training.progress import progress
from trainyard.glue.arguments import Arguments
from trainyard.glue.secrets import SecretReader
from trainyard.glue.start_engine import start
from trainyard.reading.model import LocalFile, Reading
from trainyard.reading.read import read
from trainyard.run import recipe
from trainyard.run.settings.read import noting
from trainyard.run.stage import Stage
from trainyard.run.store import RunStore
from trainyard.stages.ingest import database_extract
from trainyard.stages.ingest.profile import profile

READ_SHARE = 0.8


def ingest(store: RunStore, arguments: Arguments, *, read_secret: SecretReader) -> Quality:
    """Write `<run>/ingest/<table>/*.parquet`, their `profile.json` and, last of all, `<run>/ingest/quality.json`.

    Bad data is an outcome: it is returned and written with its reasons, and no table is kept. Lines that were set aside
    are in `<run>/ingest/rejected/<table>.csv`, also of data that were refused. Only faults (a missing object, a refused
    permission, a full disk) raise. Running it again replaces what it wrote.
    """
    config, noted = noting(recipe.config(store.run.recipe, store.run.config))
    store.clear(Stage.INGEST)
    with tempfile.TemporaryDirectory(prefix="ingest-") as folder:
        quality, tables = _load_all(store, config, scratch=Path(folder), read_secret=read_secret)
        # Labels are set beside predictions, not beside the data of other runs.
        if quality.ok and store.run.task != "verify":
            sources = recipe.sources(store.run.recipe, config)
            store.write_document(
                Stage.INGEST, profile({each.name: each for each in tables}, sources, scratch=Path(folder))
            )
        # Whether data are good enough to learn from is of no interest where they are only scored.
        if quality.ok and store.run.task == "train":
            quality += _check(store, arguments, config=config, tables=tables)
    if quality.ok:
        store.write_document(Stage.INGEST, noted.document)
    store.write_text(Stage.INGEST, QUALITY_FILE, text=quality.to_json())
    return quality


def _load_all(
    store: RunStore, config: RecipeConfig, *, scratch: Path, read_secret: SecretReader
) -> tuple[Quality, tuple[Path, ...]]:
    """Every table as Parquet in a folder of its name and in S3; files are refused for all their problems at once."""
    sources = recipe.tables_read(store.run.recipe, config, task=store.run.task)
    if database_extract.reads_database(store, sources):
        quality = database_extract.extract(store, config, scratch=scratch, read_secret=read_secret)
        tables = tuple(each for each in scratch.iterdir() if each.is_dir())
    else:
        reading = _read(store, sources, config=config, scratch=scratch)
        quality, tables = reading.quality, tuple(scratch / name for name in reading.tables)
        _keep_rejected(store, reading)
    if quality.ok:
        for folder in sorted(tables):
            store.upload_table(Stage.INGEST, folder.name, folder=folder)
    return quality, tables


def _read(store: RunStore, sources: Sequence[Source], *, config: RecipeConfig, scratch: Path) -> Reading:
    return read(
        _downloaded(store, scratch),
        sources,
        settings=config.files,
        max_bad_share=getattr(config.data, "max_bad_share", TableData.max_bad_share),
        scratch=scratch,
        consume=True,
        confined=True,
    )


def _downloaded(store: RunStore, scratch: Path) -> Iterator[LocalFile]:
    """The uploaded files one by one: each is read before the next one takes its place on the disk."""
    folder = scratch / "uploads"
    folder.mkdir()
    files = store.run.files
    for index, file in enumerate(files):
        progress(READ_SHARE * index / len(files), f"reading {file.name}")
        path = folder / f"upload-{index:05d}"
        store.download_input(file, path)
        yield LocalFile(name=file.name, path=path, source=file.source, uploaded_at=file.uploaded_at)


def _keep_rejected(store: RunStore, reading: Reading) -> None:
    for path in sorted(reading.rejected.iterdir()) if reading.rejected else ():
        store.upload_file(Stage.INGEST, f"{path.parent.name}/{path.name}", path=path)


def _check(store: RunStore, arguments: Arguments, *, config: RecipeConfig, tables: Sequence[Path]) -> Quality:
    """The recipe's own judgement of the tables."""
    progress(READ_SHARE, "checking the tables")
    local = {folder.name: [str(each) for each in sorted(folder.glob("*.parquet"))] for folder in tables}
    with start(store, arguments, scratch=tables[0].parent) as running:
        files = (
            store.tables(Stage.INGEST)
            if running.distributed
            else {name: parts for name, parts in local.items() if parts}
        )
        read_tables = {name: running.read(parts) for name, parts in files.items()}
        judged: Quality = recipe.module(store.run.recipe, "prepare").check(read_tables, config)
    return judged
