"""Files as people have them, dropped in as they are, become registered models on the deployed stack."""

from __future__ import annotations

import json

import pytest

from tests.files.walk import index, write_cases

ENTRIES = {each["id"]: each for each in index()}
pytestmark = [
    pytest.mark.stack,
    pytest.mark.xdist_group("stack"),
    pytest.mark.skipif(not ENTRIES, reason="the cases are not beside the repository"),
]
ALWAYS = ("orders-json-lines",)
NOW_AND_THEN = (
    *("text-ids", "ml-100k", "implicit-no-rating", "ten-point-scale", "zip-from-a-mac", "one-bad-line"),
    *("ids-of-20-digits", "online-retail-one-file"),
    *("news-six-named-classes", "ag-news", "news-no-story"),
    *("amazon-polarity", "reviews-german", "reviews-plain-text"),
    *("label-yes-no", "customer-churn", "sqlite-iso-with-zone"),
)


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cases")
    write_cases(folder)
    return folder


@pytest.mark.parametrize(
    "identifier", [*ALWAYS, *(pytest.param(each, marks=pytest.mark.long) for each in NOW_AND_THEN)]
)
def test_a_folder_as_it_is_becomes_a_registered_model(stack, cases, identifier):
    folder, recipe = cases / identifier, ENTRIES[identifier]["recipe"]
    # A model of its own: in the recipe's there may be one to beat.
    settings = {**(ENTRIES[identifier]["run_json"] or {}), "model": f"files-{identifier}"}
    files = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    files.pop("run.json", None)
    stack.upload(identifier, {"run.json": json.dumps(settings).encode(), **files, "_READY": b""}, recipe=recipe)
    arn = stack.training_execution(identifier)
    described = stack.finish(arn)
    assert described["status"] == "SUCCEEDED", described
    output = json.loads(described["output"])
    assert output["outcome"] == "registered", output
    assert stack.champion(f"{recipe}--files-{identifier}") == output["run_id"]
    # Whatever lay beside the data: no other execution was refused or failed.
    others = [stack.finish(each["executionArn"]) for each in stack.executions(identifier)]
    assert {each["status"] for each in others} == {"SUCCEEDED"}
