"""The requests in docs/serving.md have the form that the recipes' own services take."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from recipes.headline_classifier import requests as headlines
from recipes.neural_topic_model import requests as topics
from recipes.prod2vec import requests as products
from recipes.two_tower import requests as movies
from trainyard.contract.request_rows import checked, text_fields
from trainyard.run import recipe
from trainyard.serving.formats import row_of_texts
from trainyard.serving.limits import Limits

TEXT = (Path(__file__).parents[2] / "docs" / "serving.md").read_text(encoding="utf-8")
ROWS = {
    "/similar": products.Similar,
    "/basket": products.Basket,
    "/topics": topics.Review,
    "/classify": headlines.Headline,
    "/recommendations": movies.RecommendationRequest,
    "/predict": movies.UserRequest,
}
GETS = {"/products/": (products.Similar, "product_id"), "/users/": (movies.UserRequest, "uid")}


def sections() -> dict[str, list[list[str]]]:
    """The curl commands of each recipe's section, as words."""
    found = {}
    for part in TEXT.split("\n### ")[1:]:
        body = part.split("\n## ")[0]
        found[part.splitlines()[0]] = [shlex.split(line) for line in re.findall(r"^curl .*$", body, re.MULTILINE)]
    return found


def test_every_recipe_has_requests():
    assert set(sections()) == set(recipe.names())
    assert all(sections().values())


@pytest.mark.parametrize("words", [words for each in sections().values() for words in each])
def test_a_documented_request_fits(words):
    address = urlsplit(f"http://{words[1]}")
    if "-d" in words:
        body = json.loads(words[words.index("-d") + 1])
        if address.path in ROWS:
            assert checked(ROWS[address.path], [body])
        else:
            assert address.path == "/propensity"
        return
    for start, (row, name) in GETS.items():
        if address.path.startswith(start):
            cells = {name: address.path.split("/")[2], **dict(parse_qsl(address.query))}
            assert checked(row, [row_of_texts(cells, text_fields(row))])


def test_the_limits_are_those_of_the_code():
    for name, value in vars(Limits()).items():
        assert f"| `TRAINYARD_{name.upper()}` | {value} |" in TEXT
