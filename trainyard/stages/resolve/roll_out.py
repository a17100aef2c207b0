"""How a new version comes into service, in the terms of SageMaker's UpdateEndpoint and of its test; pure."""

from __future__ import annotations

from typing import Any

from trainyard.contract.config import Deployment
from trainyard.run.naming import ModelParts
from trainyard.run.watch import capture
from trainyard.run.watch.capture import CaptureRules

# Instances start within this time; SageMaker takes a deployment back that is not done by then.
START_S = 2 * 3600
SIZES = {"canary": "CanarySize", "linear": "LinearStepSize"}


def planned(chosen: Deployment, *, model: str, rules: CaptureRules | None = None) -> dict[str, Any]:
    """What the machine needs beside the settings; `model` is its name in the ledger.

    `try_first`, where the version is tested on an endpoint of its own before it gets a request; with `update_policy` it
    gets them step by step, and with `comparison` it has to answer as the version before did.
    """
    found = _update_policy(chosen) | _comparison(chosen, model, rules=rules)
    return {"try_first": bool(found), **found}


def at_once(planned_deployment: dict[str, Any]) -> dict[str, Any]:
    """The same deployment without a test of its own and without steps."""
    return {key: value for key, value in planned_deployment.items() if key not in ("update_policy", "comparison")} | {
        "try_first": False
    }


def _update_policy(chosen: Deployment) -> dict[str, Any]:
    """The BlueGreenUpdatePolicy of a roll-out in steps; nothing for all at once, SageMaker's default."""
    moving = chosen.rollout
    if moving.type not in SIZES:
        return {}
    # Of percents SageMaker makes whole instances, and refuses those that come to more than half of them.
    size = {"Type": "INSTANCE_COUNT", "Value": moving.at_a_time(chosen.instance_count)}
    policy = {
        "TrafficRoutingConfiguration": {
            "Type": moving.type.upper(),
            "WaitIntervalInSeconds": moving.wait_s,
            SIZES[moving.type]: size,
        },
        "MaximumExecutionTimeoutInSeconds": START_S + chosen.steps * moving.wait_s,
    }
    return {"update_policy": policy}


def _comparison(chosen: Deployment, model: str, *, rules: CaptureRules | None) -> dict[str, Any]:
    """What the test is told of a comparison (`trainyard.stages.deploy.comparison.Comparison`); nothing for none."""
    if chosen.compare.most_changed is None or rules is None:
        return {}
    wanted = {
        "recipe": ModelParts.of(model).recipe,
        "model": model,
        "rows": chosen.compare.rows,
        "most_changed": chosen.compare.most_changed,
        "tolerance": chosen.compare.tolerance,
        "never_kept": list(capture.never_kept(chosen.capture, rules)),
    }
    return {"comparison": wanted}
