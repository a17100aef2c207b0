"""`trainyard predict`: asks a model in service and prints its answer; runs on a laptop."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from trainyard.cli.command import target
from trainyard.cli.command.options import AwsOption, EnvOption, ModelOption, RecipeArgument, VariantOption
from trainyard.client.model import endpoints
from trainyard.errors import BadRequest
from trainyard.pages.formats import indented
from trainyard.serving.wire import JSON, LINES, TABLE

STDIN = "-"
CONTENT_TYPES = {".json": JSON, ".jsonl": LINES, ".csv": TABLE}

InputOption = Annotated[
    str, typer.Option("--input", metavar="FILE|-|JSON", help="File with the request, - for standard input, or JSON.")
]
ContentTypeOption = Annotated[
    str | None, typer.Option("--content-type", help="Of the request; by the end of the file's name when not given.")
]


def predict(
    recipe_name: RecipeArgument,
    given: InputOption,
    *,
    content_type: ContentTypeOption = None,
    variant: VariantOption = "",
    inference_id: Annotated[
        str, typer.Option("--inference-id", metavar="NAME", help="What to call the request, where requests are kept.")
    ] = "",
    model: ModelOption = "",
    env: EnvOption = "dev",
    aws: AwsOption = False,
) -> None:
    """Ask a deployed model and print its answer.

    Examples:

    * `trainyard predict prod2vec --input '{"instances": [{"product_id": 24852}]}'`

    * `trainyard predict headline_classifier --input headlines.csv`
    """
    body, kind = _request(given, content_type)
    deployment = target.deployed(env=env, aws=aws)
    answer = endpoints.invoke(
        deployment,
        endpoints.name_of(deployment, recipe_name, variant=variant, model=model),
        body=body,
        content_type=kind,
        inference_id=inference_id,
    )
    print(_readable(answer), end="")


def _request(given: str, content_type: str | None) -> tuple[bytes, str]:
    """Body and content type of a request given as JSON, as `-` or as the name of a file."""
    if given == STDIN:
        return sys.stdin.buffer.read(), content_type or JSON
    if given.lstrip()[:1] in ("{", "["):
        return given.encode(errors="surrogateescape"), content_type or JSON
    path = Path(given)
    if not path.is_file():
        raise BadRequest(f"Expected a file, - or JSON that begins with {{ or [ after --input; found {given!r}.")
    kind = content_type or CONTENT_TYPES.get(path.suffix.lower())
    if kind is None:
        known = ", ".join(CONTENT_TYPES)
        raise BadRequest(f"Expected a name ending in {known} or --content-type, found {path.name!r}.")
    return path.read_bytes(), kind


def _readable(answer: bytes) -> str:
    """JSON with indentation, anything else as it came; ends with one new line."""
    return indented(answer.decode("utf-8", "replace")).rstrip("\n") + "\n"
