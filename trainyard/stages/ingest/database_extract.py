"""Lets a recipe take its tables out of a database, where that is what it reads; runs in Glue's ingest job."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from trainyard.contract.config import RecipeConfig
from trainyard.contract.quality import Quality
from trainyard.contract.sources import Source
from trainyard.errors import BadData
from trainyard.glue.secrets import SecretReader
from trainyard.reading.model import LocalFile
from trainyard.run import recipe
from trainyard.run.run import InputFile
from trainyard.run.store import RunStore

if TYPE_CHECKING:
    import sqlalchemy as sa

# The function of a recipe that learns from a sample of its database, and scores all of it.
EVERY_ROW = "extract_every_row"


def reads_database(store: RunStore, sources: Sequence[Source]) -> bool:
    """Whether this run reads a database: its recipe can, and there is no file or a SQLite file."""
    can = recipe.has(store.run.recipe, "ingest")
    return can and (not store.run.files or _sqlite_file(store, sources) is not None)


def extract(store: RunStore, config: RecipeConfig, *, scratch: Path, read_secret: SecretReader) -> Quality:
    """The recipe's tables as Parquet in `scratch/<table>`, from the uploaded SQLite file or the secret's database."""
    module = recipe.module(store.run.recipe, "ingest")
    try:
        with connection(store, config, scratch=scratch, read_secret=read_secret) as opened:
            quality = Quality()
            if store.run.task == "train":
                quality += module.extract(opened, scratch, config=config)
            if config.score.enabled and hasattr(module, EVERY_ROW):
                quality += getattr(module, EVERY_ROW)(opened, scratch, config=config)
    except BadData as refusal:
        return Quality(problems=refusal.problems)
    return quality


def sqlite_tables(sources: Sequence[Source]) -> frozenset[str]:
    """The tables of a recipe that a SQLite file provides."""
    return frozenset(each.name for each in sources if each.format == "sqlite")


def extract_file(recipe_name: str, file: LocalFile, *, config: RecipeConfig, scratch: Path) -> Quality:
    """What a recipe would learn from in a SQLite file on this machine, as Parquet in `scratch/<table>`.

    Where bulk scoring is on, what would be scored too.
    """
    from trainyard.stages.ingest import database

    module = recipe.module(recipe_name, "ingest")
    try:
        with database.open_sqlite(file.path, file.name, scratch=scratch) as opened:
            quality: Quality = module.extract(opened, scratch, config=config)
            if config.score.enabled and hasattr(module, EVERY_ROW):
                quality += getattr(module, EVERY_ROW)(opened, scratch, config=config)
    except BadData as refusal:
        return Quality(problems=refusal.problems)
    return quality


@contextmanager
def connection(
    store: RunStore, config: RecipeConfig, *, scratch: Path, read_secret: SecretReader
) -> Iterator[sa.Connection]:
    """The database of a run. Raises JobFailed when the job knows no secret, BadData for a damaged file."""
    # Here, for recipes that read files only need no database layer.
    from trainyard.stages.ingest import database

    file = _sqlite_file(store, recipe.sources(store.run.recipe, config))
    if file is not None:
        path = scratch / "upload.sqlite"
        store.download_input(file, path)
        with database.open_sqlite(path, file.name, scratch=scratch) as opened:
            yield opened
        return
    with database.connect(database.url_of_secret(read_secret())) as opened:
        yield opened


def _sqlite_file(store: RunStore, sources: Sequence[Source]) -> InputFile | None:
    names = sqlite_tables(sources)
    return next((each for each in store.run.files if each.source in names), None)
