"""Chooses hyperparameters for a tuning job with Optuna, and decides which training jobs to end early; in the server."""

from __future__ import annotations

import hashlib
import itertools
import random
import statistics
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import optuna
from optuna.trial import TrialState, create_trial

from local_cloud.sagemaker.tuning.ranges import grid, ranges

# The median of fewer jobs says too little to end another one for it.
MEDIAN_JOBS = 3

optuna.logging.set_verbosity(optuna.logging.WARNING)


class Search:
    """The search of one tuning job. `budget` is its MaxNumberOfTrainingJobs; equal seeds give equal draws."""

    def __init__(self, config: Mapping[str, Any], *, budget: int, seed: int) -> None:
        self.ranges = ranges(config["ParameterRanges"])
        self.budget = budget
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
