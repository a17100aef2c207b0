"""Refuses machines that a run would pay for and not use: several for one job's work, and idle GPUs; pure."""

from __future__ import annotations

from collections.abc import Iterator

from trainyard.contract.config import RecipeConfig
from trainyard.errors import ConfigError
from trainyard.run.gpu import FITTING, has_gpu


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


def require_gpu_in_use(config: RecipeConfig, *, gpu: bool) -> None:
    """Raise ConfigError for a GPU where none is used; `gpu` says whether the environment has an image for one."""
    if problems := list(_unused_gpus(config, gpu=gpu)):
        raise ConfigError(problems)


def _unused_gpus(config: RecipeConfig, *, gpu: bool) -> Iterator[str]:
    asked = {f"jobs.{stage}": job.instance_type for stage, job in config.jobs.items()}
    asked["deploy"] = config.deploy.instance_type
    fitting = {f"jobs.{stage}" for stage in FITTING}
    for name, instance_type in asked.items():
        if not has_gpu(instance_type):
            continue
        if name not in fitting:
            yield (
                f"{name}.instance_type: expected a machine without a GPU, for only tune and train use one, found "
                f"{instance_type!r}. Choose a machine such as ml.m5.xlarge."
            )
        elif not gpu:
            yield (
                f"{name}.instance_type: expected a machine without a GPU, for this environment has no image that uses "
                f"one, found {instance_type!r}. Choose a machine such as ml.m5.xlarge, or set gpu=True in "
                "infra/settings.py and deploy it to an account."
            )
