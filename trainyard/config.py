"""The vocabulary of a recipe's configuration, and how `run.json` overrides it; standard library only.

A recipe's `config.py` builds one frozen `RecipeConfig` from these classes. `override` lays a mapping of the
same shape over it and checks every key, type and bound, so that a mistake is refused before any job starts.
"""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar, Union

from trainyard.errors import ConfigError

ColumnType = Literal["int64", "float64", "string", "timestamp", "boolean"]
ConfigT = TypeVar("ConfigT")


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of a source file."""

    name: str
    type: ColumnType
    nullable: bool = False


@dataclass(frozen=True, kw_only=True)
class Source:
    """One input table of a recipe: any one of `files` (or the same name with `.gz`) provides it.

    `name` is what later stages call the table. `unique` names the columns that identify a line. `other_columns` says
    that the file may have more columns, in any order, of which only those declared are read. A file of format `sqlite`
    is a database that the recipe's own `ingest.extract` reads.
    """

    name: str
    files: tuple[str, ...]
    columns: tuple[Column, ...]
    required: bool = True
    unique: tuple[str, ...] = ()
    delimiter: str = ","
    quote: str = '"'
    header: bool = True
    other_columns: bool = False
    format: Literal["csv", "sqlite"] = "csv"

    def accepts(self, filename: str) -> bool:
        """Whether a file of this name provides this table."""
        return filename.removesuffix(".gz") in self.files


@dataclass(frozen=True, kw_only=True)
class Range:
    """The values the tuner may try for one hyperparameter, in SageMaker's terms."""

    type: Literal["integer", "continuous", "categorical"]
    minimum: float = 0.0
    maximum: float = 0.0
    scaling: Literal["Linear", "Logarithmic"] = "Linear"
    values: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.type == "categorical" and not self.values:
            raise ValueError("expected values of a categorical range, found none")
        if self.type != "categorical" and not self.minimum < self.maximum:
            raise ValueError(f"expected minimum < maximum, found {self.minimum} and {self.maximum}")
        if self.scaling == "Logarithmic" and self.minimum <= 0:
            raise ValueError(f"expected a minimum above 0 for logarithmic scaling, found {self.minimum}")


def bounded(default: Any, *, minimum: float | None = None, maximum: float | None = None, help: str = "") -> Any:
    """A dataclass field with a default, inclusive bounds and a line of help."""
    return field(default=default, metadata={"minimum": minimum, "maximum": maximum, "help": help})


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """The search: `objective` is a validation metric that training prints; `metrics` are others worth keeping."""

    objective: str
    direction: Literal["Maximize", "Minimize"]
    ranges: Mapping[str, Range]
    metrics: tuple[str, ...] = ()
    strategy: Literal["Bayesian", "Random", "Hyperband", "Grid"] = "Bayesian"
    max_jobs: int = bounded(10, minimum=1, maximum=500, help="training jobs in all")
    parallel_jobs: int = bounded(2, minimum=1, maximum=100, help="training jobs at a time")
    early_stopping: bool = True


@dataclass(frozen=True, kw_only=True)
class Gate:
    """What a model must reach. `primary` (higher is better) is what champion and challenger are compared on."""

    primary: str
    minimum: Mapping[str, float] = field(default_factory=dict)
    maximum: Mapping[str, float] = field(default_factory=dict)
    confidence: float = bounded(0.95, minimum=0.5, maximum=0.999, help="of the paired bootstrap interval")
    resamples: int = bounded(2000, minimum=100, maximum=100_000, help="of the paired bootstrap")


@dataclass(frozen=True, kw_only=True)
class Job:
    """The machine a SageMaker job of one stage runs on."""

    instance_type: str = "ml.m5.xlarge"
    instance_count: int = bounded(1, minimum=1, maximum=20)
    volume_gb: int = bounded(30, minimum=1, maximum=16_384)
    max_runtime_s: int = bounded(3600, minimum=60, maximum=432_000, help="the job is stopped after this")


def default_jobs() -> dict[str, Job]:
    """One ordinary machine for every SageMaker stage."""
    return {stage: Job() for stage in ("process", "tune", "train", "evaluate", "report")}


@dataclass(frozen=True, kw_only=True)
class RecipeConfig:
    """Everything that can be set about one run; recipes narrow the types of `data` and `hyperparameters`."""

    title: str
    data: Any
    hyperparameters: Any
    tuning: Tuning
    gate: Gate
    tune: bool = False
    seed: int = bounded(42, minimum=0, maximum=2**31 - 1)
    jobs: Mapping[str, Job] = field(default_factory=default_jobs)


def to_mapping(config: Any) -> Any:
    """Plain dicts, lists and scalars of a config, ready for JSON."""
    if dataclasses.is_dataclass(config) and not isinstance(config, type):
        return {f.name: to_mapping(getattr(config, f.name)) for f in dataclasses.fields(config)}
    if isinstance(config, Mapping):
        return {key: to_mapping(value) for key, value in config.items()}
    if isinstance(config, tuple | list):
        return [to_mapping(value) for value in config]
    return config


def override(config: ConfigT, changes: Mapping[str, Any]) -> ConfigT:
    """A copy of `config` with `changes` (same shape, any subset) laid over it.

    Raises ConfigError naming every unknown key, wrong type and value out of bounds at once.
    """
    problems: list[str] = []
    changed = _merge(config, changes, "", problems)
    if problems:
        raise ConfigError(problems)
    return typing.cast(ConfigT, changed)


def _merge(config: Any, changes: Any, path: str, problems: list[str]) -> Any:
    if not isinstance(changes, Mapping):
        problems.append(f"{path or 'run.json'}: expected an object, found {_show(changes)}.")
        return config
    hints = typing.get_type_hints(type(config))
    known = {f.name: f for f in dataclasses.fields(config)}
    values: dict[str, Any] = {}
    for key, value in changes.items():
        where = f"{path}.{key}" if path else str(key)
        if key not in known:
            problems.append(f"{where}: unknown setting; known here are {', '.join(known)}.")
            continue
        current = getattr(config, key)
        if dataclasses.is_dataclass(current):
            values[key] = _merge(current, value, where, problems)
        elif isinstance(current, Mapping):
            values[key] = _merge_entries(current, value, where, problems)
        else:
            values[key] = _checked(value, hints[key], known[key].metadata, where, problems)
    try:
        return dataclasses.replace(config, **values)
    except ValueError as error:
        problems.append(f"{path or 'run.json'}: {error}.")
        return config


def _merge_entries(current: Mapping[str, Any], changes: Any, path: str, problems: list[str]) -> dict[str, Any]:
    """Entries may be changed, never added: a new gate metric or range would refer to nothing."""
    merged = dict(current)
    if not isinstance(changes, Mapping):
        problems.append(f"{path}: expected an object, found {_show(changes)}.")
        return merged
    for key, value in changes.items():
        where = f"{path}.{key}"
        if key not in current:
            problems.append(f"{where}: unknown setting; known here are {', '.join(current)}.")
        elif dataclasses.is_dataclass(current[key]):
            merged[key] = _merge(current[key], value, where, problems)
        else:
            merged[key] = _checked(value, float, {}, where, problems)
    return merged


def _checked(value: Any, hint: Any, metadata: Mapping[str, Any], path: str, problems: list[str]) -> Any:
    for option in _options(hint):
        fitted, accepted = _fit(value, option)
        if accepted:
            low, high = metadata.get("minimum"), metadata.get("maximum")
            if isinstance(fitted, int | float) and not isinstance(fitted, bool) and not _within(fitted, low, high):
                problems.append(f"{path}: expected {_bounds(low, high)}, found {_show(value)}.")
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
    return value, isinstance(hint, type) and isinstance(value, hint)


def _fit_items(value: Any, item: Any) -> tuple[Any, bool]:
    if not isinstance(value, list | tuple):
        return value, False
    fitted = [_fit(each, item) for each in value]
    return tuple(each for each, _ in fitted), all(accepted for _, accepted in fitted)


def _fit_number(value: Any, hint: type[int] | type[float]) -> tuple[Any, bool]:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return value, False
    try:
        number = float(value)
    except ValueError:
        return value, False
    if not math.isfinite(number) or (hint is int and not number.is_integer()):
        return value, False
    return hint(number), True


def _options(hint: Any) -> tuple[Any, ...]:
    return typing.get_args(hint) if typing.get_origin(hint) in (Union, types.UnionType) else (hint,)


def _within(number: float, low: float | None, high: float | None) -> bool:
    return (low is None or number >= low) and (high is None or number <= high)


def _bounds(low: float | None, high: float | None) -> str:
    if low is None:
        return f"at most {high}"
    return f"at least {low}" if high is None else f"a value from {low} to {high}"


def _name(hint: Any) -> str:
    if typing.get_origin(hint) is Literal:
        return "one of " + ", ".join(str(each) for each in typing.get_args(hint))
    options = _options(hint)
    if len(options) > 1:
        return " or ".join(_name(each) for each in options)
    return {int: "a whole number", float: "a number", bool: "true or false", str: "text", types.NoneType: "null"}.get(
        hint, str(hint)
    )


def _show(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def settings(config: Any, prefix: str = "") -> Iterator[tuple[str, Any, str]]:
    """Every leaf setting as (dotted name, value, help), for `trainyard recipes` and the documentation."""
    for each in dataclasses.fields(config):
        value, path = getattr(config, each.name), f"{prefix}{each.name}"
        if dataclasses.is_dataclass(value):
            yield from settings(value, f"{path}.")
        elif isinstance(value, Mapping):
            for key, entry in value.items():
                if dataclasses.is_dataclass(entry):
                    yield from settings(entry, f"{path}.{key}.")
                else:
                    yield f"{path}.{key}", entry, ""
        else:
            yield path, value, each.metadata.get("help", "")
