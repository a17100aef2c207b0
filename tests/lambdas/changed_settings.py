"""Every setting of a recipe with another valid value than its default, as run.json would ask for it."""

from __future__ import annotations

import dataclasses
import itertools
import types
import typing
from collections.abc import Iterator, Mapping
from typing import Any, Literal, Union

from trainyard.contract.config import RecipeConfig, to_mapping
from trainyard.errors import ConfigError
from trainyard.run import recipe
from trainyard.run.settings.overrides import override

TEXTS = ("ml.p5.48xlarge", "2026-01-31", "visits:number", "de", "other")


def changes(name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Dotted name and run.json of one change per setting. Raises AssertionError for one without another valid value."""
    default = recipe.config(name)
    for path, hint, value in leaves(default, sources=[each.name for each in recipe.sources(name, default)]):
        asked = (nested(path, each) for each in candidates(hint, value) if each != value)
        found = next((each for each in asked if differs(default, each)), None)
        # Type and scaling of a range may only change together with its values, a shadow as a whole.
        together = path[-1] in ("type", "scaling") or "shadow" in path
        assert found or together, f"no other value of {name} {'.'.join(path)} is known"
        if found is not None:
            yield ".".join(path), found


def leaves(config: Any, *, sources: list[str]) -> Iterator[tuple[tuple[str, ...], Any, Any]]:
    hints = typing.get_type_hints(type(config))
    for each in dataclasses.fields(config):
        value, hint = getattr(config, each.name), hints[each.name]
        if dataclasses.is_dataclass(value):
            found: Any = leaves(value, sources=sources)
        elif isinstance(value, Mapping):
            found = entries(value, entry=each.metadata.get("entries"), sources=sources)
        else:
            found = [((), hint, value)]
        yield from (((each.name, *path), inner, present) for path, inner, present in found)


def entries(values: Mapping[str, Any], *, entry: Any, sources: list[str]) -> Iterator[tuple[Any, ...]]:
    shown = dict(values) or ({sources[0]: entry()} if entry else {})
    for key, value in shown.items():
        inner = leaves(value, sources=sources) if dataclasses.is_dataclass(value) else [((), type(value), value)]
        yield from (((key, *path), hint, present) for path, hint, present in inner)


def candidates(hint: Any, value: Any) -> list[Any]:
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin is Literal:
        return list(parts)
    if origin in (Union, types.UnionType):
        return [each for part in parts if part is not types.NoneType for each in candidates(part, value)]
    if origin is tuple:
        items = [each for each in candidates(parts[0], None) if each not in (value or ())]
        return [[*(value or ()), each] for each in items] + [[], *([each] for each in items)]
    if hint is bool:
        return [True, False]
    if hint is str:
        return list(TEXTS)
    number = value if isinstance(value, int | float) else 1
    near = [number + 1, number - 1, number * 2, 1, 2, 3, 10, 1000]
    return near if hint is int else [number * 0.9, number + 0.01, number / 2 + 0.1, -1e9, *near]


def nested(path: tuple[str, ...], value: Any) -> dict[str, Any]:
    for name in reversed(path):
        value = {name: value}
    return typing.cast("dict[str, Any]", value)


def differs(default: RecipeConfig, asked: Mapping[str, Any]) -> bool:
    try:
        return bool(override(default, asked) != default)
    except ConfigError:
        return False


def flat(config: RecipeConfig) -> dict[str, Any]:
    """Every setting by its dotted name."""
    return dict(_flat(to_mapping(config), ()))


def _flat(value: Any, path: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    if not isinstance(value, Mapping):
        return iter([(".".join(path), value)])
    return itertools.chain.from_iterable(_flat(inner, (*path, name)) for name, inner in value.items())
