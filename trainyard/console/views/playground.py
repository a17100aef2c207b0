"""Asks the model in service: a form for every way to call it, or JSON; runs behind the console."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
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
from trainyard.console import answers, forms, pages
from trainyard.console.forms import Field, Form
from trainyard.errors import BadRequest, NotFound, TrainyardError
from trainyard.pages.formats import indented
from trainyard.run.naming import ModelParts
from trainyard.run.stage import Stage
from trainyard.serving.examples import EXAMPLES_FILE
from trainyard.serving.wire import JSON

MOST_BYTES = 1 << 20
ROUTE, REQUEST, AS_JSON = "route", "request", "json"


@dataclass(frozen=True, kw_only=True)
class Call:
    """A request, and its answer: the one that was kept with the model, or the one that was just given."""

    request: str = ""
    answer: str = ""
    milliseconds: float | None = None
    refused: bool = False


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What the model left of how it can be called: forms, and requests with their answers."""

    forms: Sequence[Form]
    calls: Sequence[Call]

    def answer_to(self, form: Form) -> Call:
        """The answer that was kept to the row that a form is filled in with; without one, none."""
        body = _text({"instances": [form.example]})
        return next((Call(answer=each.answer) for each in self.calls if each.request == body), Call())


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Which way is shown: the form of that number, or JSON where it is None; `fields` as they are filled in."""

    form: int | None
    call: Call
    fields: Sequence[Field] = ()
    example: int = -1


def playground(request: Request) -> Response:
    """A form that is filled in with what the model can answer, or an example as JSON. Raises NotFound."""
    deployment = pages.deployment(request)
    model = _model(deployment, request)
    kept = _kept(deployment, model)
    asked = request.query_params
    number = _number(asked.get(ROUTE, "0"), kept.forms)
    if AS_JSON in asked or number is None:
        example = _number(asked.get(AS_JSON, "0"), kept.calls)
        call = kept.calls[example] if example is not None else Call(request='{"instances": []}')
        return _shown(request, model, kept=kept, asked=Asked(form=None, call=call, example=example or 0))
    form = kept.forms[number]
    asked_for = Asked(form=number, call=kept.answer_to(form), fields=form.fields)
    return _shown(request, model, kept=kept, asked=asked_for)


async def send(request: Request) -> Response:
    """The answer of the model in service to what the form holds. Raises NotFound and BadRequest."""
    filled = await _filled(request)
    return await run_in_threadpool(_answered, request, filled)


def _answered(request: Request, filled: Mapping[str, str]) -> Response:
    deployment = pages.deployment(request)
    model = _model(deployment, request)
    kept = _kept(deployment, model)
    number = _number(filled.get(ROUTE, ""), kept.forms)
    if number is None:
        call = _called(deployment, model, body=filled.get(REQUEST, ""))
        return _shown(request, model, kept=kept, asked=Asked(form=None, call=call))
    form = kept.forms[number]
    try:
        body = json.dumps({"instances": [form.row(filled)]}, ensure_ascii=False)
    except BadRequest as error:
        call = Call(answer=str(error), refused=True)
    else:
        call = _called(deployment, model, body=body)
    return _shown(request, model, kept=kept, asked=Asked(form=number, call=call, fields=form.filled(filled)))


def _called(deployment: Deployment, model: InUse, *, body: str) -> Call:
    started = time.perf_counter()
    name = endpoints.name_for(deployment, model.name)
    try:
        answer = endpoints.invoke(deployment, name, body=body.encode(), content_type=JSON)
    except TrainyardError as error:
        return Call(request=body, answer=str(error), refused=True)
    took = (time.perf_counter() - started) * 1000
    return Call(request=body, answer=indented(answer.decode("utf-8", "replace")), milliseconds=took)


async def _filled(request: Request) -> dict[str, str]:
    """What the form holds; a form is small, and nothing is read that is not."""
    content = b""
    async for part in request.stream():
        content += part
        if len(content) > MOST_BYTES:
            raise BadRequest(f"Expected a request of at most {MOST_BYTES:,} bytes, found a longer one.")
    return dict(parse_qsl(content.decode("utf-8", "replace"), keep_blank_values=True))


def _shown(request: Request, model: InUse, *, kept: Kept, asked: Asked) -> Response:
    deployment = pages.deployment(request)
    own = ModelParts.of(model.name).model
    named = f" --model {own}" if own else ""
    return pages.page(
        request,
        "playground.html.j2",
        title=f"Ask {model.name}",
        model=model,
        kept=kept,
        asked=asked,
        tables=[] if asked.call.refused else answers.tables(asked.call.answer),
        endpoint=endpoints.of_model(deployment, model.name),
        release=f"trainyard release {model.recipe}{named}{deployment.options}",
        command=f"trainyard predict {model.recipe}{named} --input FILE{deployment.options}",
        serve=f"trainyard serve {model.recipe}{named}{deployment.options}",
    )


def _model(deployment: Deployment, request: Request) -> InUse:
    name = request.path_params["model"]
    found = next((each for each in models.in_use(deployment) if each.name == name), None)
    if found is None:
        raise NotFound(f"Expected a model in use of this name, found {name!r:.60}; see the page Models.")
    return found


def _kept(deployment: Deployment, model: InUse) -> Kept:
    """What the model left when it was made; nothing of a model from before examples were kept."""
    run = artifacts.of_run(deployment, model.recipe, run_id=model.run_id)
    found: dict[str, Any] = run.json(Stage.EVALUATE, EXAMPLES_FILE) or {}
    pairs = list(zip(found.get("requests", ()), found.get("answers", ()), strict=False))
    calls = [Call(request=_text(asked), answer=_text(given)) for asked, given in pairs]
    if found.get("routes"):
        return Kept(forms=forms.of_routes(found["routes"]), calls=calls)
    # A model of an earlier version.
    return Kept(forms=[forms.of_example(asked["instances"][0]) for asked, _ in pairs[:1]], calls=calls)


def _number(text: str, of: Sequence[Any]) -> int | None:
    number = pages.whole(text, otherwise=len(of))
    return number if number < len(of) else None


def _text(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
