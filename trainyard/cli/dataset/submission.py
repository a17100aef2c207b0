"""Checks what `run` and `demo` are to train on, and shows how its upload goes; runs on a laptop."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from rich.text import Text

from trainyard.cli.command import terminal
from trainyard.cli.dataset import samples
from trainyard.cli.dataset.settings import gather
from trainyard.cli.dataset.upload import print_replaced, upload
from trainyard.client import project
from trainyard.client.dataset import submission as uploading
from trainyard.client.dataset.data_folder import NAMED_FILES, files_of
from trainyard.client.dataset.submission import Progress, Submission, dataset_name
from trainyard.client.dataset.uploads import Upload
from trainyard.client.deployment import Deployment
from trainyard.client.execution.watch import Started
from trainyard.run import recipe


def prepare(
    recipe_name: str,
    data: Path | None,
    *,
    dataset: str | None,
    assignments: Sequence[str],
    tune: bool,
    model: str = "",
    size: int,
    seed: int,
) -> Submission:
    """Check settings, names and files on this machine, making a sample where no data was named.

    Raises BadRequest, ConfigError or NotFound for what the deployed workflow would refuse.
    """
    settings = gather(recipe_name, data, assignments=assignments, tune=tune, model=model)
    name = dataset_name(dataset)
    folder = data or _sample(recipe_name, size=size, seed=seed)
    found = files_of(recipe_name, recipe.config(recipe_name, settings), directory=folder)
    if found.others:
        named = ", ".join(found.others[:NAMED_FILES])
        more = len(found.others) - NAMED_FILES
        terminal.err().print(
            Text(
                f"Not uploaded, for they are no data: {named}{f' and {more} more' if more > 0 else ''}.", style="yellow"
            )
        )
    if found.missing:
        terminal.err().print(Text(f"The set is incomplete without {', '.join(found.missing)}.", style="yellow"))
    return Submission(recipe=recipe_name, dataset=name, files=found.data, settings=settings)


def of_stored(recipe_name: str, *, dataset: str, assignments: Sequence[str], tune: bool, model: str = "") -> Submission:
    """Check the settings and the name for a data set that is in the bucket; raises BadRequest and ConfigError."""
    settings = gather(recipe_name, None, assignments=assignments, tune=tune, model=model)
    return Submission(recipe=recipe_name, dataset=dataset_name(dataset), files={}, settings=settings)


def _sample(recipe_name: str, *, size: int, seed: int) -> Path:
    folder, made = samples.cached(recipe_name, project.state_dir() / "samples", size=size, seed=seed)
    terminal.out().print(Text(f"{'Made' if made else 'Using'} the sample {folder}."), soft_wrap=True)
    return folder


class OnTerminal(Progress):
    """Shows on the terminal how a submission goes."""

    def replaced(self, dataset: str, names: Sequence[str]) -> None:
        print_replaced(dataset, names)

    def upload(self, deployment: Deployment, submission: Submission) -> list[Upload]:
        return upload(deployment, submission.recipe, dataset=submission.dataset, files=submission.files)

    def uploaded(self, count: int, where: str) -> None:
        terminal.out().print(Text(f"Uploaded {count} file{'' if count == 1 else 's'} to {where}"), soft_wrap=True)

    def started_with(self, names: Sequence[str]) -> None:
        said = f"Started with settings that an upload may not change here: {', '.join(names)}."
        terminal.out().print(Text(said), soft_wrap=True)

    def waiting(self) -> AbstractContextManager[Any]:
        status = terminal.err().status("Waiting for the upload to start an execution …")
        return status if terminal.interactive() else nullcontext()


def submit(deployment: Deployment, submission: Submission) -> Started:
    """Upload a submission and wait for the execution that it starts, showing how it goes."""
    return uploading.submit(deployment, submission, progress=OnTerminal())


def print_started(started: Started) -> None:
    """Name the execution, so that it can be found again."""
    run_id = started.plan.run_id if started.plan else None
    terminal.out().print(
        Text(f"Execution {started.execution.name}" + (f", run {run_id}" if run_id else "")), soft_wrap=True
    )
