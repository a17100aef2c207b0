"""Names a data set and uploads its files, showing how far each is; for `run` and `score`, on a laptop."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn
from rich.text import Text

from trainyard.cli.command import terminal
from trainyard.client import uploads
from trainyard.client.deployment import Deployment
from trainyard.client.uploads import Upload
from trainyard.errors import BadRequest
from trainyard.run import recipe
from trainyard.run.folders import OVERRIDES_FILE, RAW_PREFIX
from trainyard.stages.resolve.request import DATASET_NAME, DATASET_RULE


def dataset_name(given: str | None) -> str:
    """The name a data set gets: the one given, or the time. Raises BadRequest for a name that Resolve would refuse."""
    name = f"{datetime.now().astimezone():%Y%m%d-%H%M%S}" if given is None else given
    if not DATASET_NAME.fullmatch(name):
        raise BadRequest(f"Expected a data set name of {DATASET_RULE}; found {_short(name)}. Choose another name.")
    return name


def _short(name: str) -> str:
    """A name as a message shows it, what cannot be printed as escapes."""
    shown = ascii(name) if not name.isprintable() else repr(name)
    return shown if len(shown) <= 60 else f"{shown[:60]}… with {len(name)} characters"


def replace_earlier(
    deployment: Deployment,
    recipe_name: str,
    *,
    dataset: str,
    files: Mapping[str, Path],
    settings: Mapping[str, Any],
    folder: str = RAW_PREFIX,
) -> None:
    """Take what was uploaded earlier to the tables of `files`, and run.json, out of a data set, and say so."""
    config = recipe.config(recipe_name, settings)
    removed = uploads.remove_earlier(
        deployment,
        recipe_name,
        dataset=dataset,
        files=files,
        sources=recipe.sources(recipe_name, config),
        settings=config.files,
        folder=folder,
    )
    if removed:
        said = f"Data set {dataset} exists: replacing {', '.join(removed)} of an earlier upload"
        forgotten = "; settings of its run.json no longer hold" if OVERRIDES_FILE in removed else ""
        kept = "The bucket keeps the old versions."
        terminal.err().print(Text(f"{said}{forgotten}. {kept}", style="yellow"), soft_wrap=True)


def upload(
    deployment: Deployment, recipe_name: str, *, dataset: str, files: Mapping[str, Path], folder: str = RAW_PREFIX
) -> list[Upload]:
    """Upload files to a folder of the raw bucket, showing on a terminal how far each is."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=terminal.err(), disable=not terminal.interactive()) as progress:
        tasks = {path: progress.add_task(name, total=path.stat().st_size) for name, path in files.items()}
        return uploads.put_files(
            deployment,
            recipe_name,
            dataset=dataset,
            files=files,
            folder=folder,
            on_bytes=lambda path, count: progress.advance(tasks[path], count),
        )
