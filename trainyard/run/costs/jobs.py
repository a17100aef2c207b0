"""What the jobs of an execution took until the gate, and on which machines, from the times that the gate keeps."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from trainyard.contract.config import RecipeConfig
from trainyard.run.costs.prices import Machines, price, prices_of
from trainyard.run.documents import JobTime, JobTimes

SEARCH = "tune"
# Whose machine, of `jobs` in the settings, the job of a state runs on; Glue says by itself what a job ran on.
STAGES = {
    "Build training examples": "process",
    "Tune hyperparameters": SEARCH,
    "Analyse tuning": "report",
    "Train model": "train",
    "Evaluate model": "evaluate",
}


@dataclass(frozen=True, kw_only=True)
class StateTime:
    """A state, how many seconds it took, and the machines of its job, which run longer where several ran at once."""

    state: str
    seconds: float
    machines: Machines


def state_times(times: JobTimes, config: RecipeConfig, *, searched_seconds: float | None = None) -> list[StateTime]:
    """What each state took; all training jobs of a search ran `searched_seconds` together, if that is known."""
    return [_state_time(each, config, searched_seconds=searched_seconds or 0.0) for each in times.jobs]


def cost_in_words(times: JobTimes, config: RecipeConfig, *, region: str) -> str:
    """What all of them cost at list prices: `0.12 USD at list prices of us-east-1 of 2026-11-29`."""
    found = state_times(times, config)
    costs = [price(each.machines, region=region) for each in found]
    searched = any(STAGES.get(each.state) == SEARCH for each in found)
    least = "at least " if None in costs or searched else ""
    without = ", without the jobs of the search" if searched else ""
    return f"{least}{sum(each or 0.0 for each in costs):.2f} USD at {prices_of(region)}{without}"


def _state_time(job: JobTime, config: RecipeConfig, *, searched_seconds: float) -> StateTime:
    seconds = (datetime.fromisoformat(job.left) - datetime.fromisoformat(job.entered)).total_seconds()
    stage = STAGES.get(job.state, "")
    settings = config.jobs.get(stage)
    if settings is None:
        return StateTime(
            state=job.state, seconds=seconds, machines=Machines(kind=job.machine, count=job.count, seconds=seconds)
        )
    ran = searched_seconds if stage == SEARCH else seconds
    machines = Machines(kind=settings.instance_type, count=settings.instance_count, seconds=ran)
    return StateTime(state=job.state, seconds=seconds, machines=machines)
