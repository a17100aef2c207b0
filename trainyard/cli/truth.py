"""`trainyard truth`: tells a model what became true, and shows how good its predictions were; runs on a laptop."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from trainyard.cli.command import target, terminal
from trainyard.cli.command.options import (
    AwsOption,
    EnvOption,
    FollowOption,
    JsonOption,
    ModelOption,
    RecipeArgument,
    SetOption,
    VariantOption,
)
from trainyard.cli.dataset.settings import gather
from trainyard.cli.execution_view.follow import follow_or_hint
from trainyard.cli.execution_view.truth import print_quality
from trainyard.client.deployment import Deployment
from trainyard.client.model import observed
from trainyard.errors import BadRequest, NotFound
from trainyard.run.naming import checked_model, model_name


def truth(
    recipe_name: RecipeArgument,
    variant: VariantOption = "",
    *,
    data: Annotated[
        Path | None, typer.Option("--data", help="File of labels, or a folder with some, which is uploaded.")
    ] = None,
    dataset: Annotated[
        str | None, typer.Option("--dataset", help="Data set that was scored; with --data it is needed.")
    ] = None,
    model: ModelOption = "",
    settings: SetOption = None,
    watch: FollowOption = True,
    env: EnvOption = "dev",
    aws: AwsOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show how good a model's predictions turned out to be, beside what its evaluation promised.

    With --data, labels (id, label, time) are uploaded and set beside the predictions that came before them: bulk
    scores of the data set of that name, and requests that the endpoint kept.

    Ends with 0 when they were set beside each other, whatever they say, 2 when the request was refused or there is no
    model yet, 3 when the labels were refused, 4 when nothing was told yet, 1 when a job failed.

    Examples:

    * `trainyard truth propensity`

    * `trainyard truth propensity --data outcomes.csv --dataset november`
    """
    if data is None:
        name = model_name(recipe_name, variant=variant, model=checked_model(model))
        _show(target.deployed(env=env, aws=aws), name, dataset=dataset, as_json=as_json)
        return
    if variant:
        raise BadRequest(
            f"Expected --variant without --data, found {variant!r}: name the model of the labels by --set or --model."
        )
    if dataset is None:
        raise BadRequest("Expected --dataset beside --data: labels are set beside what was predicted for a data set.")
    files = _files(data)
    overrides = gather(recipe_name, None, assignments=settings or [], model=model)
    deployment = target.deployed(env=env, aws=aws)
    started = observed.tell(deployment, recipe_name, dataset=dataset, files=files, settings=overrides)
    execution = started.execution
    terminal.out().print(Text(f"Execution {execution.name}"), soft_wrap=True)
    raise typer.Exit(follow_or_hint(deployment, execution.arn, name=execution.name, watch=watch))


def _show(deployment: Deployment, name: str, *, dataset: str | None, as_json: bool) -> None:
    found = [each for each in observed.newest(deployment, name) if dataset in (None, each.dataset)]
    if as_json:
        terminal.print_json([each.to_mapping() for each in found])
        return
    if not found:
        of = f" for data set {dataset}" if dataset else ""
        raise NotFound(
            f"Expected labels of what {name} predicted{of}, found none; upload some to truth/<recipe>/<dataset>/, or "
            "with --data."
        )
    for each in found:
        print_quality(each, out=terminal.out())


def _files(data: Path) -> Mapping[str, Path]:
    """The files to upload by their names."""
    if not data.exists():
        raise NotFound(f"Expected a file or folder of labels at {data}, found none.")
    paths = sorted(data.iterdir()) if data.is_dir() else [data]
    return {each.name: each for each in paths if each.is_file() and not each.name.startswith(".")}
