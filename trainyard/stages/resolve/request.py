"""Reads what an execution was started with: an upload or a manual start, as a recipe and a data set; pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, get_args

from trainyard.contract.file_names import is_debris
from trainyard.errors import BadRequest, NothingToDo
from trainyard.run import recipe as recipes
from trainyard.run.folders import RAW_PREFIX, SCORE_PREFIX, TRUTH_PREFIX
from trainyard.run.run import Task
from trainyard.run.settings.suggestion import did_you_mean
from trainyard.stages.resolve import strict_json

EXPECTED_KEY = f"{RAW_PREFIX}/<recipe>/<dataset>/<file>"
# What an upload to a folder is for; files to be scored wait for somebody who asks.
STARTED_BY_UPLOAD: Mapping[str, Task] = {RAW_PREFIX: "train", TRUTH_PREFIX: "verify"}
# Folders whose files a task reads, beside those that models are trained on.
OTHER_FOLDERS = (("score", SCORE_PREFIX), ("verify", TRUTH_PREFIX))
EXPECTED_INPUT = 'Expected an S3 "Object Created" event or {"recipe": ..., "dataset": ..., "overrides": {...}}'
# By this key in a child's input the Step Functions console links it with its parent.
STARTED_BY = "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID"
# What SageMaker accepts in tags and metadata; letters of any script and spaces are fine. Dots alone lead elsewhere.
DATASET_NAME = re.compile(r"(?![. ]+\Z)[\w .:=+@-]{1,100}")
DATASET_RULE = "1 to 100 letters, digits, spaces or _ . : = + - @, not of dots and spaces alone"
# Every execution names a data set; what reads none is about the model in use.
NO_DATASET = "model in use"


@dataclass(frozen=True, kw_only=True)
class Request:
    """A recipe and a data set.

    `upload` is the file that an S3 event names, by its path below the folder of the data set: None for a manual start.
    `version_id` is the version that was uploaded and `uploaded_at` when it was complete, where the event tells.
    `task` is to train a model on the files, to score them with the model in use, to put that model into service, or to
    check the requests to its endpoint for drift: these two read no files; or to verify what was predicted by files of
    labels. `folder` is where files lie. `versions` are the object versions to work on by their names below the folder
    of the data set, as an earlier run read them; empty for the newest. A `fresh` run computes every stage.
    """

    recipe: str
    dataset: str
    upload: str | None = None
    version_id: str = ""
    uploaded_at: datetime | None = None
    overrides: Mapping[str, Any] = field(default_factory=dict)
    task: Task = "train"
    folder: str = RAW_PREFIX
    versions: Mapping[str, str] = field(default_factory=dict)
    fresh: bool = False

    @property
    def input(self) -> dict[str, Any]:
        """What starts the machine with this request, instead of an upload: `parse` reads it."""
        return {
            "recipe": self.recipe,
            "dataset": self.dataset,
            "task": self.task,
            "folder": self.folder,
            "overrides": dict(self.overrides),
            **({"versions": dict(self.versions)} if self.versions else {}),
            **({"fresh": True} if self.fresh else {}),
        }

    @property
    def prefix(self) -> str:
        """Key prefix of the data set's files in the raw bucket."""
        return f"{self.folder}/{self.recipe}/{self.dataset}/"


def parse(event: Mapping[str, Any]) -> Request:
    """The request in an execution's input: an S3 event, or `{"recipe", "dataset", "overrides"}`.

    Raises BadRequest for another input, and NothingToDo for an upload that nobody means as data: a folder that was made
    in S3's console, and what systems and archivers leave.
    """
    _require_readable(event)
    if event.get("detail-type") == "Object Created":
        request = _from_event(event)
    elif isinstance(event.get("recipe"), str) and isinstance(event.get("dataset"), str):
        request = _from_input(event)
    else:
        raise BadRequest(f"{EXPECTED_INPUT}; found an input with the keys {', '.join(sorted(event)) or 'none':.200}.")
    if request.recipe not in recipes.names():
        raise BadRequest(
            f"Expected one of the recipes {', '.join(recipes.names())} in {EXPECTED_KEY}; found {request.recipe!r}. "
            f"Upload to the folder of an existing recipe.{did_you_mean(request.recipe, recipes.names())}"
        )
    if not DATASET_NAME.fullmatch(request.dataset):
        raise BadRequest(
            f"Expected a data set name of {DATASET_RULE}; found {request.dataset!r}. Upload under another name."
        )
    return request


def _require_readable(event: Any) -> None:
    """An input may be any JSON: what is no object, or holds what no answer could repeat, is refused first."""
    if not isinstance(event, Mapping):
        raise BadRequest(f"{EXPECTED_INPUT}; found {type(event).__name__}.")
    try:
        strict_json.check(event)
    except ValueError as error:
        raise BadRequest(f"{EXPECTED_INPUT}; found {error}.") from error


def _from_event(event: Mapping[str, Any]) -> Request:
    detail = event.get("detail")
    uploaded = detail.get("object") if isinstance(detail, Mapping) else None
    key = uploaded.get("key") if isinstance(uploaded, Mapping) else None
    if not isinstance(uploaded, Mapping) or not isinstance(key, str):
        raise BadRequest(
            f"Expected detail.object.key in S3's event, found {key!r:.60}. Upload a file, or give recipe and dataset."
        )
    version = uploaded.get("version-id")
    return replace(
        _from_key(key), version_id=version if isinstance(version, str) else "", uploaded_at=_moment(event.get("time"))
    )


def _moment(written: Any) -> datetime | None:
    """When S3 had all of an object. What it lists as the time of a large one is when its upload began."""
    try:
        found = datetime.fromisoformat(str(written))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _from_key(key: str) -> Request:
    # S3's console makes a folder as an object whose key ends in a slash.
    if key.endswith("/"):
        raise NothingToDo(f"{key} is only a folder; a run starts with the files uploaded into it")
    parts = key.split("/", 3)
    leads_elsewhere = {".", ".."} & set(parts[-1].split("/"))
    if not leads_elsewhere and is_debris(parts[-1]):
        recipe, dataset = parts[1:3] if len(parts) == 4 else ("", "")
        raise NothingToDo(f"ignored: {parts[-1]} is no data", recipe=recipe, dataset=dataset)
    if len(parts) < 4 or leads_elsewhere or not all(key.split("/")) or parts[0] not in STARTED_BY_UPLOAD:
        raise BadRequest(f"Expected a key of the form {EXPECTED_KEY}; found {key!r}. Upload the file there.")
    task = STARTED_BY_UPLOAD[parts[0]]
    return Request(recipe=parts[1], dataset=parts[2], upload=parts[3], task=task, folder=parts[0])


def _from_input(event: Mapping[str, Any]) -> Request:
    unknown = set(event) - {"recipe", "dataset", "overrides", "task", "folder", "versions", "fresh", STARTED_BY}
    overrides, versions = event.get("overrides", {}), event.get("versions", {})
    if unknown or not isinstance(overrides, Mapping):
        raise BadRequest(
            'Expected only "recipe", "dataset", "task", "folder", "versions", "fresh" and an object "overrides" in the '
            "input; "
            f"found {', '.join(sorted(unknown)) or repr(overrides)}."
        )
    if not isinstance(event.get("fresh", False), bool):
        raise BadRequest(f'Expected "fresh" to be true or false, found {event["fresh"]!r:.60}.')
    if not isinstance(versions, Mapping) or not all(isinstance(each, str) for each in versions.values()):
        raise BadRequest(
            f'Expected "versions" as an object of the version ids of files by their names, found {versions!r:.100}.'
        )
    task, folder = event.get("task", "train"), event.get("folder", RAW_PREFIX)
    of_uploads = ((each, RAW_PREFIX) for each in get_args(Task) if each != "verify")
    if (task, folder) not in (*of_uploads, *OTHER_FOLDERS):
        raise BadRequest(
            f'Expected "task" {", ".join(get_args(Task))}, and "folder" {RAW_PREFIX}, for score also {SCORE_PREFIX}, '
            f"for verify {TRUTH_PREFIX}; found {task!r} and {folder!r}."
        )
    return Request(
        recipe=event["recipe"],
        dataset=event["dataset"],
        overrides=overrides,
        task=task,
        folder=folder,
        versions=versions,
        fresh=event.get("fresh", False),
    )
