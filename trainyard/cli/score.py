"""`trainyard score`: scores every row of a data set with the model in use, into a table; runs on a laptop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from trainyard import recipe
from trainyard.aws import scoring, uploads
from trainyard.cli import changes, console, runs, samples, sending, target
from trainyard.cli.options import AwsOption, EnvOption, FollowOption, RecipeArgument
from trainyard.errors import BadRequest
from trainyard.resolve import SCORE_PREFIX


def score(
    recipe_name: RecipeArgument,
    data: Annotated[
        Path | None, typer.Option("--data", help="Folder with the recipe's files, which are uploaded to be scored.")
    ] = None,
    dataset: Annotated[
        str | None, typer.Option("--dataset", help="Score this data set of the raw bucket, or name the new one.")
    ] = None,
    settings: runs.SetOption = None,
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
    name = sending.dataset_name(dataset)
    overrides = changes.gather(recipe_name, data, settings or [], tune=False)
    files = _files(recipe_name, data, overrides) if data is not None else []
    found = target.deployed(env=env, aws=aws)
    if files:
        sending.send(found, recipe_name, name, files, folder=SCORE_PREFIX)
        where = f"s3://{found.raw_bucket}/{uploads.key_of(recipe_name, name, '', folder=SCORE_PREFIX)}"
        console.out().print(Text(f"Uploaded {len(files)} files to {where}"), soft_wrap=True)
    arn, execution = scoring.start(found, recipe_name, name, uploaded=bool(files), overrides=overrides)
    console.out().print(Text(f"Execution {execution}"), soft_wrap=True)
    if not watch:
        console.out().print(Text(f"Watch it with `trainyard show {execution} --follow`.", style="dim"))
        raise typer.Exit
    raise typer.Exit(runs.watch_to_end(found, arn, execution)[0])


def _files(recipe_name: str, data: Path, overrides: Mapping[str, Any]) -> Sequence[Path]:
    """The files to upload; raises BadRequest when the set is not complete, for nothing would wait for the rest."""
    files, _, missing = samples.files_of(recipe_name, recipe.config(recipe_name, overrides), data)
    if missing:
        raise BadRequest(f"Expected every file of recipe {recipe_name} in {data}, found no {', '.join(missing)}.")
    return files
