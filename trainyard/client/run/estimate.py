"""What a run would cost, before it: from how long the last run of its recipe took; runs on a laptop."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from trainyard.client.deployment import Deployment
from trainyard.client.execution import executions
from trainyard.client.execution.history import visits
from trainyard.client.run import cost
from trainyard.client.run.cost import StateCost
from trainyard.contract.config import RecipeConfig
from trainyard.run.costs.prices import Machines, price, prices_of
from trainyard.run.outcome import Outcome
from trainyard.run.registry import is_decision

# Where nothing of the recipe has run: minutes that a job of a middle-sized data set takes.
FIRST_GLUE_SECONDS = 60.0
FIRST_JOB_SECONDS = 240.0
FIRST_TUNING_JOB_SECONDS = 600.0
# The last run that trained is among so many.
SEARCHED = 50
GLUE_WORKER = "G.1X"
GLUE_WORKERS = 2.0
# The states that start jobs when a model is trained; of SageMaker's with the settings of their machine in `jobs`.
GLUE_STATES = ("Ingest raw data", "Prepare training data")
TRAIN_STATE = "Train model"
JOB_STATES = {
    "Build training examples": "process",
    "Tune hyperparameters": "tune",
    TRAIN_STATE: "train",
    "Evaluate model": "evaluate",
    "Write report": "report",
}
TRAINED = (Outcome.REGISTERED, Outcome.WAITING, Outcome.REFUSED)


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What a run would cost; `basis` says what that is guessed from, and `most` is the sum if every job ran as long as
    its settings allow. `prices` says whose they are, and `known` whether every machine has one.
    """

    states: Sequence[StateCost]
    usd: float
    most: float
    basis: str
    prices: str
    known: bool


def estimate(deployment: Deployment, recipe: str, *, config: RecipeConfig) -> Estimate:
    """The estimate of a run of `recipe` with `config`, at the prices of the deployment's region."""
    region = deployment.target.region
    took, basis = _took(deployment, recipe)
    states = [
        StateCost(state=state, machines=machines, usd=price(machines, region=region))
        for state, machines in _machines(config, took)
    ]
    longest = [
        price(Machines(kind=each.instance_type, count=each.instance_count, seconds=each.max_runtime_s), region=region)
        for each in config.jobs.values()
    ]
    return Estimate(
        states=states,
        usd=sum(each.usd or 0.0 for each in states),
        most=sum(each or 0.0 for each in longest),
        basis=basis,
        prices=prices_of(region),
        known=all(each.usd is not None for each in states),
    )


def _machines(config: RecipeConfig, took: Mapping[str, float]) -> Iterator[tuple[str, Machines]]:
    """What each state's job would run on, and for how long."""
    for state in GLUE_STATES:
        yield state, Machines(kind=GLUE_WORKER, count=GLUE_WORKERS, seconds=took.get(state, FIRST_GLUE_SECONDS))
    for state, stage in JOB_STATES.items():
        if stage == ("train" if config.tune else "tune"):
            continue
        job = config.jobs[stage]
        seconds = took.get(state, FIRST_JOB_SECONDS)
        if stage == "tune":
            # Each of its training jobs is as long as the one of a run without tuning.
            one = took.get(TRAIN_STATE, FIRST_TUNING_JOB_SECONDS)
            seconds = one * config.tuning.total_jobs
        yield state, Machines(kind=job.instance_type, count=job.instance_count, seconds=seconds)


def _took(deployment: Deployment, recipe: str) -> tuple[Mapping[str, float], str]:
    """How long the jobs of the recipe's last trained run took, by state, and which run that was."""
    for execution in executions.matching(deployment, recipe, status="SUCCEEDED", limit=SEARCHED):
        # What followed an approval trained nothing.
        if execution.end in TRAINED and not is_decision(execution.input):
            visited = visits(executions.history(deployment.target, execution.arn))
            found = cost.of_visits(deployment.target, visited, region=deployment.target.region)
            took: dict[str, float] = {}
            for each in found.states:
                took[each.state] = took.get(each.state, 0.0) + each.machines.seconds
            return took, f"how long the jobs of {execution.name} took"
    return {}, "four minutes a job, for nothing of this recipe has run so far"
