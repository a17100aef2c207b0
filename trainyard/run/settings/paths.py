"""Settings as one flat list of paths, such as `hyperparameters.epochs`, and back; standard library only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from trainyard.errors import ConfigError


def nested(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings that are given by path, as nested ones; both may stand beside each other. Raises ConfigError.

    >>> nested({"hyperparameters.epochs": 5, "gate": {"margin": 0.1}})
    {'hyperparameters': {'epochs': 5}, 'gate': {'margin': 0.1}}
    """
    found: dict[str, Any] = {}
    for path, value in settings.items():
        *names, last = path.split(".")
        parent = found
        for name in names:
            parent = parent.setdefault(name, {})
            if not isinstance(parent, dict):
                raise ConfigError([f"{path}: {name} was already given a value; set one or the other."])
        parent[last] = {**parent.get(last, {}), **nested(value)} if isinstance(value, Mapping) else value
    return found


def differing(
    settings: Mapping[str, Any], defaults: Mapping[str, Any], *, absent: Any = None
) -> list[tuple[str, Any, Any]]:
    """The settings that are not the defaults: path, value, and default, or `absent` where there is none.

    >>> differing({"seed": 3, "gate": {"margin": 0.1}}, {"seed": 42, "gate": {"margin": 0.1}})
    [('seed', 3, 42)]
    """
    known = dict(by_path(defaults))
    return [(path, value, known.get(path, absent)) for path, value in by_path(settings) if known.get(path) != value]


def by_path(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Nested settings by their paths.

    >>> list(by_path({"gate": {"margin": 0.1}, "tune": True}))
    [('gate.margin', 0.1), ('tune', True)]
    """
    for name, value in settings.items():
        path = f"{prefix}{name}"
        if isinstance(value, Mapping) and value:
            yield from by_path(value, f"{path}.")
        else:
            yield path, value
