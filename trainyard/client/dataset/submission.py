"""Checks a data set and its settings, uploads them, and waits for the execution that they start; runs on a laptop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from trainyard.client import policy
from trainyard.client.dataset import uploads
from trainyard.client.dataset.uploads import Upload
from trainyard.client.deployment import Deployment
from trainyard.client.execution import executions
from trainyard.client.execution.watch import Started, Watch, decided
from trainyard.contract.config import RecipeConfig
from trainyard.errors import BadRequest
from trainyard.run import recipe
from trainyard.run.run import Task
from trainyard.stages.resolve.duration import require_in_time
from trainyard.stages.resolve.machines import require_one_machine
from trainyard.stages.resolve.request import DATASET_NAME, DATASET_RULE, Request
from trainyard.stages.resolve.shadow import require_release


@dataclass(frozen=True, kw_only=True)
class Submission:
    """A data set to train on and the settings to train with, checked before anything is uploaded.

    `files` are those to upload by their names in the data set; none for a data set that is in the bucket. What is
    uploaded is computed in any case, for no other run has read these versions; what is there as well if it is `fresh`.
    """

    recipe: str
    dataset: str
    files: Mapping[str, Path]
    settings: dict[str, Any] = field(default_factory=dict)
    fresh: bool = False


class Progress:
    """Is told how a submission goes. This one says nothing: whoever shows something overrides it."""

    def replaced(self, dataset: str, names: Sequence[str]) -> None:
        """Files of an earlier upload, and its run.json, were taken out of the data set."""

    def upload(self, deployment: Deployment, submission: Submission) -> list[Upload]:
        """Upload the files."""
        return uploads.put_files(
            deployment,
            submission.recipe,
            dataset=submission.dataset,
            files=submission.files,
            on_bytes=lambda _path, _count: None,
        )

    def uploaded(self, count: int, where: str) -> None:
        """So many files lie in a folder of the bucket now."""

    def started_with(self, names: Sequence[str]) -> None:
        """The execution is started with settings that an upload may not change."""

    def waiting(self) -> AbstractContextManager[Any]:
        """What lasts until the upload has started an execution."""
        return nullcontext()


QUIET = Progress()


def checked(recipe_name: str, settings: Mapping[str, Any], *, task: Task = "train") -> RecipeConfig:
    """The configuration of a run of a task. Raises ConfigError in the words of the deployed workflow."""
    config = recipe.config(recipe_name, settings)
    require_one_machine(config)
    require_release(config, task=task)
    require_in_time(config, task=task)
    return config


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


def submit(deployment: Deployment, submission: Submission, *, progress: Progress = QUIET) -> Started:
    """Upload a submission's settings and files, and that they are complete; wait for the execution that they start.

    Where the environment does not let run.json ask for some of the settings, the files start nothing: the execution is
    started with these.
    """
    recipe_name, dataset = submission.recipe, submission.dataset
    run_json, of_start = policy.divided(deployment, submission.settings)
    watch = Watch.begin(deployment)
    _remove_earlier(deployment, submission, progress=progress)
    done: list[Upload] = []
    if run_json:
        done.append(uploads.put_settings(deployment, recipe_name, dataset=dataset, settings=run_json))
    done += progress.upload(deployment, submission)
    progress.uploaded(len(done), uploads.folder_uri(deployment, recipe_name, dataset=dataset))
    if of_start:
        uploads.put_by_hand(deployment, recipe_name, dataset=dataset)
        arn, _ = executions.start(deployment, Request(recipe=recipe_name, dataset=dataset, overrides=of_start))
        progress.started_with(sorted(of_start))
        return decided(deployment, arn)
    done.append(uploads.put_ready(deployment, recipe_name, dataset=dataset))
    with progress.waiting():
        return watch.wait(done)


def train_stored(deployment: Deployment, submission: Submission) -> Started:
    """Start an execution on a data set that is in the bucket, and wait until it has decided."""
    request = Request(
        recipe=submission.recipe, dataset=submission.dataset, overrides=submission.settings, fresh=submission.fresh
    )
    arn, _ = executions.start(deployment, request)
    return decided(deployment, arn)


def _remove_earlier(deployment: Deployment, submission: Submission, *, progress: Progress) -> None:
    config = recipe.config(submission.recipe, submission.settings)
    removed = uploads.remove_earlier(
        deployment,
        submission.recipe,
        dataset=submission.dataset,
        files=submission.files,
        sources=recipe.sources(submission.recipe, config),
        settings=config.files,
    )
    if removed:
        progress.replaced(submission.dataset, removed)
