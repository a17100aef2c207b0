"""Takes the model in use back: what that will do, the command that does it too, and the deed; behind the console."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from trainyard.client.deployment import Deployment
from trainyard.client.model import endpoints, promotion
from trainyard.client.model.promotion import Rollback
from trainyard.console import pages
from trainyard.errors import TrainyardError
from trainyard.run.naming import ModelParts


def ask(request: Request) -> Response:
    """What rolling back means now, and the form that does just that. Raises NotFound where nothing is before it."""
    deployment, name = pages.deployment(request), request.path_params["model"]
    plan, options = _planned(deployment, name), _options(name)
    agreed = urlencode({"from": plan.current.run_id, "to": plan.chosen.number})
    served = endpoints.of_model(deployment, name)
    return pages.page(
        request,
        "rollback.html.j2",
        title=f"Roll {name} back",
        plan=plan,
        served=served is not None and served.run != plan.chosen.run_id,
        post=f"{request.url.path}?{agreed}",
        command=f"trainyard rollback {plan.place.recipe}{options}{deployment.options}",
        release=f"trainyard release {plan.place.recipe}{options}{deployment.options}",
    )


def act(request: Request) -> Response:
    """Do what the page said. Raises TrainyardError where something else would be done by now, and NotFound."""
    deployment, asked = pages.deployment(request), request.query_params
    plan = _planned(deployment, request.path_params["model"], to=asked.get("to"))
    if plan.current.run_id != asked.get("from"):
        raise TrainyardError(
            f"Expected the model of run {asked.get('from', '')!r:.60} in use, found that of run {plan.current.run_id}: "
            "another came into use meanwhile, and nothing was changed. Go back and look again."
        )
    promotion.roll_back(deployment, plan)
    return RedirectResponse("/models", status_code=303)


def _planned(deployment: Deployment, name: str, *, to: str | None = None) -> Rollback:
    parts = ModelParts.of(name)
    return promotion.planned(deployment, parts.recipe, to=to, variant=parts.variant, model=parts.model)


def _options(name: str) -> str:
    """How the command line is told which model of the recipe is meant."""
    parts = ModelParts.of(name)
    named = {"--variant": parts.variant, "--model": parts.model}
    return "".join(f" {option} {value}" for option, value in named.items() if value)
