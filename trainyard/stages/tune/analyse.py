"""Makes a table of a search's training jobs, best first, and pictures of the search; runs in the processing image."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
from sagemaker.core.analytics import HyperparameterTuningJobAnalytics

from trainyard.contract.config import Tuning
from trainyard.errors import JobFailed
from trainyard.run import search_table
from trainyard.run.search_table import OBJECTIVE
from trainyard.stages.tune.search_plots import plot_density, plot_objective, plot_search


def analyse(tuning_job: str, tuning: Tuning, *, session: Any, output: Path) -> str:
    """Write `jobs.csv`, `objective.png`, `search.png` and `density.png`; returns a line about the best job.

    `session` is one of the SageMaker SDK. Raises JobFailed when no job of the search finished.
    """
    jobs = jobs_table(tuning_job, maximize=tuning.maximizes, session=session)
    jobs.to_csv(output / search_table.FILE, index=False)
    finished = jobs.dropna(subset=[OBJECTIVE])
    if finished.empty:
        raise JobFailed(f"Expected at least one training job with {tuning.objective} in {tuning_job}, found none.")
    plot_objective(finished, tuning).savefig(output / "objective.png")
    plot_search(finished, tuning).savefig(output / "search.png")
    plot_density(finished, tuning).savefig(output / "density.png")
    best = finished.iloc[0]
    return f"{len(finished)} of {len(jobs)} jobs finished; best {best.TrainingJobName}: {best[OBJECTIVE]:.5g}"


def jobs_table(tuning_job: str, *, maximize: bool, session: Any) -> pd.DataFrame:
    """Every training job of the search with its hyperparameters, status, times and objective, best first."""
    table: pd.DataFrame = HyperparameterTuningJobAnalytics(tuning_job, sagemaker_session=session).dataframe()
    if table.empty:
        raise JobFailed(f"Expected training jobs in tuning job {tuning_job}, found none.")
    return table.sort_values(OBJECTIVE, ascending=not maximize, na_position="last").reset_index(drop=True)
