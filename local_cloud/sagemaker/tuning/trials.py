"""Keeps the training jobs of one tuning job going: starts, watches and ends them; runs in the tuning job's thread."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Protocol

from local_cloud.jobs.records import Record
from local_cloud.jobs.running import RunningJob
from local_cloud.sagemaker.jobs.training import TrainingJobs
from local_cloud.sagemaker.tuning.search import Search, worse_than_median


class Launch(Protocol):
    """Starts the training job of one trial of a tuning job; returns its name and handle."""

    def __call__(self, record: Record, *, number: int, hyperparameters: dict[str, str]) -> tuple[str, RunningJob]: ...


@dataclass
class Trial:
    """One running training job: its draw in the search, and how many of its objective values the search knows."""

    name: str
    draw: Any
    job: RunningJob
    reported: int = 0
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
        while not enough and len(self._running) < self._parallel and self._launched < self._search.budget:
            self._start()
        return bool(self._running)

    def _start(self) -> None:
        self._launched += 1
        draw, hyperparameters = self._search.ask()
        name, job = self._launch(self._record, number=self._launched, hyperparameters=hyperparameters)
        self._running.append(Trial(name, draw, job))

    def _collect(self) -> None:
        for trial in [each for each in self._running if each.job.done.is_set()]:
            self._running.remove(trial)
            record = self._training.require({"TrainingJobName": trial.name})
            values = trial.job.metrics.values(self._objective)
            self._search.report(trial.draw, values, known=trial.reported)
            failed = record["TrainingJobStatus"] == "Failed" or not values
            self._search.tell(trial.draw, None if failed else values[-1], stopped=trial.stopped)
            if record["TrainingJobStatus"] == "Completed" and values:
                self._completed.append(values)
            if values and self._target is not None and not failed:
                self._reached |= values[-1] >= self._target if self._search.maximize else values[-1] <= self._target

    def _hopeless(self, trial: Trial) -> bool:
        """Whether Hyperband or the median rule ends the trial at its newest value."""
        values = trial.job.metrics.values(self._objective)
        if len(values) <= trial.reported:
            return False
        pruned = self._search.report(trial.draw, values, known=trial.reported)
        trial.reported = len(values)
        return pruned or (self._median and worse_than_median(values, self._completed, maximize=self._search.maximize))

    def _stop(self, trial: Trial) -> None:
        if not trial.stopped:
            trial.stopped = True
            self._training.stop({"TrainingJobName": trial.name})
