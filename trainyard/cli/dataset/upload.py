"""Names a data set and uploads its files, showing how far each is; for `run` and `score`, on a laptop."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from trainyard.cli.command import terminal
from trainyard.client import uploads
from trainyard.client.deployment import Deployment
from trainyard.client.uploads import Upload
from trainyard.errors import BadRequest
from trainyard.run.folders import RAW_PREFIX
from trainyard.stages.resolve.request import DATASET_NAME


def dataset_name(given: str | None) -> str:
    """The name a data set gets: the one given, or the time. Raises BadRequest for a name that Resolve would refuse."""
    name = given or f"{datetime.now().astimezone():%Y%m%d-%H%M%S}"
    # Dots alone are steps in a path, which some tools resolve.
    if not DATASET_NAME.fullmatch(name) or not name.strip("."):
        raise BadRequest(
            f"Expected a data set name of 1 to 100 letters, digits, spaces or _ . : = + - @; found {name!r}."
        )
    return name


def upload(
    deployment: Deployment, recipe: str, *, dataset: str, files: Sequence[Path], folder: str = RAW_PREFIX
) -> list[Upload]:
    """Upload files to a folder of the raw bucket, showing on a terminal how far each is."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=terminal.err(), disable=not terminal.interactive()) as progress:
        tasks = {path: progress.add_task(path.name, total=path.stat().st_size) for path in files}
        return uploads.put_files(
            deployment,
            recipe,
            dataset=dataset,
            files=files,
            folder=folder,
            on_bytes=lambda path, count: progress.advance(tasks[path], count),
        )
