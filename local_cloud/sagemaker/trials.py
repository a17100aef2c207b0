"""Keeps the training jobs of one tuning job going: starts, watches and ends them; runs in the tuning job's thread."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from local_cloud.jobs.running import RunningJob
from local_cloud.sagemaker.records import Record
from local_cloud.sagemaker.search import Search, grid_size, worse_than_median
from local_cloud.sagemaker.training import TrainingJobs

Launch = Callable[[Record, int, dict[str, str]], tuple[str, RunningJob]]


@dataclass
class Trial:
    """One running training job; `told` counts the objective values that the search knows."""

    name: str
    trial: Any
    job: RunningJob
    told: int = 0
    stopped: bool = False


class Trials:
    """The training jobs of a tuning job, within its limits."""

    def __init__(self, record: Record, search: Search, *, launch: Launch, training: TrainingJobs) -> None:
        config = record["HyperParameterTuningJobConfig"]
        limits = config["ResourceLimits"]
        self._record = record
        self._search = search
        self._launch = launch
        self._training = training
        self._objective: str = config["HyperParameterTuningJobObjective"]["MetricName"]
        self._budget: int = limits.get("MaxNumberOfTrainingJobs") or grid_size(search.ranges)
        self._parallel: int = limits["MaxParallelTrainingJobs"]
        self._median = config.get("TrainingJobEarlyStoppingType", "Off") == "Auto"
        self._target = (config.get("TuningJobCompletionCriteria") or {}).get("TargetObjectiveMetricValue")
        self._deadline = time.monotonic() + limits.get("MaxRuntimeInSeconds", float("inf"))
        self._running: list[Trial] = []
        self._completed: list[list[float]] = []
        self._launched = 0
        self._reached = False

    def advance(self, *, stopping: bool) -> bool:
        """Collect what ended, end what is hopeless, start what is due; False when there is nothing left to wait for."""
        self._collect()
        enough = stopping or self._reached or time.monotonic() >= self._deadline
        for trial in self._running:
            if enough or self._hopeless(trial):
                self._stop(trial)
        while not enough and len(self._running) < self._parallel and self._launched < self._budget:
            self._start()
        return bool(self._running)

    def _start(self) -> None:
        self._launched += 1
        trial, hyperparameters = self._search.ask()
        name, job = self._launch(self._record, self._launched, hyperparameters)
        self._running.append(Trial(name, trial, job))

    def _collect(self) -> None:
        for trial in [each for each in self._running if each.job.done.is_set()]:
            self._running.remove(trial)
            record = self._training.require({"TrainingJobName": trial.name})
            values = trial.job.metrics.values(self._objective)
            self._search.report(trial.trial, values, known=trial.told)
            failed = record["TrainingJobStatus"] == "Failed" or not values
            self._search.tell(trial.trial, None if failed else values[-1], stopped=trial.stopped)
            if record["TrainingJobStatus"] == "Completed" and values:
                self._completed.append(values)
            if values and self._target is not None and not failed:
                self._reached |= values[-1] >= self._target if self._search.maximize else values[-1] <= self._target

    def _hopeless(self, trial: Trial) -> bool:
        """Whether Hyperband or the median rule ends the trial at its newest value."""
        values = trial.job.metrics.values(self._objective)
        if len(values) <= trial.told:
            return False
        pruned = self._search.report(trial.trial, values, known=trial.told)
        trial.told = len(values)
        return pruned or (self._median and worse_than_median(values, self._completed, maximize=self._search.maximize))

    def _stop(self, trial: Trial) -> None:
        if not trial.stopped:
            trial.stopped = True
            self._training.stop({"TrainingJobName": trial.name})
