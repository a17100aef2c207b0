"""Whether a run's settings let its execution end in time, by the limits of its jobs; pure.

Every figure is the longest that something may take before it is ended, not what it usually takes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from trainyard.contract.config import RecipeConfig
from trainyard.errors import BadRequest

# TimeoutSeconds of the state machine, MaxConcurrency of its "Train every child", the timeout of Glue jobs: tests hold
# them against the definition and the template.
EXECUTION_S = 90 * 24 * 3600
CHILDREN_AT_ONCE = 5
GLUE_JOB_S = 8 * 3600
# Functions, messages, an endpoint that starts (an hour), and pauses after faults of a service.
OTHER_S = 4 * 3600
# SageMaker's own bound of a tuning job.
LONGEST_TUNING_S = 15_768_000


def require_in_time(config: RecipeConfig, *, task: str) -> None:
    """Raise BadRequest, with the arithmetic, for settings with which an execution may be ended before its work is done.

    What trains children is looked at when their list is read: `most_children`.
    """
    if config.fans_out:
        return
    parts = longest(config, task=task)
    total = sum(parts.values())
    if total > EXECUTION_S:
        rows = "; ".join(f"{what} {seconds:,} s" for what, seconds in parts.items())
        raise BadRequest(
            f"Expected settings with which an execution ends within {EXECUTION_S:,} s ({_days(EXECUTION_S)}), found up "
            f"to {total:,} s ({_days(total)}): {rows}. Lower jobs.*.max_runtime_s or tuning.max_jobs, or raise "
            "tuning.parallel_jobs."
        )


def longest(config: RecipeConfig, *, task: str = "train") -> Mapping[str, int]:
    """The parts of an execution and the seconds that each may take, in their order."""
    if task == "deploy":
        return _endpoint(config)
    if task == "check_drift":
        return {"requests": config.jobs["score"].max_runtime_s, "pauses": OTHER_S}
    limits = {stage: job.max_runtime_s for stage, job in config.jobs.items()}
    scoring = {"score": limits["score"]} if task == "score" or config.score.enabled else {}
    if task == "verify":
        return {"ingest": GLUE_JOB_S, "verify": limits["score"], "pauses": OTHER_S}
    if task == "score":
        return {"ingest": GLUE_JOB_S, **scoring, "pauses": OTHER_S}
    return {
        "ingest and prepare": 2 * GLUE_JOB_S,
        "process": limits["process"],
        **(_search(config) if config.tune else {"train (twice its limit, for a spot instance)": 2 * limits["train"]}),
        "evaluate": limits["evaluate"],
        **({"register": GLUE_JOB_S} if config.reads_database else {}),
        "report": limits["report"],
        **scoring,
        **_endpoint(config),
    }


def _endpoint(config: RecipeConfig) -> Mapping[str, int]:
    seconds = config.deploy.steps * config.deploy.rollout.wait_s
    steps = {"requests that move step by step": seconds} if seconds else {}
    return {"endpoint and pauses": OTHER_S, **steps}


def _search(config: RecipeConfig) -> Mapping[str, int]:
    search, rounds = config.tuning, _rounds(config)
    jobs = f"{search.total_jobs} jobs, {min(search.parallel_jobs, search.total_jobs)} at a time"
    limit = config.jobs["tune"].max_runtime_s
    return {
        f"tune ({jobs}: {rounds} rounds x {limit:,} s x 2 for spot instances)": 2 * rounds * limit,
        "analyse": config.jobs["report"].max_runtime_s,
    }


def _rounds(config: RecipeConfig) -> int:
    return math.ceil(config.tuning.total_jobs / min(config.tuning.parallel_jobs, config.tuning.total_jobs))


def tuning_limit(config: RecipeConfig) -> int:
    """Seconds after which a tuning job as a whole is stopped: when all its jobs have had their time."""
    return min(2 * _rounds(config) * config.jobs["tune"].max_runtime_s, LONGEST_TUNING_S)


def most_children(config: RecipeConfig) -> int:
    """How many children of these settings can end in time."""
    return CHILDREN_AT_ONCE * ((EXECUTION_S - GLUE_JOB_S - OTHER_S) // _child(config))


def children_rule(config: RecipeConfig) -> str:
    """The arithmetic behind `most_children`, for a reader."""
    return (
        f"{CHILDREN_AT_ONCE} train at a time, each for up to {_child(config):,} s, and all must end within "
        f"{EXECUTION_S:,} s. Lower jobs.*.max_runtime_s, or start some children by themselves."
    )


def _child(config: RecipeConfig) -> int:
    return sum(longest(config).values())


def _days(seconds: int) -> str:
    return f"{seconds / 86_400:.1f} days"
