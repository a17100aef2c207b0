"""Lets a recipe take its tables out of a database, where that is what it reads; runs in Glue's ingest job."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import boto3

from trainyard import recipe
from trainyard.config import RecipeConfig, Source
from trainyard.errors import BadData, JobFailed
from trainyard.quality import Quality
from trainyard.run import InputFile
from trainyard.tables.arguments import Arguments
from trainyard.tables.store import RunStore

if TYPE_CHECKING:
    import sqlalchemy as sa

# The module of a recipe that learns from a sample of its database, and scores all of it.
EVERY_ROW = "every_row"


def wanted(store: RunStore, sources: Sequence[Source]) -> bool:
    """Whether this run reads a database: its recipe can, and there is no file or a SQLite file."""
    can = recipe.has(store.run.recipe, "ingest")
    return can and (not store.run.files or _sqlite_file(store, sources) is not None)


def extract(
    store: RunStore, arguments: Arguments, config: RecipeConfig, sources: Sequence[Source], scratch: Path
) -> Quality:
    """The recipe's tables as Parquet in `scratch/<table>`, from the uploaded SQLite file or the secret's database."""
    module = recipe.module(store.run.recipe, "ingest")
    try:
        with connection(store, arguments, sources, scratch) as opened:
            quality = Quality()
            if store.run.task == "train":
                quality += module.extract(opened, scratch, config)
            if config.score.enabled and recipe.has(store.run.recipe, EVERY_ROW):
                quality += recipe.module(store.run.recipe, EVERY_ROW).extract(opened, scratch, config)
    except BadData as refusal:
        return Quality(problems=refusal.problems)
    return quality


@contextmanager
def connection(
    store: RunStore, arguments: Arguments, sources: Sequence[Source], scratch: Path
) -> Iterator[sa.Connection]:
    """The database of a run. Raises JobFailed when the job knows no secret, BadData for a damaged file."""
    # Here, for recipes that read files only need no database layer.
    from trainyard import database

    file = _sqlite_file(store, sources)
    if file is not None:
        path = scratch / "upload.sqlite"
        store.download_input(file, path)
        with database.open_sqlite(path, file.filename, scratch) as opened:
            yield opened
        return
    if not arguments.database_secret:
        raise JobFailed(
            "Expected the argument --DATABASE_SECRET with the name of a secret, found none; deploy the workflow again, "
            "which gives its jobs the database secret of the environment."
        )
    client = boto3.client("secretsmanager", region_name=store.run.region)
    answer = client.get_secret_value(SecretId=arguments.database_secret)
    with database.connect(database.url_of_secret(answer["SecretString"])) as opened:
        yield opened


def _sqlite_file(store: RunStore, sources: Sequence[Source]) -> InputFile | None:
    names = {each.name for each in sources if each.format == "sqlite"}
    return next((each for each in store.run.files if each.source in names), None)
