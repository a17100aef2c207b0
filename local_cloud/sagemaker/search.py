"""Chooses hyperparameters for a tuning job with Optuna, and decides which training jobs to end early; in the server."""

from __future__ import annotations

import hashlib
import itertools
import math
import random
import statistics
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState, create_trial

from local_cloud.sagemaker.errors import invalid

# An Auto range that spans this factor is searched on a logarithmic scale.
AUTO_LOGARITHMIC = 1000.0
# The median of fewer jobs says too little to end another one for it.
MEDIAN_JOBS = 3

optuna.logging.set_verbosity(optuna.logging.WARNING)


@dataclass(frozen=True)
class Range:
    """One tuned hyperparameter: how Optuna draws it, and how its draw and its text become each other."""

    name: str
    distribution: BaseDistribution
    to_text: Callable[[Any], str]
    from_text: Callable[[str], Any]


def ranges(configured: Mapping[str, Any]) -> list[Range]:
    """ParameterRanges of a request; raises a ValidationException for an impossible one."""
    found = [_integer(each) for each in configured.get("IntegerParameterRanges", ())]
    found += [_continuous(each) for each in configured.get("ContinuousParameterRanges", ())]
    for each in configured.get("CategoricalParameterRanges", ()):
        found.append(Range(each["Name"], CategoricalDistribution(each["Values"]), str, str))
    names = [each.name for each in found]
    if not found or len(set(names)) != len(names):
        raise invalid(f"Expected at least one hyperparameter range and unique names, found {names}.")
    return found


def _scale(each: Mapping[str, str], low: float, high: float) -> str:
    if low > high:
        raise invalid(f"MinValue {low} of {each['Name']!r} is greater than its MaxValue {high}.")
    scale = each.get("ScalingType", "Auto")
    if scale == "Auto":
        return "Logarithmic" if low > 0 and high / low >= AUTO_LOGARITHMIC else "Linear"
    if scale == "Logarithmic" and low <= 0:
        raise invalid(f"Logarithmic scaling needs a MinValue greater than 0, {each['Name']!r} has {low}.")
    if scale == "ReverseLogarithmic" and not 0 <= low <= high < 1:
        raise invalid(f"ReverseLogarithmic scaling needs values in [0, 1), {each['Name']!r} has [{low}, {high}].")
    return scale


def _number(each: Mapping[str, str], member: str, kind: Callable[[str], Any]) -> Any:
    try:
        value = kind(each[member])
    except ValueError:
        raise invalid(f"{member} of {each['Name']!r} is not a number: {each[member]!r}.") from None
    if not math.isfinite(value):
        raise invalid(f"{member} of {each['Name']!r} must be finite.")
    return value


def _integer(each: Mapping[str, str]) -> Range:
    low, high = _number(each, "MinValue", int), _number(each, "MaxValue", int)
    scale = _scale(each, low, high)
    if scale == "ReverseLogarithmic":
        raise invalid(f"ReverseLogarithmic scaling is for continuous ranges, {each['Name']!r} is an integer.")
    return Range(each["Name"], IntDistribution(low, high, log=scale == "Logarithmic"), str, int)


def _continuous(each: Mapping[str, str]) -> Range:
    low, high = _number(each, "MinValue", float), _number(each, "MaxValue", float)
    scale = _scale(each, low, high)
    if scale == "ReverseLogarithmic":
        # What is drawn on a logarithmic scale is the distance from 1.
        mirrored = FloatDistribution(1 - high, 1 - low, log=True)
        return Range(each["Name"], mirrored, lambda value: repr(1 - value), lambda text: 1 - float(text))
    return Range(each["Name"], FloatDistribution(low, high, log=scale == "Logarithmic"), repr, float)


class Search:
    """The search of one tuning job. `budget` is its MaxNumberOfTrainingJobs; equal seeds give equal draws."""

    def __init__(self, config: Mapping[str, Any], *, budget: int, seed: int) -> None:
        self.ranges = ranges(config["ParameterRanges"])
        self.maximize = config["HyperParameterTuningJobObjective"]["Type"] == "Maximize"
        self.hyperband = config["Strategy"] == "Hyperband"
        self._study = optuna.create_study(
            direction="maximize" if self.maximize else "minimize",
            sampler=_sampler(config["Strategy"], budget=budget, seed=seed),
            pruner=_pruner(config),
        )
        if config["Strategy"] == "Grid":
            self._enqueue_grid(seed)

    def _enqueue_grid(self, seed: int) -> None:
        # Optuna's own grid sampler ends an optimization loop that ask and tell do not have.
        values = grid(self.ranges)
        combinations = [dict(zip(values, each, strict=True)) for each in itertools.product(*values.values())]
        random.Random(seed).shuffle(combinations)
        for each in combinations:
            self._study.enqueue_trial(each)

    def ask(self) -> tuple[optuna.Trial, dict[str, str]]:
        """The next trial and its hyperparameters as SageMaker's strings."""
        trial = self._study.ask({each.name: each.distribution for each in self.ranges})
        return trial, {each.name: each.to_text(trial.params[each.name]) for each in self.ranges}

    def report(self, trial: optuna.Trial, values: Sequence[float], *, known: int) -> bool:
        """Tell the values of a running trial beyond the `known` first ones; True when Hyperband ends it here."""
        for step in range(known, len(values)):
            trial.report(values[step], step + 1)
        return self.hyperband and len(values) > known and trial.should_prune()

    def tell(self, trial: optuna.Trial, value: float | None, *, stopped: bool) -> None:
        """Close a trial with its final value, as stopped early, or (None) as failed."""
        if value is None:
            self._study.tell(trial, state=TrialState.FAIL)
        elif stopped and self.hyperband:
            self._study.tell(trial, state=TrialState.PRUNED)
        else:
            self._study.tell(trial, value)

    def learn(self, hyperparameters: Mapping[str, str], value: float) -> bool:
        """Add what a parent job found; False when it does not fit these ranges."""
        try:
            params = {each.name: each.from_text(hyperparameters[each.name]) for each in self.ranges}
        except (KeyError, ValueError):
            return False
        distributions = {each.name: each.distribution for each in self.ranges}
        inside = all(
            distributions[name]._contains(distributions[name].to_internal_repr(drawn)) for name, drawn in params.items()
        )
        if inside:
            self._study.add_trial(create_trial(params=params, distributions=distributions, value=value))
        return inside


def _sampler(strategy: str, *, budget: int, seed: int) -> optuna.samplers.BaseSampler:
    if strategy in {"Random", "Grid"}:
        return optuna.samplers.RandomSampler(seed=seed)
    with warnings.catch_warnings():
        # Optuna calls these two options experimental; without them parallel trials repeat each other.
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        startup = max(3, min(10, budget // 4))
        return optuna.samplers.TPESampler(seed=seed, n_startup_trials=startup, multivariate=True, constant_liar=True)


def _pruner(config: Mapping[str, Any]) -> optuna.pruners.BasePruner:
    if config["Strategy"] != "Hyperband":
        return optuna.pruners.NopPruner()
    limits = (config.get("StrategyConfig") or {}).get("HyperbandStrategyConfig") or {}
    return optuna.pruners.HyperbandPruner(
        min_resource=limits.get("MinResource", 1), max_resource=limits.get("MaxResource", "auto"), reduction_factor=3
    )


def grid(known: list[Range]) -> dict[str, list[Any]]:
    """Every value of every range; only categorical ranges have a grid, as in AWS."""
    result = {}
    for each in known:
        if not isinstance(each.distribution, CategoricalDistribution):
            raise invalid(f"Grid search needs categorical ranges only, {each.name!r} is not one.")
        result[each.name] = list(each.distribution.choices)
    return result


def grid_size(known: list[Range]) -> int:
    """Number of combinations of a grid."""
    return math.prod(len(values) for values in grid(known).values())


def seed_of(name: str, configured: int | None) -> int:
    """RandomSeed of the request, else one that the tuning job's name gives."""
    return configured if configured is not None else int(hashlib.sha256(name.encode()).hexdigest()[:8], 16)


def worse_than_median(values: Sequence[float], others: Sequence[Sequence[float]], *, maximize: bool) -> bool:
    """SageMaker's early stopping rule: whether the newest value is worse than the median of running averages.

    `others` are the histories of jobs that completed; those shorter than `values` say nothing about this step.
    Source: "Stop Training Jobs Early" in the SageMaker developer guide, after the median rule of Google Vizier (2017).
    """
    step = len(values)
    averages = [statistics.fmean(each[:step]) for each in others if len(each) >= step]
    if not step or len(averages) < MEDIAN_JOBS:
        return False
    median = statistics.median(averages)
    return values[-1] < median if maximize else values[-1] > median
