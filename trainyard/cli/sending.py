"""Names a data set and uploads its files, showing how far each is; for `run` and `score`, on a laptop."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from trainyard import resolve
from trainyard.aws import uploads
from trainyard.aws.deployment import Deployment
from trainyard.aws.uploads import Upload
from trainyard.cli import console
from trainyard.errors import BadRequest


def dataset_name(given: str | None) -> str:
    """The name a data set gets: the one given, or the time. Raises BadRequest for a name that Resolve would refuse."""
    name = given or f"{datetime.now().astimezone():%Y%m%d-%H%M%S}"
    if not resolve.DATASET_NAME.fullmatch(name):
        raise BadRequest(
            f"Expected a data set name of 1 to 100 letters, digits, spaces or _ . : = + - @; found {name!r}."
        )
    return name


def send(
    deployment: Deployment, recipe: str, dataset: str, files: Sequence[Path], *, folder: str = resolve.RAW_PREFIX
) -> list[Upload]:
    """Upload files to a folder of the raw bucket, showing on a terminal how far each is."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=console.err(), disable=not console.interactive()) as progress:
        tasks = {path: progress.add_task(path.name, total=path.stat().st_size) for path in files}
        return uploads.put_files(
            deployment,
            recipe,
            dataset,
            files,
            folder=folder,
            on_bytes=lambda path, count: progress.advance(tasks[path], count),
        )
