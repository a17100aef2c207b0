"""Runs side by side: what was set and read differently first, then what each found."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from trainyard.client.run import comparison, pictures, runs
from trainyard.console import curves, pages
from trainyard.errors import BadRequest

MOST = 6


def compare(request: Request) -> Response:
    """The comparison of the runs that the address names as `run=RECIPE/RUN_ID`. Raises BadRequest and NotFound."""
    # A run id begins with its time: later runs stand to the right of the oldest one, and are compared with it.
    named = [each.partition("/") for each in sorted(set(request.query_params.getlist("run")))]
    if not 2 <= len(named) <= MOST or len({recipe for recipe, _, _ in named}) > 1:
        raise BadRequest(
            f"Expected two to {MOST} runs of one recipe to compare, found "
            f"{', '.join(''.join(each) for each in named) or 'none'}; choose them in the list of runs."
        )
    deployment = pages.deployment(request)
    found = [runs.read(deployment, recipe, run_id=run_id) for recipe, _, run_id in named]
    return pages.page(
        request,
        "compare.html.j2",
        title="Compare runs",
        found=comparison.compare(found),
        recipe=named[0][0],
        charts=curves.charts({each.request.run_id: pictures.training_curves(each.artifacts) for each in found}),
        pictures=pictures.common([each.artifacts for each in found]),
    )
