"""`trainyard artifacts`: lists and fetches what runs left behind; runs on a laptop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from trainyard.cli.command import target, terminal
from trainyard.cli.command.options import AwsOption, EnvOption, JsonOption
from trainyard.client.deployment import Deployment
from trainyard.client.execution.find_execution import LATEST
from trainyard.client.run.artifacts import Artifact, RunArtifacts, download, of_run, run_ids
from trainyard.client.run.find_run import find_run
from trainyard.errors import NotFound
from trainyard.pages import formats
from trainyard.run import recipe


def artifacts(
    of: Annotated[
        str, typer.Argument(metavar="[EXECUTION|RECIPE]", help="An execution or run id, or a recipe for all its runs.")
    ] = LATEST,
    folder: Annotated[
        Path | None, typer.Option("--download", metavar="DIR", help="Fetch the files to this folder.")
    ] = None,
    *,
    env: EnvOption = "dev",
    aws: AwsOption = False,
    as_json: JsonOption = False,
) -> None:
    """List what a run made, or the runs of a recipe; with --download fetch the files.

    Examples:

    * `trainyard artifacts`

    * `trainyard artifacts prod2vec`

    * `trainyard artifacts latest --download results`
    """
    deployment = target.deployed(env=env, aws=aws)
    if of in recipe.names() and folder is None:
        _list_runs(deployment, of, as_json=as_json)
        return
    run = find_run(deployment, of)
    found = list(run.listed())
    if not found:
        raise NotFound(f"Expected artifacts under {run.uri}/, found none yet.")
    if folder is not None:
        for each in found:
            path = download(deployment, each, directory=folder)
            terminal.out().print(Text(f"{path}  {formats.size(each.size)}"), soft_wrap=True)
    elif as_json:
        bucket = f"s3://{deployment.artifacts_bucket}"
        terminal.print_json([{**asdict(each), "uri": f"{bucket}/{each.key}"} for each in found])
    else:
        _print(run, found)


def _list_runs(deployment: Deployment, name: str, *, as_json: bool) -> None:
    runs = run_ids(deployment, name)
    if as_json:
        terminal.print_json(runs)
        return
    for run_id in runs:
        uri = of_run(deployment, name, run_id=run_id).uri
        terminal.out().print(Text(f"{run_id}  {uri}/"), soft_wrap=True)
    if not runs:
        terminal.out().print(Text(f"No runs of {name} yet; start one with `trainyard run {name}`."))


def _print(run: RunArtifacts, found: Sequence[Artifact]) -> None:
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    for each in found:
        key, written = each.key.removeprefix(f"{run.prefix}/"), formats.moment(each.modified)
        table.add_row(Text(key), formats.size(each.size), written)
    terminal.out().print(Text(f"{run.uri}/", style="bold"), soft_wrap=True)
    terminal.out().print(table)
