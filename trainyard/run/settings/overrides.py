"""Lays `run.json` and other overrides over a configuration; standard library only.

Every key, type and bound is checked, so that a mistake is refused before any job starts.
"""

from __future__ import annotations

import dataclasses
import math
import re
import types
import typing
from collections.abc import Iterator, Mapping
from typing import Any, Literal, TypeVar, Union

from trainyard.errors import ConfigError
from trainyard.run.settings.suggestion import closest

ConfigT = TypeVar("ConfigT")
# A number as JSON and SageMaker write it; Python alone would also read 1_0 and digits of other scripts.
NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
LISTED = {int: "whole numbers", float: "numbers", str: "texts"}


def override(config: ConfigT, changes: Mapping[str, Any]) -> ConfigT:
    """A copy of `config` with `changes` (same shape, any subset) laid over it.

    Raises ConfigError naming every unknown key, wrong type and value out of bounds at once.
    """
    problems: list[str] = []
    changed = _merge(config, changes, path="", problems=problems)
    if problems:
        raise ConfigError(problems)
    return typing.cast(ConfigT, changed)


def _merge(config: Any, changes: Any, *, path: str, problems: list[str]) -> Any:
    if not isinstance(changes, Mapping):
        problems.append(f"{path or 'run.json'}: expected an object, found {_show(changes)}.")
        return config
    hints = typing.get_type_hints(type(config))
    known = {f.name: f for f in dataclasses.fields(config)}
    values: dict[str, Any] = {}
    known_problems = len(problems)
    for key, value in changes.items():
        where = f"{path}.{key}" if path else str(key)
        if key not in known:
            meant = _meant(str(key), config, path=path)
            problems.append(f"{where}: unknown setting; known here are {', '.join(known)}.{meant}")
            continue
        current = getattr(config, key)
        if dataclasses.is_dataclass(current):
            values[key] = _merge(current, value, path=where, problems=problems)
        elif isinstance(current, Mapping):
            entry = known[key].metadata.get("entries") or _texts(hints[key])
            values[key] = _merge_entries(current, value, entry=entry, path=where, problems=problems)
        else:
            values[key] = _checked(value, hints[key], metadata=known[key].metadata, path=where, problems=problems)
    if len(problems) > known_problems:
        # A class compares its values, and those of a wrong type cannot be compared.
        return config
    try:
        return dataclasses.replace(config, **values)
    except ValueError as error:
        problems.append(f"{path or 'run.json'}: {error}.")
        return config


def _meant(key: str, config: Any, *, path: str) -> str:
    """Which setting a person may have meant: one of that name deeper down, or one of a similar name."""
    paths = list(_paths(config))
    names = {each.rpartition(".")[2]: each for each in reversed(paths)}
    siblings = [each for each in paths if "." not in each]
    found = names[key] if key in names else closest(key, siblings) or names.get(closest(key, names))
    return f" Did you mean {f'{path}.' if path else ''}{found}?" if found else ""


def _paths(config: Any) -> Iterator[str]:
    """The settings below one by their paths, those of the upper levels first."""
    if dataclasses.is_dataclass(config):
        inner = {each.name: getattr(config, each.name) for each in dataclasses.fields(config)}
    else:
        inner = dict(config) if isinstance(config, Mapping) else {}
    yield from inner
    for name, value in inner.items():
        yield from (f"{name}.{each}" for each in _paths(value))


def _texts(hint: Any) -> type[str] | None:
    """`str` for a mapping of text to text, whose entries are the reader's own."""
    return str if typing.get_args(hint)[1:] == (str,) else None


def _merge_entries(
    current: Mapping[str, Any], changes: Any, *, entry: type[Any] | None, path: str, problems: list[str]
) -> dict[str, Any]:
    """Entries may be changed; they are added only where their kind `entry` is known.

    A new gate metric or range would refer to nothing.
    """
    merged = dict(current)
    if not isinstance(changes, Mapping):
        problems.append(f"{path}: expected an object, found {_show(changes)}.")
        return merged
    for key, value in changes.items():
        where = f"{path}.{key}"
        if entry is str:
            merged[key] = _text(value, path=where, problems=problems)
        elif key not in current:
            if entry is None:
                meant = _meant(str(key), current, path=path)
                problems.append(f"{where}: unknown setting; known here are {', '.join(current)}.{meant}")
            else:
                merged[key] = _merge(entry(), value, path=where, problems=problems)
        elif dataclasses.is_dataclass(current[key]):
            merged[key] = _merge(current[key], value, path=where, problems=problems)
        else:
            merged[key] = _checked(value, float, metadata={}, path=where, problems=problems)
    return merged


def _text(value: Any, *, path: str, problems: list[str]) -> str:
    """A text; a whole number, such as the place of a column, is one too."""
    if not isinstance(value, str | int) or isinstance(value, bool):
        problems.append(f"{path}: expected text, found {_show(value)}.")
    return str(value)


def _checked(value: Any, hint: Any, *, metadata: Mapping[str, Any], path: str, problems: list[str]) -> Any:
    for option in _options(hint):
        fitted, accepted = _fit(value, option)
        if accepted:
            low, high = metadata.get("minimum"), metadata.get("maximum")
            if isinstance(fitted, int | float) and not isinstance(fitted, bool) and not _within(fitted, low, high=high):
                problems.append(f"{path}: expected {_bounds(low, high)}, found {_show(value)}.")
            pattern = metadata.get("pattern")
            if pattern and fitted and not pattern.fullmatch(fitted):
                problems.append(f"{path}: expected {metadata['rule']}, found {_show(value)}.")
            return fitted
    problems.append(f"{path}: expected {_name(hint)}, found {_show(value)}.")
    return value


def _fit(value: Any, hint: Any) -> tuple[Any, bool]:
    """The value as the hinted type, and whether it is one. Numbers may arrive as text: SageMaker sends only text."""
    if typing.get_origin(hint) is Literal:
        return value, value in typing.get_args(hint)
    if typing.get_origin(hint) is tuple:
        return _fit_items(value, typing.get_args(hint)[0])
    if hint is types.NoneType:
        return None, value is None
    if hint is bool:
        named = {"true": True, "false": False}.get(value.lower()) if isinstance(value, str) else value
        return named, isinstance(named, bool)
    if hint in (int, float):
        return _fit_number(value, hint)
    # `--set deploy.shadow.version=4`: what is written as a whole number may be a name.
    fitted = str(value) if hint is str and isinstance(value, int) and not isinstance(value, bool) else value
    return fitted, isinstance(hint, type) and isinstance(fitted, hint)


def _fit_items(value: Any, item: Any) -> tuple[Any, bool]:
    if not isinstance(value, list | tuple):
        return value, False
    fitted = [_fit(each, item) for each in value]
    return tuple(each for each, _ in fitted), all(accepted for _, accepted in fitted)


def _fit_number(value: Any, hint: type[int] | type[float]) -> tuple[Any, bool]:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return value, False
    if isinstance(value, str) and not NUMBER.fullmatch(value):
        return value, False
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return value, False
    if not math.isfinite(number) or (hint is int and not number.is_integer()):
        return value, False
    return hint(number), True


def _options(hint: Any) -> tuple[Any, ...]:
    return typing.get_args(hint) if typing.get_origin(hint) in (Union, types.UnionType) else (hint,)


def _within(number: float, low: float | None, *, high: float | None) -> bool:
    return (low is None or number >= low) and (high is None or number <= high)


def _bounds(low: float | None, high: float | None) -> str:
    if low is None:
        return f"at most {high}"
    return f"at least {low}" if high is None else f"a value from {low} to {high}"


def _name(hint: Any) -> str:
    if typing.get_origin(hint) is Literal:
        return "one of " + ", ".join(_option(each) for each in typing.get_args(hint))
    if typing.get_origin(hint) is tuple:
        item = typing.get_args(hint)[0]
        return "a list of " + LISTED.get(item, _name(item).removeprefix("one of "))
    options = _options(hint)
    if len(options) > 1:
        return " or ".join(_name(each) for each in options)
    return {int: "a whole number", float: "a number", bool: "true or false", str: "text", types.NoneType: "null"}.get(
        hint, str(hint)
    )


def _option(value: Any) -> str:
    """A word as it is, and a sign as text, for it would be taken for punctuation."""
    return str(value) if any(each.isalnum() for each in str(value)) else repr(value)


def _show(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
