"""Asking a model in the browser: a form for each way to call it, JSON, answers as tables, refusals as sentences."""

from __future__ import annotations

import io
import json
from typing import Annotated, Any

import pytest
from botocore.exceptions import ClientError
from playwright.sync_api import expect
from pydantic import Field
from typing_extensions import TypedDict

from tests.console.conftest import Console, Visitor
from tests.console.test_pages import HOSTILE, LOOKS, RUN, put_endpoint
from trainyard.console import answers
from trainyard.console.forms import of_example, of_routes
from trainyard.contract.request_rows import Key, Row
from trainyard.contract.routes import Route
from trainyard.errors import BadRequest
from trainyard.serving import forms
from trainyard.serving.examples import Examples

pytestmark = pytest.mark.xdist_group("console")
PRODUCTS = [{"product_id": 7, "name": HOSTILE, "score": 0.5}, {"product_id": 8, "name": "Pears", "score": 0.25}]


class Any_(Row):
    product_id: Key | None = None
    basket: Annotated[list[Key], Field(description="in cart order")] | None = None
    count: int = 10
    explain: bool = False


class Similar(Row):
    product_id: Key
    count: int = 10


class Products(TypedDict):
    products: list[dict[str, Any]]


class Titles(TypedDict):
    titles: list[str]


def route(path: str, row: type[Row], **more: Any) -> Route:
    given = {"summary": f"What {path} does.", "response": Products, "answer": list, "example": {"product_id": 7}}
    return Route(path=path, row=row, **{**given, **more})


ROUTES = [
    route("/invocations", Any_, example={"basket": [7, "a&b"]}),
    route("/products/{product_id}/similar", Similar, method="GET", example={"product_id": 7, "count": 3}),
    route("/titles", Similar, response=Titles, method="POST"),
    route("/titles", Similar, response=Titles, method="GET"),
]


class FakeRuntime:
    """An endpoint that answers with products, or refuses a product that it does not know."""

    def __init__(self) -> None:
        self.rows: list[Any] = []

    def invoke_endpoint(self, **request: Any) -> dict[str, Any]:
        self.rows += json.loads(request["Body"])["instances"]
        if self.rows[-1].get("product_id") == 404:
            said = {"Code": "ModelError", "Message": json.dumps({"error": f"No such product {HOSTILE}."})}
            raise ClientError({"Error": said}, "InvokeEndpoint")
        return {"Body": io.BytesIO(json.dumps({"predictions": [{"products": PRODUCTS, "rated": 2}]}).encode())}


def put_model(console: Console) -> FakeRuntime:
    """A model in service that kept its routes."""
    console.put_champion("prod2vec", recipe="prod2vec", run_id=RUN)
    kept = Examples.of([{"basket": [7, "a&b"]}], [{"products": PRODUCTS}], routes=forms.described(ROUTES))
    document = {"requests": kept.requests, "answers": kept.answers, "routes": kept.routes}
    console.put_object(f"prod2vec/{RUN}/evaluate/examples.json", json.dumps(document))
    put_endpoint(console)
    runtime = FakeRuntime()
    console.deployment.target._clients["sagemaker-runtime"] = runtime
    return runtime


@pytest.mark.parametrize("visitor", LOOKS, indirect=True, ids=[f"{width}-{scheme}" for width, scheme in LOOKS])
def test_a_model_is_asked_by_a_form_for_each_way_to_call_it(console: Console, visitor: Visitor):
    runtime = put_model(console)
    visitor.open("/models/prod2vec/ask")
    expect(visitor.page.get_by_text("What /products/{product_id}/similar does.")).to_be_visible()
    assert visitor.page.get_by_label("product_id needed").input_value() == "7"
    visitor.page.get_by_label("count").fill("4")
    visitor.page.get_by_role("button", name="Send").click()
    expect(visitor.page.get_by_role("region", name="products")).to_contain_text(HOSTILE)
    assert runtime.rows == [{"product_id": 7, "count": 4}]
    assert visitor.page.get_by_label("count").input_value() == "4"
    assert visitor.accessibility() == []
    assert visitor.hangs_over() <= 0

    visitor.page.get_by_label("product_id needed").fill("404")
    visitor.page.get_by_role("button", name="Send").click()
    expect(visitor.page.get_by_role("alert")).to_contain_text(f"No such product {HOSTILE}.")
    visitor.page.get_by_label("count").fill("many")
    visitor.page.get_by_role("button", name="Send").click()
    expect(visitor.page.get_by_role("alert")).to_have_text("Expected a number in count, found 'many'.")
    assert len(runtime.rows) == 2
    assert visitor.page.locator("main img").count() == 0


def test_all_fields_of_a_row_can_be_filled_in(console: Console, visitor: Visitor):
    runtime = put_model(console)
    visitor.open("/models/prod2vec/ask")
    visitor.page.get_by_role("link", name="/invocations").click()
    expect(visitor.page.get_by_role("region", name="products")).to_contain_text("Pears")
    expect(visitor.page.get_by_text("as it was kept with the model")).to_be_visible()
    assert json.loads(visitor.page.get_by_label("basket").input_value()) == [7, "a&b"]
    visitor.page.get_by_label("explain").select_option("true")
    visitor.page.get_by_role("button", name="Send").click()
    expect(visitor.page.get_by_text("The request that was sent")).to_be_visible()
    assert runtime.rows == [{"basket": [7, "a&b"], "explain": True}]


def test_what_an_endpoint_has_not_is_said(console: Console, visitor: Visitor):
    put_model(console)
    visitor.open("/models/prod2vec/ask")
    expect(visitor.page.get_by_role("link", name="GET /titles")).to_be_visible()
    visitor.page.get_by_role("link", name="POST /titles").click()
    expect(visitor.page.get_by_text("trainyard serve prod2vec")).to_be_visible()
    expect(visitor.page.get_by_text("an endpoint has one address")).to_be_visible()
    expect(visitor.page.get_by_role("button", name="Send")).to_have_count(0)


def test_a_field_is_asked_for_by_its_schema():
    similar, titles, _, main = of_routes(forms.described(ROUTES))
    assert [each.path for each in (similar, titles, main)] == [ROUTES[1].path, "/titles", "/invocations"]
    assert (similar.invocable, titles.invocable) == (True, False)
    kinds = {each.name: each.kind for each in main.fields}
    assert kinds == {"product_id": "text", "basket": "json", "count": "number", "explain": "choice"}
    assert next(each for each in main.fields if each.name == "basket").help == "in cart order"
    assert [each.required for each in similar.fields] == [True, False]


def test_a_filled_form_means_a_row():
    form = of_example({"title": "1", "clicks": 3, "tags": ["a"], "new": True})
    filled = {"field.title": "2", "field.clicks": "", "field.tags": '["b"]', "field.new": "false", "route": "0"}
    assert form.row(filled) == {"title": "2", "tags": ["b"], "new": False}
    with pytest.raises(BadRequest, match=r"Expected JSON such as \[\"a\"\] in tags, found"):
        form.row({"field.tags": "a, b"})


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-1e999", "9" * 5000], ids=["nan", "infinity", "1e999", "huge"])
def test_what_json_has_no_number_for_is_refused_by_the_name_of_its_field(text: str):
    form = of_example({"clicks": 3, "tags": [1.0], "title": "1"})
    with pytest.raises(BadRequest, match="Expected a number in clicks, found"):
        form.row({"field.clicks": text})
    with pytest.raises(BadRequest, match=r"Expected JSON such as \[1\.0\] in tags, found"):
        form.row({"field.tags": f"[{text}]"})
    assert form.row({"field.title": text}) == {"title": text}


def test_a_number_that_the_service_would_round_is_refused_and_as_a_key_it_is_text():
    form, long = of_example({"clicks": 3}), "12345678901234567890"
    with pytest.raises(BadRequest, match=f"Expected a number in clicks, found '{long}'"):
        form.row({"field.clicks": long})
    similar = of_routes(forms.described(ROUTES))[0]
    assert similar.row({"field.product_id": long}) == {"product_id": long}


def test_a_key_that_is_a_number_stays_one():
    similar = of_routes(forms.described(ROUTES))[0]
    assert [similar.row({"field.product_id": each}) for each in ("8", "p8", "true")] == [
        {"product_id": 8},
        {"product_id": "p8"},
        {"product_id": "true"},
    ]
    category = {"properties": {"hour": {"anyOf": [{"type": "string"}, {"type": "integer"}]}}}
    hours = {
        "path": "/x",
        "method": "POST",
        "summary": "",
        "row": category,
        "example": {"hour": "0"},
        "invocable": True,
    }
    assert of_routes([hours])[0].row({"field.hour": "0"}) == {"hour": "0"}
    assert of_example({"id": "p7"}).row({"field.id": "8"}) == {"id": "8"}


def test_answers_are_tables_where_they_are_rows():
    rows = {"predictions": [{"label": "a", "p": 0.25}, {"label": "b", "p": 0.5, "more": [1, 2]}]}
    [table] = answers.tables(json.dumps(rows))
    assert table.columns == ["label", "p", "more"]
    assert table.rows == [["a", "0.25", ""], ["b", "0.5", "1, 2"]]
    one = {"predictions": [{"propensity": 0.5, "reasons": {"age": 0.1}, "products": PRODUCTS}]}
    plain, products, reasons = answers.tables(json.dumps(one))
    assert (plain.name, plain.rows, products.name, products.count) == ("", [["0.5"]], "products", 2)
    assert (reasons.name, reasons.rows) == ("reasons", [["age", "0.1"]])
    assert [answers.tables(each) for each in ('{"predictions": [1, 2]}', "no JSON", "[]", "3")] == [[]] * 4
