"""Uploads the files of a data set, showing how far each is; for `run` and `score`, on a laptop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn
from rich.text import Text

from trainyard.cli.command import terminal
from trainyard.client.dataset import uploads
from trainyard.client.dataset.uploads import Upload
from trainyard.client.deployment import Deployment
from trainyard.run import recipe
from trainyard.run.folders import OVERRIDES_FILE, RAW_PREFIX


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
        print_replaced(dataset, removed)


def print_replaced(dataset: str, names: Sequence[str]) -> None:
    """Say which files of an earlier upload were taken out of a data set."""
    said = f"Data set {dataset} exists: replacing {', '.join(names)} of an earlier upload"
    forgotten = "; settings of its run.json no longer hold" if OVERRIDES_FILE in names else ""
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
