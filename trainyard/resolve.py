"""Decides what a request asks for: which recipe, which object versions, and whether the set is complete."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, get_args
from urllib.parse import quote

from trainyard import recipe as recipes
from trainyard.config import RecipeConfig, Source
from trainyard.errors import BadRequest
from trainyard.run import InputFile, Task

RAW_PREFIX = "raw"
# Files that are only to be scored lie apart: an upload here starts nothing by itself.
SCORE_PREFIX = "score"
OVERRIDES_FILE = "run.json"
MAX_OVERRIDES_BYTES = 64 * 1024
EXPECTED_KEY = f"{RAW_PREFIX}/<recipe>/<dataset>/<file>"
# By this key in a child's input the Step Functions console links it with its parent.
STARTED_BY = "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID"
# What SageMaker accepts in tags and metadata; letters of any script and spaces are fine.
DATASET_NAME = re.compile(r"[\w .:=+@-]{1,100}")


@dataclass(frozen=True, kw_only=True)
class Request:
    """A recipe and a data set; `upload` is the file that an S3 event names, None for a manual start.

    `task` is to train a model on the files, to score them with the model in use, or to put that model into service,
    which reads no files; `folder` is where they lie.
    """

    recipe: str
    dataset: str
    upload: str | None = None
    overrides: Mapping[str, Any] = field(default_factory=dict)
    task: Task = "train"
    folder: str = RAW_PREFIX

    @property
    def prefix(self) -> str:
        """Key prefix of the data set's files in the raw bucket."""
        return f"{self.folder}/{self.recipe}/{self.dataset}/"


@dataclass(frozen=True, kw_only=True)
class StoredObject:
    """The latest version of an object in the raw bucket."""

    key: str
    version_id: str
    size: int
    etag: str

    @property
    def filename(self) -> str:
        return self.key.rsplit("/", 1)[-1]


def parse(event: Mapping[str, Any]) -> Request:
    """The request in an execution's input: an S3 event, or `{"recipe", "dataset", "overrides"}`. Raises BadRequest."""
    if event.get("detail-type") == "Object Created":
        request = _from_key(str(event["detail"]["object"]["key"]))
    elif isinstance(event.get("recipe"), str) and isinstance(event.get("dataset"), str):
        request = _from_input(event)
    else:
        raise BadRequest(
            'Expected an S3 "Object Created" event or {"recipe": ..., "dataset": ..., "overrides": {...}}; '
            f"found an input with the keys {', '.join(sorted(event)) or 'none'}."
        )
    if request.recipe not in recipes.names():
        raise BadRequest(
            f"Expected one of the recipes {', '.join(recipes.names())} in {EXPECTED_KEY}; found {request.recipe!r}. "
            "Upload to the folder of an existing recipe."
        )
    if not DATASET_NAME.fullmatch(request.dataset):
        raise BadRequest(
            "Expected a data set name of 1 to 100 letters, digits, spaces or _ . : = + - @; "
            f"found {request.dataset!r}. Upload under another name."
        )
    return request


def made_folder(event: Mapping[str, Any]) -> str:
    """The folder that an S3 event is about, for S3's console makes one as an object whose key ends in a slash.

    Empty for a file, and for any other input.
    """
    key = str(event["detail"]["object"]["key"]) if event.get("detail-type") == "Object Created" else ""
    return key if key.endswith("/") else ""


def _from_key(key: str) -> Request:
    parts = key.split("/")
    if len(parts) != 4 or not all(parts):
        raise BadRequest(f"Expected a key of the form {EXPECTED_KEY}; found {key!r}. Upload the file there.")
    return Request(recipe=parts[1], dataset=parts[2], upload=parts[3])


def _from_input(event: Mapping[str, Any]) -> Request:
    unknown = set(event) - {"recipe", "dataset", "overrides", "task", "folder", STARTED_BY}
    overrides = event.get("overrides", {})
    if unknown or not isinstance(overrides, Mapping):
        raise BadRequest(
            'Expected only "recipe", "dataset", "task", "folder" and an object "overrides" in the input; '
            f"found {', '.join(sorted(unknown)) or repr(overrides)}."
        )
    task, folder = event.get("task", "train"), event.get("folder", RAW_PREFIX)
    if (task, folder) not in (*((each, RAW_PREFIX) for each in get_args(Task)), ("score", SCORE_PREFIX)):
        raise BadRequest(
            f'Expected "task" train, score or deploy, and "folder" {RAW_PREFIX} or, for score only, {SCORE_PREFIX}; '
            f"found {task!r} and {folder!r}."
        )
    return Request(recipe=event["recipe"], dataset=event["dataset"], overrides=overrides, task=task, folder=folder)


def parse_overrides(content: bytes, key: str) -> dict[str, Any]:
    """The settings in a `run.json`. Raises BadRequest when it is not a small JSON object."""
    if len(content) > MAX_OVERRIDES_BYTES:
        raise BadRequest(f"{key}: expected at most {MAX_OVERRIDES_BYTES} bytes, found {len(content)}.")
    try:
        document = json.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise BadRequest(f"{key}: expected UTF-8 text, found an invalid byte at position {error.start}.") from error
    except json.JSONDecodeError as error:
        raise BadRequest(
            f"{key}, line {error.lineno}, column {error.colno}: expected JSON, found {error.msg}."
        ) from error
    if not isinstance(document, dict):
        raise BadRequest(f"{key}: expected a JSON object of settings, found {type(document).__name__}.")
    return document


def match(objects: Iterable[StoredObject], sources: Sequence[Source]) -> tuple[InputFile, ...]:
    """The objects that provide the recipe's tables, in the order of their keys."""
    return tuple(
        InputFile(source=source.name, key=each.key, version_id=each.version_id, size=each.size, etag=each.etag)
        for each in sorted(objects, key=lambda stored: stored.key)
        for source in sources
        if source.accepts(each.filename)
    )


def missing(files: Iterable[InputFile], sources: Sequence[Source]) -> list[str]:
    """What the set still waits for: the file names of each required table that no file provides.

    Where every table is optional, any one file will do, but there has to be one. A recipe without tables reads a
    database and waits for nothing.
    """
    present = {each.source for each in files}
    if not present and not any(source.required for source in sources):
        return [" or ".join(name for source in sources for name in source.files)] if sources else []
    return [" or ".join(source.files) for source in sources if source.required and source.name not in present]


def check_upload(request: Request, sources: Sequence[Source]) -> None:
    """Refuse a file that the recipe does not read, rather than wait for ever. Raises BadRequest."""
    name = request.upload
    if name in (None, OVERRIDES_FILE) or any(source.accepts(name) for source in sources):
        return
    known = ", ".join(file for source in sources for file in source.files)
    raise BadRequest(
        f"{request.prefix}{name}: recipe {request.recipe} reads {known} (also with .gz) and {OVERRIDES_FILE}; "
        f"found {name!r}. Rename the file or leave it out."
    )


def check_scoring(request: Request, config: RecipeConfig, waiting: Sequence[str]) -> None:
    """Refuse to score files that are not all there, or with a model that nobody named. Raises BadRequest."""
    if waiting:
        raise BadRequest(
            f"Expected the files to score under {request.prefix}; {', '.join(waiting)} is missing. Upload it there and "
            "start again."
        )
    check_one_model(request, config)


def check_one_model(request: Request, config: RecipeConfig) -> None:
    """Refuse settings under which the recipe has several models, none of which is named. Raises BadRequest."""
    if config.fans_out:
        raise BadRequest(
            f"Expected settings that choose one of the models of recipe {request.recipe}, found none; "
            "give those that its child executions are started with."
        )


def fingerprint(objects: Iterable[StoredObject], *, salt: str = "") -> str:
    """Identity of a set of object versions. A manual start adds its execution as salt, so that it always trains."""
    lines = sorted(f"{quote(each.key)}@{each.version_id}" for each in objects)
    return hashlib.sha256("\n".join([*lines, salt]).encode()).hexdigest()


def run_id(execution_arn: str, started: str) -> str:
    """`YYYYMMDD-HHMMSS-xxxxxxxx`: sorts by time, and its last part is a hash of the execution."""
    moment = datetime.fromisoformat(started.replace("Z", "+00:00"))
    return f"{moment:%Y%m%d-%H%M%S}-{hashlib.sha256(execution_arn.encode()).hexdigest()[:8]}"
