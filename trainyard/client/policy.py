"""Reads the policy that an environment was deployed with, from the function that enforces it; runs on a laptop."""

from __future__ import annotations

import json

from trainyard.client.deployment import Deployment
from trainyard.errors import NotFound
from trainyard.run.document import decoded
from trainyard.run.policy import Policy

VARIABLE = "POLICY"


def deployed(deployment: Deployment) -> Policy:
    """What uploads and starts may ask for in an environment. Raises NotFound where an older version is deployed."""
    function = f"{deployment.name}-resolve"
    found = deployment.target.client("lambda").get_function_configuration(FunctionName=function)
    variables = found.get("Environment", {}).get("Variables", {})
    if VARIABLE not in variables:
        raise NotFound(
            f"Expected a policy in the environment of function {function}, found none: it was deployed by a version "
            f"without policies, which refuses nothing. Run `trainyard deploy --env {deployment.env}`."
        )
    return decoded(Policy, json.loads(variables[VARIABLE]))
