"""The service's page about its API: requests to copy, and a description that stays text."""

from __future__ import annotations

import html
import json
import re

from tests.serving.toy import toy_application
from tests.stages.test_report_page import Outline
from trainyard.serving.page import SHOWN_CHARACTERS, of_description

HOSTILE = "<script>alert('{{ 123 * 457 }}')</script> & \"quoted\""


def operation(**changes):
    content = {"application/json": {"example": [HOSTILE]}}
    return {"summary": "Summary " + HOSTILE, "responses": {"200": {"content": content}}, **changes}


def described(paths):
    page = of_description({"info": {"title": "Title " + HOSTILE, "version": "run " + HOSTILE}, "paths": paths})
    parsed = Outline()
    parsed.feed(page)
    assert parsed.open == []
    return page, parsed


def test_data_stays_text():
    body = {"content": {"application/json": {"examples": {"rows": {"value": {"instances": [HOSTILE]}}}}}}
    paths = {
        "/post" + HOSTILE: {"post": operation(requestBody=body)},
        "/items/{item}": {"get": operation(parameters=[{"name": "item", "example": HOSTILE}])},
    }
    page, parsed = described(paths)
    text = "".join(parsed.text)
    assert "script" not in parsed.tags
    for before in ("Title ", "Model run ", "POST /post", "Summary ", "curl localhost:8080/items/"):
        assert before + HOSTILE in text, before
    assert json.dumps([HOSTILE], indent=1) in text
    assert "56211" not in text
    assert [each for each in parsed.attributes if each[1] in {"src", "href"}] == [("a", "href", "openapi.json")]
    assert described(paths)[0] == page


def test_requests_can_be_copied_and_answers_are_cut():
    document = toy_application().openapi()
    long = {"application/json": {"example": list(range(10_000))}}
    document["paths"]["/items/{item}"]["get"]["responses"]["200"]["content"] = long
    shown = [html.unescape(each) for each in re.findall(r"<pre>(.*?)</pre>", of_description(document), re.DOTALL)]
    assert "curl localhost:8080/items/2" in shown
    assert json.dumps(list(range(10_000)), indent=1)[:SHOWN_CHARACTERS] in shown
    post = next(each for each in shown if each.startswith("curl localhost:8080/levels"))
    assert json.loads(post.split(" -d ")[1].strip("'")) == {"instances": [{"item": 2, "note": "é"}]}
