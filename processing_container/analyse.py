"""Tuning analysis job: a table of the search's training jobs, best first, and pictures of the search."""

from __future__ import annotations

from collections.abc import Sequence

import boto3
import pandas as pd
from sagemaker.core.analytics import HyperparameterTuningJobAnalytics
from sagemaker.core.helper.session_helper import Session

from processing_container.search_plots import plot_density, plot_objective, plot_search
from trainyard import container, recipe
from trainyard.errors import JobFailed
from trainyard.run import Run

OBJECTIVE = "FinalObjectiveValue"


def main(arguments: Sequence[str]) -> None:
    """`--tuning-job NAME` -> `jobs.csv`, `objective.png`, `search.png` and `density.png`."""
    if len(arguments) != 2 or arguments[0] != "--tuning-job":
        raise JobFailed(f"Expected the arguments --tuning-job NAME, found {' '.join(arguments) or 'none'}.")
    run = Run.read(container.processing_input("resolve"))
    config = recipe.config(run.recipe, run.config)
    jobs = search_table(arguments[1], maximize=config.tuning.direction == "Maximize", region=run.region)
    output = container.processing_output("analysis")
    jobs.to_csv(output / "jobs.csv", index=False)
    finished = jobs.dropna(subset=[OBJECTIVE])
    if finished.empty:
        raise JobFailed(
            f"Expected at least one training job with {config.tuning.objective} in {arguments[1]}, found none."
        )
    plot_objective(finished, config.tuning).savefig(output / "objective.png")
    plot_search(finished, config.tuning).savefig(output / "search.png")
    plot_density(finished, config.tuning).savefig(output / "density.png")
    best = finished.iloc[0]
    print(
        f"{len(finished)} of {len(jobs)} jobs finished; best {best.TrainingJobName}: {best[OBJECTIVE]:.5g}", flush=True
    )


def search_table(tuning_job: str, *, maximize: bool, region: str) -> pd.DataFrame:
    """Every training job of the search with its hyperparameters, status, times and objective, best first."""
    aws = boto3.Session(region_name=region)
    session = Session(boto_session=aws, sagemaker_client=aws.client("sagemaker"))
    table: pd.DataFrame = HyperparameterTuningJobAnalytics(tuning_job, sagemaker_session=session).dataframe()
    if table.empty:
        raise JobFailed(f"Expected training jobs in tuning job {tuning_job}, found none.")
    return table.sort_values(OBJECTIVE, ascending=not maximize, na_position="last").reset_index(drop=True)
