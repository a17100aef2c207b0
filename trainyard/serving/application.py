"""The web application around one model, under SageMaker's inference contract; runs in the service."""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from trainyard.contract.routes import INVOCATIONS, Predictor
from trainyard.errors import Refused
from trainyard.serving import formats, page, wire
from trainyard.serving.calls import Call
from trainyard.serving.description import described
from trainyard.serving.limits import Limits

TAG = "SageMaker"


def application(predictor: Predictor, *, title: str, facts: Mapping[str, Any], limits: Limits) -> FastAPI:
    """`/ping`, `/invocations`, the model's own routes, `/` (which model this is), `/openapi.json` and `/docs`."""
    routes = tuple(predictor.routes())
    app = FastAPI(title=title, version=str(facts["run_id"]), docs_url=None, redoc_url=None)
    _refuse_in_one_form(app)
    app.add_middleware(_HeadAsGet)
    # Routes are tried in turn, so those that are called most come first.
    for route in routes:
        _add(app, Call(route, limits))
    _add_fixed(app, facts)
    return app


class _HeadAsGet:
    """HEAD is answered wherever GET is; the server leaves the body out."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: PLR0917 (ASGI's signature)
        get = {**scope, "method": "GET"} if scope.get("method") == "HEAD" else scope
        await self._app(get, receive, send)


class _Direct(APIRoute):
    """A route whose endpoint takes the request itself: FastAPI looks for no parameters, which costs 20 us a call."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The endpoint, which is a coroutine function of the request."""
        handler: Callable[[Request], Coroutine[Any, Any, Response]] = self.endpoint
        return handler


def _add(app: FastAPI, call: Call) -> None:
    route = call.route
    endpoint = call.of_body if route.method == "POST" else call.of_address
    app.router.add_api_route(
        route.path,
        endpoint,
        methods=[route.method],
        summary=route.summary,
        tags=[TAG if route.path == INVOCATIONS else app.title],
        operation_id=re.sub(r"\W+", "_", f"{route.method}{route.path}".lower()).strip("_"),
        description="",
        response_model=None,
        # The service answers in bytes, so what the documentation says of them is spelt out.
        openapi_extra=described(route, batch=route.method == "POST"),
        route_class_override=_Direct,
    )


def _add_fixed(app: FastAPI, facts: Mapping[str, Any]) -> None:
    @app.get("/ping", summary="Whether the model is ready.", tags=[TAG], response_model=None)
    async def ping() -> Response:
        return _json({"status": "ready"})

    @app.get("/", summary="Which model this is.", tags=[TAG], response_model=None)
    async def about() -> Response:
        return _json(dict(facts))

    @app.get("/docs", include_in_schema=False, response_model=None)
    async def documentation() -> Response:
        return HTMLResponse(page.of_description(app.openapi()))


def _json(document: Any, status: int = 200, *, headers: Mapping[str, str] | None = None) -> Response:
    return Response(
        formats.encode([document], wire.JSON, shape="object"), status, headers=headers, media_type=wire.JSON
    )


def _methods(app: FastAPI, request: Request) -> str:
    """What may be called at the path of a request, on all routes of this path together."""
    at_path = [each for each in app.routes if isinstance(each, Route) and each.matches(request.scope)[0] != Match.NONE]
    found = {method for each in at_path for method in each.methods or ()}
    return ", ".join(sorted(found | ({"HEAD"} if "GET" in found else set())))


def _refuse_in_one_form(app: FastAPI) -> None:
    """Whatever goes wrong, the answer is `{"error": "one sentence"}`, and the stack stays in the log."""

    @app.exception_handler(Refused)
    async def refused(_request: Request, error: Refused) -> Response:
        return _json({"error": str(error)}, error.status)

    @app.exception_handler(HTTPException)
    async def not_served(request: Request, error: HTTPException) -> Response:
        sentence = (
            f"Expected a path and method listed in /openapi.json, found {request.method} {request.url.path:.100}."
        )
        headers = {"allow": _methods(app, request)} if error.status_code == 405 else error.headers
        return _json({"error": sentence}, error.status_code, headers=headers)

    @app.exception_handler(ClientDisconnect)
    async def gone(_request: Request, _error: ClientDisconnect) -> Response:
        return Response(status_code=400)

    @app.exception_handler(Exception)
    async def failed(_request: Request, _error: Exception) -> Response:
        return _json({"error": "The model failed on this request; the reason is in the log of the service."}, 500)
