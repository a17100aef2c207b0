"""What an execution cost, or would have cost in AWS: a part of its page that is asked for once the page is there."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from trainyard.client.execution import executions
from trainyard.client.execution.find_execution import find_execution
from trainyard.client.execution.history import visits
from trainyard.client.run import cost as client
from trainyard.console import pages


def cost(request: Request) -> Response:
    """The sum, and each job with its machine. Raises NotFound."""
    deployment = pages.deployment(request)
    found = find_execution(deployment, request.path_params["name"])
    visited = visits(executions.history(deployment.target, found.arn))
    shown = client.of_visits(deployment.target, visited, region=deployment.target.region)
    template = "cost.html.j2" if pages.is_fragment(request) else "cost_page.html.j2"
    return pages.page(request, template, title="Cost", cost=shown, local=deployment.target.local, execution=found)
