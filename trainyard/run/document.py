"""What every document that a stage leaves for others has in common: a file name, a version, and how it is read.

A document may be older or newer than the code that reads it (the champion was trained a year ago, a release was taken
back): fields that the reader does not know are passed over, and those that the writer did not know have defaults.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar

import dacite

from trainyard.errors import JobFailed

DataclassT = TypeVar("DataclassT")


def _real_number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"expected a number, found {value!r:.60}")
    return float(value)


# JSON has no tuples and no enumerations, and writes 1.0 as 1.
FROM_JSON = dacite.Config(cast=[tuple, Enum], type_hooks={float: _real_number})


def decoded(kind: type[DataclassT], document: Mapping[str, Any]) -> DataclassT:
    """An instance of a frozen dataclass from parsed JSON. Raises JobFailed for a field that is missing or wrong."""
    try:
        return dacite.from_dict(kind, document, FROM_JSON)
    except (dacite.DaciteError, TypeError, ValueError, OverflowError, RecursionError) as error:
        raise JobFailed(f"Expected a {kind.__name__}: {error}.") from error


def encoded(value: Any) -> Any:
    """Dicts, lists and scalars of dataclasses, ready for JSON; a field that is None is left out."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {each.name: getattr(value, each.name) for each in dataclasses.fields(value)}
        return {name: encoded(each) for name, each in fields.items() if each is not None}
    if isinstance(value, Mapping):
        return {name: encoded(each) for name, each in value.items()}
    return [encoded(each) for each in value] if isinstance(value, tuple | list) else value


@dataclass(frozen=True, kw_only=True)
class Document:
    """A JSON file in the folder of a stage. `VERSION` grows when a field changes its meaning; see `upgraded`."""

    FILE: ClassVar[str]
    VERSION: ClassVar[int] = 1

    def to_mapping(self) -> dict[str, Any]:
        """Every field by its name; inside a field, what is None is left out."""
        fields = {each.name: encoded(getattr(self, each.name)) for each in dataclasses.fields(self)}
        return {"version": self.VERSION, **fields}

    def to_json(self) -> str:
        return json.dumps(self.to_mapping(), indent=2)

    @classmethod
    def from_mapping(cls, document: Mapping[str, Any]) -> Self:
        """Raises JobFailed for what is no such document of any version."""
        version = document.get("version", 0) if isinstance(document, Mapping) else None
        if not isinstance(version, int):
            raise JobFailed(f"Expected {cls.FILE} to be an object whose version is a number, found {document!r:.60}.")
        return decoded(cls, cls.upgraded(document, version=version))

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Raises JobFailed for a text that is no such document of any version."""
        try:
            document = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise JobFailed(f"Expected JSON in {cls.FILE}: {error!s:.200}.") from error
        if not isinstance(document, Mapping):
            raise JobFailed(f"Expected a JSON object in {cls.FILE}, found {type(document).__name__}.")
        return cls.from_mapping(document)

    @classmethod
    def upgraded(cls, document: Mapping[str, Any], *, version: int) -> Mapping[str, Any]:
        """A document of an older version (0: from before documents had one) in the terms of this one."""
        del version
        return document

    def write(self, directory: Path) -> None:
        (directory / self.FILE).write_text(self.to_json(), encoding="utf-8")

    @classmethod
    def read(cls, directory: Path) -> Self:
        """The document in a folder. Raises JobFailed where there is none, or none that can be read."""
        path = directory / cls.FILE
        if not path.is_file():
            raise JobFailed(f"Expected {cls.FILE} in {directory.name}, found none; run the stage that writes it again.")
        return cls.from_json(path.read_bytes())
