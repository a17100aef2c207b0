"""Reads the policy that an environment was deployed with, from the function that enforces it; runs on a laptop."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from trainyard.client.deployment import Deployment
from trainyard.errors import NotFound
from trainyard.run.document import decoded
from trainyard.run.settings.policy import Policy

VARIABLE = "POLICY"
# Whoever uploads need not be allowed to look at functions.
UNREADABLE = ("AccessDenied", "AccessDeniedException", "ResourceNotFoundException")


def deployed(deployment: Deployment) -> Policy:
    """What uploads and starts may ask for in an environment. Raises NotFound where an older version is deployed."""
    variables = deployment.variables()
    if VARIABLE not in variables:
        raise NotFound(
            f"Expected a policy in the environment of function {deployment.resolve_function}, found none: it was "
            "deployed by a version without policies, which refuses nothing. "
            f"Run `trainyard deploy --env {deployment.env}`."
        )
    return decoded(Policy, json.loads(variables[VARIABLE]))


def divided(deployment: Deployment, settings: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What of some settings run.json may say, and what only a start may; all in run.json where nobody can tell here.

    Resolve has the last word.
    """
    try:
        return deployed(deployment).divided(settings)
    except NotFound:
        return dict(settings), {}
    except ClientError as error:
        if error.response["Error"]["Code"] not in UNREADABLE:
            raise
        return dict(settings), {}
