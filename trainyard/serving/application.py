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
from trainyard.serving.capture import Capture
from trainyard.serving.description import described
from trainyard.serving.limits import Limits

TAG = "SageMaker"


def application(
    predictor: Predictor, *, title: str, facts: Mapping[str, Any], limits: Limits, capture: Capture | None = None
) -> FastAPI:
    """`/ping`, `/invocations`, the model's own routes, `/` (which model this is), `/openapi.json` and `/docs`."""
    calls = [Call(route, limits, capture) for route in predictor.routes()]
    app = FastAPI(title=title, version=str(facts["run_id"]), docs_url=None, redoc_url=None)
    _refuse_in_one_form(app)
    app.add_middleware(_ByMethod, posts={call.route.path: call for call in calls if call.route.method == "POST"})
    for call in calls:
        _add(app, call)
    _add_fixed(app, facts)
    return app


class _ByMethod:
    """HEAD is answered wherever GET is (the server leaves the body out), and POST by the model without a router.

    The router and the layers around it take as long as a small model does. What they would do is done here.
    """

    def __init__(self, app: ASGIApp, posts: Mapping[str, Call]) -> None:
        self._app, self._posts = app, posts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: PLR0917 (ASGI's signature)
        method = scope.get("method")
        call = self._posts.get(scope["path"]) if method == "POST" else None
        if call is None:
            await self._app({**scope, "method": "GET"} if method == "HEAD" else scope, receive, send)
            return
        answer = await _answered(call, Request(scope, receive))
        await answer(scope, receive, send)


async def _answered(call: Call, request: Request) -> Response:
    try:
        return await call.of_body(request)
    except Refused as error:
        return _refusal(error)
    except ClientDisconnect:
        return _nobody_waits()


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


def _refusal(error: Refused) -> Response:
    return _json({"error": str(error)}, error.status)


def _nobody_waits() -> Response:
    return Response(status_code=400)


def _methods(app: FastAPI, request: Request) -> str:
    """What may be called at the path of a request, on all routes of this path together."""
    at_path = [each for each in app.routes if isinstance(each, Route) and each.matches(request.scope)[0] != Match.NONE]
    found = {method for each in at_path for method in each.methods or ()}
    return ", ".join(sorted(found | ({"HEAD"} if "GET" in found else set())))


def _refuse_in_one_form(app: FastAPI) -> None:
    """Whatever goes wrong, the answer is `{"error": "one sentence"}`, and the stack stays in the log."""

    @app.exception_handler(Refused)
    async def refused(_request: Request, error: Refused) -> Response:
        return _refusal(error)

    @app.exception_handler(HTTPException)
    async def not_served(request: Request, error: HTTPException) -> Response:
        sentence = (
            f"Expected a path and method listed in /openapi.json, found {request.method} {request.url.path:.100}."
        )
        headers = {"allow": _methods(app, request)} if error.status_code == 405 else error.headers
        return _json({"error": sentence}, error.status_code, headers=headers)

    @app.exception_handler(ClientDisconnect)
    async def gone(_request: Request, _error: ClientDisconnect) -> Response:
        return _nobody_waits()

    @app.exception_handler(Exception)
    async def failed(_request: Request, _error: Exception) -> Response:
        return _json({"error": "The model failed on this request; the reason is in the log of the service."}, 500)
