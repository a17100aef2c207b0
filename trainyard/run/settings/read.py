"""Notes which settings a stage really reads, so that another run with the same ones can take over what it made.

Runs in the jobs of the stages before training. Nothing is declared: a setting that a stage begins to read tomorrow is
noted by itself, in recipes from outside too.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from trainyard.contract.config import RecipeConfig
from trainyard.run.document import Document

ConfigT = TypeVar("ConfigT", bound=RecipeConfig)


@dataclass(frozen=True, kw_only=True)
class SettingsRead(Document):
    """The settings that a stage read, by their paths in the run's configuration, such as `data.window`, sorted."""

    FILE: ClassVar[str] = "settings_read.json"

    paths: tuple[str, ...] = ()


class Noted:
    """The settings that were read by now."""

    def __init__(self) -> None:
        self.paths: set[str] = set()

    @property
    def document(self) -> SettingsRead:
        """What is left with the stage."""
        return SettingsRead(paths=tuple(sorted(self.paths)))


def noting(config: ConfigT) -> tuple[ConfigT, Noted]:
    """The same configuration, as an instance of its own class, and what of it is read from now on.

    A mapping such as `tuning.ranges` is one setting. Whoever copies the whole configuration has read all of it.
    """
    noted = Noted()
    return _noting(config, prefix="", paths=noted.paths), noted


def value_of(config: Any, path: str) -> Any:
    """A setting in a configuration that is plain JSON, None where it is not there.

    >>> value_of({"data": {"window": 10}}, "data.window")
    10
    """
    for name in path.split("."):
        config = config.get(name) if isinstance(config, dict) else None
    return config


def _noting(value: Any, *, prefix: str, paths: set[str]) -> Any:
    kind: Any = type(value)
    fields = {each.name: getattr(value, each.name) for each in dataclasses.fields(value)}
    groups = {name for name, each in fields.items() if _is_group(each)}

    class Noting(kind):  # type: ignore[misc]
        def __getattribute__(self, name: str) -> Any:
            if name == "__class__":
                # By this a dataclass decides whether another is one of its kind, and so may equal it.
                return kind
            if name in fields and name not in groups:
                paths.add(f"{prefix}{name}")
            elif name == "__dict__":
                paths.update(f"{prefix}{each}" for each in fields.keys() - groups)
            return super().__getattribute__(name)

        def __reduce__(self) -> Any:
            # Other processes get a plain configuration, of which nobody would hear what they read: all of it counts.
            return _plain, (kind, {name: getattr(self, name) for name in fields})

    # A tabular recipe finds its own modules by the one that its configuration is in.
    Noting.__name__, Noting.__qualname__, Noting.__module__ = kind.__name__, kind.__qualname__, kind.__module__
    return _filled(
        Noting,
        {n: _noting(each, prefix=f"{prefix}{n}.", paths=paths) if n in groups else each for n, each in fields.items()},
    )


def _is_group(value: Any) -> bool:
    return dataclasses.is_dataclass(value) and not isinstance(value, type)


def _plain(kind: type, fields: dict[str, Any]) -> Any:
    return _filled(kind, fields)


def _filled(kind: type, fields: dict[str, Any]) -> Any:
    """An instance whose fields are set as they are: the configuration was checked when it was made."""
    made: Any = object.__new__(kind)
    for name, each in fields.items():
        object.__setattr__(made, name, each)
    return made
