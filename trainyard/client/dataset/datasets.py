"""Lists what was uploaded: the data sets in the raw bucket, their files, and what each still waits for; on a laptop."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from trainyard.client.deployment import Deployment
from trainyard.contract.file_names import is_debris
from trainyard.errors import TrainyardError
from trainyard.run import recipe
from trainyard.run.folders import OVERRIDES_FILE, RAW_PREFIX, READY_FILE
from trainyard.run.run import InputFile, below_dataset
from trainyard.stages.resolve import files

# Files of a data set are counted to the last one, but not all of them are named.
MOST_NAMED = 12


@dataclass(frozen=True, kw_only=True)
class StoredFile:
    """The newest version of one file."""

    name: str
    size: int
    modified: datetime


@dataclass(frozen=True, kw_only=True)
class DataSet:
    """One folder below `raw/RECIPE/`.

    `missing` names what a run waits for by the names of the files; settings in the folder's run.json may say otherwise.
    """

    recipe: str
    name: str
    files: Sequence[StoredFile]
    missing: Sequence[str]
    settings: bool
    ready: bool

    @property
    def size(self) -> int:
        """Bytes of its files."""
        return sum(each.size for each in self.files)

    @property
    def modified(self) -> datetime:
        """When a file was last uploaded."""
        return max(each.modified for each in self.files)


def listed(deployment: Deployment) -> list[DataSet]:
    """Every data set, the one uploaded to last first."""
    found = [
        _data_set(recipe_name, name, files=list(stored))
        for (recipe_name, name), stored in groupby(_objects(deployment), key=lambda each: each[0])
    ]
    return sorted(found, key=lambda each: each.modified, reverse=True)


def exists(deployment: Deployment, recipe_name: str, *, dataset: str) -> bool:
    """Whether something was uploaded to a data set."""
    prefix = f"{RAW_PREFIX}/{recipe_name}/{dataset}/"
    found = deployment.target.client("s3").list_objects_v2(Bucket=deployment.raw_bucket, Prefix=prefix, MaxKeys=1)
    return bool(found.get("Contents"))


def _objects(deployment: Deployment) -> Iterator[tuple[tuple[str, str], StoredFile]]:
    """Recipe and data set with each file, in the order of keys."""
    pages = (
        deployment.target.client("s3")
        .get_paginator("list_objects_v2")
        .paginate(Bucket=deployment.raw_bucket, Prefix=f"{RAW_PREFIX}/")
    )
    for page in pages:
        for each in page.get("Contents", []):
            parts = each["Key"].split("/", 3)
            if len(parts) == 4 and not is_debris(parts[3]):
                file = StoredFile(name=below_dataset(each["Key"]), size=each["Size"], modified=each["LastModified"])
                yield (parts[1], parts[2]), file


def _data_set(recipe_name: str, name: str, *, files: Iterable[tuple[object, StoredFile]]) -> DataSet:
    stored = [each for _, each in files]
    names = {each.name for each in stored}
    return DataSet(
        recipe=recipe_name,
        name=name,
        files=stored,
        missing=_missing(recipe_name, names),
        settings=OVERRIDES_FILE in names,
        ready=READY_FILE in names,
    )


def _missing(recipe_name: str, names: Iterable[str]) -> list[str]:
    """What the recipe's default settings wait for; nothing where no such recipe is known here."""
    try:
        sources = recipe.sources(recipe_name, recipe.config(recipe_name))
    except TrainyardError:
        return []
    found = ((files.source_of(each, sources, settings={}), each) for each in names)
    data = [InputFile(source=source, key=name, version_id="", size=0) for source, name in found if source is not None]
    return files.missing(data, sources)
