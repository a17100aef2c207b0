"""The report of a run: a frame around the page that the run wrote, which may run and load nothing."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from trainyard.client.model import scoring
from trainyard.client.run import artifacts
from trainyard.client.run.artifacts import RunArtifacts
from trainyard.console import pages, tabs
from trainyard.console.views.truth import QualityView
from trainyard.errors import NotFound
from trainyard.run.files import PAGE_FILE
from trainyard.run.stage import Stage
from trainyard.run.watch.observed import ObservedQuality

# The report is made of foreign data; whatever it holds, it can neither act nor ask anybody for anything.
POLICY = "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; frame-ancestors 'self'"
STAGES = {"report": Stage.REPORT, "score": Stage.SCORE}


def report(request: Request) -> Response:
    """The page with the report in a frame; of a run without one, that there is none."""
    recipe, run_id = request.path_params["recipe"], request.path_params["run_id"]
    run = artifacts.of_run(pages.deployment(request), recipe, run_id=run_id)
    return pages.page(
        request,
        "report.html.j2",
        title=f"Report of run {run_id}",
        recipe=recipe,
        run_id=run_id,
        stage=_stage(request).value,
        drift=scoring.drift(run) if _stage(request) is Stage.SCORE else None,
        verified=_verified(run),
        written=any(run.listed_under(f"{_stage(request)}/{PAGE_FILE}")),
        tabs_of=tabs.of_artifacts(run),
    )


def _verified(run: RunArtifacts) -> QualityView | None:
    """What labels said of predictions, of a run that set them beside each other."""
    found = run.document(Stage.VERIFY, ObservedQuality)
    return None if found is None else QualityView.of(found)


def page(request: Request) -> Response:
    """The report itself. Raises NotFound where the run has none."""
    deployment = pages.deployment(request)
    run = artifacts.of_run(deployment, request.path_params["recipe"], run_id=request.path_params["run_id"])
    try:
        body, _ = run.opened(f"{_stage(request)}/{PAGE_FILE}")
    except NotFound as error:
        raise NotFound("Expected a report of this run, found none: it may not have come so far.") from error
    return HTMLResponse(body.read(), headers={"content-security-policy": POLICY})


def _stage(request: Request) -> Stage:
    asked = request.query_params.get("stage", "report")
    if asked not in STAGES:
        raise NotFound(f"Expected one of {', '.join(STAGES)}; found {asked!r:.60}.")
    return STAGES[asked]
