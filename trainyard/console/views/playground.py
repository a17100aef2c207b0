"""Asks the model in service: requests that it can answer are there to be changed and sent."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from trainyard.client.deployment import Deployment
from trainyard.client.model import endpoints, models
from trainyard.client.model.models import InUse
from trainyard.client.run import artifacts
from trainyard.console import pages
from trainyard.errors import BadRequest, NotFound, TrainyardError
from trainyard.pages.formats import indented
from trainyard.run.naming import ModelParts
from trainyard.run.stage import Stage
from trainyard.serving.examples import EXAMPLES_FILE
from trainyard.serving.wire import JSON

MOST_BYTES = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Call:
    """A request, and its answer: the one that was kept with the model, or the one that was just given."""

    request: str
    answer: str = ""
    milliseconds: float | None = None
    refused: bool = False


def playground(request: Request) -> Response:
    """The examples that were kept with the model, each to be sent. Raises NotFound."""
    deployment = pages.deployment(request)
    model = _model(deployment, request)
    chosen = request.query_params.get("example", "0")
    calls = _kept(deployment, model)
    place = int(chosen) if chosen.isascii() and chosen.isdigit() and int(chosen) < len(calls) else 0
    call = calls[place] if calls else Call(request='{"instances": []}')
    return _shown(request, deployment, model=model, call=call, count=len(calls), place=place)


async def send(request: Request) -> Response:
    """The answer of the model in service to what the form holds. Raises NotFound and BadRequest."""
    body = await _body(request)
    return await run_in_threadpool(_answered, request, body)


def _answered(request: Request, body: str) -> Response:
    deployment = pages.deployment(request)
    model = _model(deployment, request)
    started = time.perf_counter()
    try:
        answer = endpoints.invoke(
            deployment, endpoints.name_for(deployment, model.name), body=body.encode(), content_type=JSON
        )
    except TrainyardError as error:
        call = Call(request=body, answer=str(error), refused=True)
    else:
        took = (time.perf_counter() - started) * 1000
        call = Call(request=body, answer=indented(answer.decode("utf-8", "replace")), milliseconds=took)
    return _shown(request, deployment, model=model, call=call, count=len(_kept(deployment, model)), place=-1)


async def _body(request: Request) -> str:
    """The request in the form; a form is small, and nothing is read that is not."""
    content = b""
    async for part in request.stream():
        content += part
        if len(content) > MOST_BYTES:
            raise BadRequest(f"Expected a request of at most {MOST_BYTES:,} bytes, found a longer one.")
    return dict(parse_qsl(content.decode("utf-8", "replace"), keep_blank_values=True)).get("request", "")


def _shown(request: Request, deployment: Deployment, *, model: InUse, call: Call, count: int, place: int) -> Response:
    own = ModelParts.of(model.name).model
    named = f" --model {own}" if own else ""
    return pages.page(
        request,
        "playground.html.j2",
        title=f"Ask {model.name}",
        model=model,
        call=call,
        count=count,
        place=place,
        endpoint=endpoints.of_model(deployment, model.name),
        release=f"trainyard release {model.recipe}{named}{deployment.options}",
        command=f"trainyard predict {model.recipe}{named} --input FILE{deployment.options}",
    )


def _model(deployment: Deployment, request: Request) -> InUse:
    name = request.path_params["model"]
    found = next((each for each in models.in_use(deployment) if each.name == name), None)
    if found is None:
        raise NotFound(f"Expected a model in use of this name, found {name!r:.60}; see the page Models.")
    return found


def _kept(deployment: Deployment, model: InUse) -> list[Call]:
    """What the model answered when it was made; nothing of a model from before examples were kept."""
    run = artifacts.of_run(deployment, model.recipe, run_id=model.run_id)
    found: dict[str, Any] = run.json(Stage.EVALUATE, EXAMPLES_FILE) or {}
    pairs = zip(found.get("requests", ()), found.get("answers", ()), strict=False)
    return [Call(request=_text(asked), answer=_text(given)) for asked, given in pairs]


def _text(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
