"""Checks what `run` and `demo` are to train on, uploads it, and waits for the execution it starts; on a laptop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.text import Text

from trainyard.cli.command import terminal
from trainyard.cli.dataset import samples
from trainyard.cli.dataset.settings import gather
from trainyard.cli.dataset.upload import dataset_name, replace_earlier, upload
from trainyard.client import executions, policy, project, uploads
from trainyard.client.deployment import Deployment
from trainyard.client.uploads import Upload
from trainyard.client.watch import Started, Watch, decided
from trainyard.run import recipe
from trainyard.stages.resolve.request import Request


@dataclass(frozen=True, kw_only=True)
class Submission:
    """A data set to train on and the settings to train with, checked before anything is uploaded."""

    recipe: str
    dataset: str
    files: Mapping[str, Path]
    settings: dict[str, Any] = field(default_factory=dict)


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
    found = samples.files_of(recipe_name, recipe.config(recipe_name, settings), directory=folder)
    if found.others:
        named = ", ".join(found.others[: samples.NAMED_FILES])
        more = len(found.others) - samples.NAMED_FILES
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


def train_stored(deployment: Deployment, submission: Submission) -> Started:
    """Start an execution on a data set that is in the bucket, and wait until it has decided."""
    request = Request(recipe=submission.recipe, dataset=submission.dataset, overrides=submission.settings)
    arn, _ = executions.start(deployment, request)
    terminal.out().print(Text(f"Training data set {submission.dataset}, which is in the bucket."), soft_wrap=True)
    return decided(deployment, arn)


def _sample(recipe_name: str, *, size: int, seed: int) -> Path:
    folder, made = samples.cached(recipe_name, project.state_dir() / "samples", size=size, seed=seed)
    terminal.out().print(Text(f"{'Made' if made else 'Using'} the sample {folder}."), soft_wrap=True)
    return folder


def submit(deployment: Deployment, submission: Submission) -> Started:
    """Upload a submission's settings and files, and that they are complete; wait for the execution that they start.

    Where the environment does not let run.json ask for some of the settings, the files start nothing: the execution is
    started with these.
    """
    recipe_name, dataset = submission.recipe, submission.dataset
    run_json, of_start = policy.divided(deployment, submission.settings)
    watch = Watch.begin(deployment)
    replace_earlier(deployment, recipe_name, dataset=dataset, files=submission.files, settings=submission.settings)
    done: list[Upload] = []
    if run_json:
        done.append(uploads.put_settings(deployment, recipe_name, dataset=dataset, settings=run_json))
    done += upload(deployment, recipe_name, dataset=dataset, files=submission.files)
    where = uploads.folder_uri(deployment, recipe_name, dataset=dataset)
    terminal.out().print(Text(f"Uploaded {len(done)} files to {where}"), soft_wrap=True)
    if of_start:
        return _started(deployment, Request(recipe=recipe_name, dataset=dataset, overrides=of_start))
    done.append(uploads.put_ready(deployment, recipe_name, dataset=dataset))
    waiting = terminal.err().status("Waiting for the upload to start an execution …")
    with waiting if terminal.interactive() else nullcontext():
        return watch.wait(done)


def _started(deployment: Deployment, request: Request) -> Started:
    """The execution that a start begins; those of the files find its claim, and end."""
    arn, _ = executions.start(deployment, request)
    named = ", ".join(sorted(request.overrides))
    terminal.out().print(Text(f"Started with settings that an upload may not change here: {named}."), soft_wrap=True)
    return decided(deployment, arn)


def print_started(started: Started) -> None:
    """Name the execution, so that it can be found again."""
    run_id = started.plan.run_id if started.plan else None
    terminal.out().print(
        Text(f"Execution {started.execution.name}" + (f", run {run_id}" if run_id else "")), soft_wrap=True
    )
