"""Refuses settings that ask for more machines than work is divided among; pure."""

from __future__ import annotations

from trainyard.contract.config import RecipeConfig
from trainyard.errors import ConfigError


def require_one_machine(config: RecipeConfig) -> None:
    """Raise ConfigError for a job on several machines: each would do all of the work, and write over the others'."""
    problems = [
        f"jobs.{stage}.instance_count: expected 1, for every job does its work on one machine, found "
        f"{job.instance_count}. Leave it out, and choose a larger jobs.{stage}.instance_type where one is too small."
        for stage, job in config.jobs.items()
        if job.instance_count > 1
    ]
    if problems:
        raise ConfigError(problems)
