"""`trainyard release`, `endpoints`, `predict` and `undeploy`: models into, in and out of service; runs on a laptop."""

from __future__ import annotations

import contextlib
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from trainyard import recipe
from trainyard.aws import endpoints
from trainyard.aws.endpoints import Endpoint
from trainyard.cli import changes, console, runs, target
from trainyard.cli.options import AwsOption, EnvOption, FollowOption, JsonOption, RecipeArgument
from trainyard.errors import BadRequest
from trainyard.serving.wire import JSON, LINES, TABLE

STDIN = "-"
CONTENT_TYPES = {".json": JSON, ".jsonl": LINES, ".csv": TABLE}
STYLES = {"InService": "green", "Failed": "red", "UpdateRollbackFailed": "red"}

VariantOption = Annotated[
    str, typer.Option("--variant", help="One of several models of a recipe, such as product-3; see the table.")
]
InputOption = Annotated[
    str, typer.Option("--input", metavar="FILE|-|JSON", help="File with the request, - for standard input, or JSON.")
]
ContentTypeOption = Annotated[
    str | None, typer.Option("--content-type", help="Of the request; told from the file's name when not given.")
]


def list_endpoints(env: EnvOption = "dev", aws: AwsOption = False, as_json: JsonOption = False) -> None:
    """List the models in service: run, status, what carries them, and since when.

    Example: `trainyard endpoints`
    """
    deployment = target.deployed(env=env, aws=aws)
    found = endpoints.listed(deployment)
    if as_json:
        console.print_json([asdict(each) for each in found])
    elif found:
        console.out().print(_table(found))
        for each in (each for each in found if each.reason):
            console.out().print(Text(f"{each.name}: {each.reason}", style="red"), soft_wrap=True)
    else:
        console.out().print("No model is in service. Deploy one: `trainyard release RECIPE`.")


def release(
    recipe_name: RecipeArgument,
    settings: runs.SetOption = None,
    watch: FollowOption = True,
    env: EnvOption = "dev",
    aws: AwsOption = False,
) -> None:
    """Put the registered model of a recipe into service, without training one.

    Ends with 0 when it answers as it should, 2 when there is no such model, 1 when the deployment was rolled back.

    Examples:

    * `trainyard release prod2vec`

    * `trainyard release prod2vec --set deploy.type=instances --set deploy.instance_count=2`
    """
    overrides = changes.gather(recipe_name, None, settings or [], tune=False)
    deployment = target.deployed(env=env, aws=aws)
    arn, execution = endpoints.release(deployment, recipe_name, overrides)
    console.out().print(Text(f"Execution {execution}"), soft_wrap=True)
    if not watch:
        console.out().print(Text(f"Watch it with `trainyard show {execution} --follow`.", style="dim"))
        raise typer.Exit
    raise typer.Exit(runs.watch_to_end(deployment, arn, execution)[0])


def predict(
    recipe_name: RecipeArgument,
    given: InputOption,
    content_type: ContentTypeOption = None,
    variant: VariantOption = "",
    env: EnvOption = "dev",
    aws: AwsOption = False,
) -> None:
    """Ask a deployed model and print its answer.

    Examples:

    * `trainyard predict prod2vec --input '{"instances": [{"product_id": 24852}]}'`

    * `trainyard predict headline_classifier --input headlines.csv`
    """
    _check_recipe(recipe_name)
    body, kind = _request(given, content_type)
    deployment = target.deployed(env=env, aws=aws)
    answer = endpoints.invoke(deployment, endpoints.name_of(deployment, recipe_name, variant), body, kind)
    print(_readable(answer), end="")


def undeploy(
    recipe_name: RecipeArgument,
    variant: VariantOption = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    env: EnvOption = "dev",
    aws: AwsOption = False,
) -> None:
    """Take a model out of service: removes its endpoint and configurations; the registered model stays.

    Example: `trainyard undeploy prod2vec --yes`
    """
    _check_recipe(recipe_name)
    deployment = target.deployed(env=env, aws=aws)
    name = endpoints.name_of(deployment, recipe_name, variant)
    if not yes:
        where = deployment.target.name
        typer.confirm(f"Take {name} on {where} out of service? Its callers get errors from then on.", abort=True)
    for each in endpoints.remove(deployment, name):
        console.out().print(Text(f"Removed {each}"), soft_wrap=True)


def _table(found: list[Endpoint]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("Endpoint", "Run", "Status", "Type", "Since"):
        table.add_column(column, overflow="fold")
    for each in found:
        status = Text(each.status, style=STYLES.get(each.status, "cyan"))
        table.add_row(each.name, each.run or each.model, status, each.kind, console.moment(each.since))
    return table


def _check_recipe(name: str) -> None:
    if name not in recipe.names():
        raise BadRequest(f"Expected one of the recipes {', '.join(recipe.names())}; found {name!r}.")


def _request(given: str, content_type: str | None) -> tuple[bytes, str]:
    """Body and content type of a request given as JSON, as `-` or as the name of a file."""
    if given == STDIN:
        return sys.stdin.buffer.read(), content_type or JSON
    if given.lstrip()[:1] in ("{", "["):
        return given.encode(), content_type or JSON
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
    text = answer.decode("utf-8", "replace")
    with contextlib.suppress(ValueError):
        text = json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    return text.rstrip("\n") + "\n"
