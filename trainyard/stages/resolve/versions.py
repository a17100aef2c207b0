"""What a plan says of a registered version, and which model it is one of; part of Resolve, in a Lambda."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from trainyard.errors import ConfigError, NotFound
from trainyard.run import naming
from trainyard.run import recipe as recipes
from trainyard.run.registry import Version
from trainyard.run.store import RunStore


def facts(version: Version) -> Mapping[str, str]:
    """What the state machine needs of a version to make a model of it."""
    return {
        "package": version.arn,
        "data": version.data,
        "model_name": version.sagemaker_model,
        "run_id": version.run_id,
        "image": version.image,
    }


def model_of(version: Version, *, bucket: str, s3: Any) -> str:
    """The name of the model that a version is one of; empty where its run left nothing that says so.

    Groups outlive an environment that keeps its data; one that is made anew has another bucket, and reads that alone.
    """
    if urlsplit(version.data).netloc != bucket:
        return ""
    try:
        run = RunStore.open(s3, f"s3://{bucket}/{version.recipe}/{version.run_id}").run
        return naming.model_of(run.recipe, recipes.config(run.recipe, run.config))
    except (ConfigError, NotFound):
        return ""
