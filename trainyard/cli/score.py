"""`trainyard score`: scores every row of a data set with the model in use, into a table; runs on a laptop."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from trainyard.cli.command import target, terminal
from trainyard.cli.command.options import (
    AwsOption,
    EnvOption,
    FollowOption,
    ModelOption,
    RecipeArgument,
    SetOption,
)
from trainyard.cli.dataset.settings import gather
from trainyard.cli.dataset.upload import replace_earlier, upload
from trainyard.cli.execution_view.follow import follow_or_hint
from trainyard.client.dataset import uploads
from trainyard.client.dataset.data_folder import files_of
from trainyard.client.dataset.submission import dataset_name
from trainyard.client.model import scoring
from trainyard.errors import BadRequest
from trainyard.run import recipe
from trainyard.run.folders import SCORE_PREFIX


def score(
    recipe_name: RecipeArgument,
    data: Annotated[
        Path | None, typer.Option("--data", help="Folder with the recipe's files, which are uploaded to be scored.")
    ] = None,
    *,
    dataset: Annotated[
        str | None, typer.Option("--dataset", help="Score this data set of the raw bucket, or name the new one.")
    ] = None,
    model: ModelOption = "",
    settings: SetOption = None,
    watch: FollowOption = True,
    env: EnvOption = "dev",
    aws: AwsOption = False,
) -> None:
    """Score every row of a data set with the model in use; nothing is trained.

    With --data the files are uploaded first, without --data the data set is in the bucket already.

    Ends with 0 when the scores are in their table, 2 when the request was refused or there is no model yet, 3 when the
    data were refused, 1 when a job failed.

    Examples:

    * `trainyard score prod2vec --data data`

    * `trainyard score propensity --dataset database --set data.source=database --set data.product_id=3`
    """
    if data is None and dataset is None:
        raise BadRequest("Expected --data with a folder of files or --dataset with the name of a data set, found none.")
    name = dataset_name(dataset)
    overrides = gather(recipe_name, data, assignments=settings or [], model=model)
    files = _files(recipe_name, data, overrides=overrides) if data is not None else {}
    deployment = target.deployed(env=env, aws=aws)
    if files:
        replace_earlier(deployment, recipe_name, dataset=name, files=files, settings=overrides, folder=SCORE_PREFIX)
        upload(deployment, recipe_name, dataset=name, files=files, folder=SCORE_PREFIX)
        where = uploads.folder_uri(deployment, recipe_name, dataset=name, folder=SCORE_PREFIX)
        terminal.out().print(
            Text(f"Uploaded {len(files)} file{'' if len(files) == 1 else 's'} to {where}"), soft_wrap=True
        )
    arn, execution = scoring.start(deployment, recipe_name, dataset=name, uploaded=bool(files), overrides=overrides)
    terminal.out().print(Text(f"Execution {execution}"), soft_wrap=True)
    raise typer.Exit(follow_or_hint(deployment, arn, name=execution, watch=watch))


def _files(recipe_name: str, data: Path, *, overrides: Mapping[str, Any]) -> Mapping[str, Path]:
    """The files to upload; raises BadRequest when the set is not complete, for nothing would wait for the rest."""
    found = files_of(recipe_name, recipe.config(recipe_name, overrides), directory=data)
    if found.missing:
        raise BadRequest(f"Expected every file of recipe {recipe_name} in {data}, found no {', '.join(found.missing)}.")
    return found.data
