"""The application: which address shows which page; what goes wrong becomes one sentence on a page."""

from __future__ import annotations

from botocore.exceptions import BotoCoreError, ClientError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from trainyard.client import failures
from trainyard.console import files, pages
from trainyard.console.site import Site
from trainyard.console.views import (
    actions,
    artifacts,
    compare,
    cost,
    datasets,
    execution,
    home,
    models,
    playground,
    report,
    rollback,
    run,
    state,
    stream,
    truth,
    tuning,
)
from trainyard.errors import BadRequest, NotFound, TrainyardError

ROUTES = [
    Route("/", home.home, name="home"),
    Route("/executions/{name}", execution.execution, name="execution"),
    Route("/executions/{name}/live", stream.stream, name="live"),
    Route("/executions/{name}/state", state.state, name="state"),
    Route("/executions/{name}/log", state.log, name="log"),
    Route("/executions/{name}/cost", cost.cost, name="cost"),
    Route("/executions/{name}/{action:str}", actions.ask, name="ask", methods=["GET"]),
    Route("/executions/{name}/{action:str}", actions.act, name="act", methods=["POST"]),
    Route("/runs/{recipe}/{run_id}/report", report.report, name="report"),
    Route("/runs/{recipe}/{run_id}/report/page", report.page, name="report_page"),
    Route("/runs/{recipe}/{run_id}/artifacts", artifacts.artifacts, name="artifacts"),
    Route("/runs/{recipe}/{run_id}/artifacts/{path:path}", artifacts.download, name="download"),
    Route("/runs/{recipe}/{run_id}/preview/{path:path}", artifacts.preview, name="preview"),
    Route("/runs/{recipe}/{run_id}/image/{path:path}", artifacts.image, name="image"),
    Route("/runs/{recipe}/{run_id}/data", run.data, name="data"),
    Route("/runs/{recipe}/{run_id}/tuning", tuning.tuning, name="tuning"),
    Route("/runs/{recipe}/{run_id}/configuration", run.configuration, name="configuration"),
    Route("/runs/{recipe}/{run_id}/card", run.card, name="card"),
    Route("/runs/{recipe}/{run_id}/lineage", run.lineage, name="lineage"),
    Route("/compare", compare.compare, name="compare"),
    Route("/models", models.models, name="models"),
    Route("/promote", models.ask, name="ask_promote", methods=["GET"]),
    Route("/promote", models.promote, name="promote", methods=["POST"]),
    Route("/models/{model}/rollback", rollback.ask, name="ask_rollback", methods=["GET"]),
    Route("/models/{model}/rollback", rollback.act, name="rollback", methods=["POST"]),
    Route("/models/{model}/truth", truth.truth, name="truth"),
    Route("/models/{model}/ask", playground.playground, name="playground", methods=["GET"]),
    Route("/models/{model}/ask", playground.send, name="send", methods=["POST"]),
    Route("/data", datasets.datasets, name="datasets"),
    Route("/static/{file}", files.file, name="static"),
]


def application(site: Site) -> Starlette:
    """The console of a deployment; it has to stand behind a Guard."""
    app = Starlette(
        routes=ROUTES,
        exception_handlers={
            TrainyardError: _failed,
            ClientError: _failed,
            BotoCoreError: _failed,
            404: _unknown,
            # Told here and raised again, so that the console's log has where it was.
            500: _unexpected,
        },
    )
    app.state.site = site
    return app


def _failed(request: Request, error: Exception) -> Response:
    pages.site(request).forget(error)
    status = 404 if isinstance(error, NotFound) else 400 if isinstance(error, BadRequest) else 502
    return pages.page(request, "failure.html.j2", status=status, title="Not shown", sentence=failures.explain(error)[0])


def _unexpected(request: Request, error: Exception) -> Response:
    sentence = (
        f"This page could not be made, which is an error of the console ({type(error).__name__}). Where it was is in "
        "the terminal that serves it, or in the file console-*.log of the state directory."
    )
    return pages.page(request, "failure.html.j2", status=500, title="Not shown", sentence=sentence)


def _unknown(request: Request, _error: Exception) -> Response:
    sentence = "There is no page at this address; the list of runs has links to every page."
    return pages.page(request, "failure.html.j2", status=404, title="No such page", sentence=sentence)
