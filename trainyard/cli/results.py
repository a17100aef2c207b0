"""`trainyard artifacts`: lists and fetches what runs left behind; runs on a laptop."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from trainyard import recipe
from trainyard.aws import artifacts, executions
from trainyard.aws.artifacts import Artifact
from trainyard.aws.deployment import Deployment
from trainyard.aws.watch import plan_of
from trainyard.cli import console, target
from trainyard.cli.options import AwsOption, EnvOption, JsonOption
from trainyard.errors import NotFound


def list_artifacts(
    of: Annotated[
        str, typer.Argument(metavar="[EXECUTION|RECIPE]", help="An execution or run id, or a recipe for all its runs.")
    ] = executions.LATEST,
    download: Annotated[
        Path | None, typer.Option("--download", metavar="DIR", help="Fetch the files to this folder.")
    ] = None,
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
    if of in recipe.names() and download is None:
        _list_runs(deployment, of, as_json=as_json)
        return
    prefix = _prefix(deployment, of)
    found = list(artifacts.listed(deployment, f"{prefix}/"))
    if not found:
        raise NotFound(f"Expected artifacts under s3://{deployment.artifacts_bucket}/{prefix}/, found none yet.")
    if download is not None:
        for each in found:
            path = artifacts.download(deployment, each, download)
            console.out().print(Text(f"{path}  {console.size(each.size)}"), soft_wrap=True)
    elif as_json:
        console.print_json([{**asdict(each), "uri": _uri(deployment, each)} for each in found])
    else:
        _print(deployment, prefix, found)


def _prefix(deployment: Deployment, of: str) -> str:
    """The folder of a run; of a recipe's newest run when a recipe is named."""
    if of in recipe.names():
        runs = artifacts.run_ids(deployment, of)
        if not runs:
            raise NotFound(f"Expected a run of {of}, found none; start one with `trainyard run {of}`.")
        return f"{of}/{runs[0]}"
    execution = executions.find(deployment, of)
    plan = plan_of(deployment, execution) or {}
    if "prefix" not in plan:
        reason = plan.get("reason", "it has not decided yet what to do")
        raise NotFound(f"Expected an execution that trains; {execution.name} has no artifacts: {reason}.")
    return str(plan["prefix"])


def _list_runs(deployment: Deployment, name: str, *, as_json: bool) -> None:
    runs = artifacts.run_ids(deployment, name)
    if as_json:
        console.print_json(runs)
        return
    for run_id in runs:
        console.out().print(Text(f"{run_id}  s3://{deployment.artifacts_bucket}/{name}/{run_id}/"), soft_wrap=True)
    if not runs:
        console.out().print(Text(f"No runs of {name} yet; start one with `trainyard run {name}`."))


def _print(deployment: Deployment, prefix: str, found: list[Artifact]) -> None:
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    for each in found:
        table.add_row(Text(each.key.removeprefix(f"{prefix}/")), console.size(each.size), console.moment(each.modified))
    console.out().print(Text(f"s3://{deployment.artifacts_bucket}/{prefix}/", style="bold"), soft_wrap=True)
    console.out().print(table)


def _uri(deployment: Deployment, artifact: Artifact) -> str:
    return f"s3://{deployment.artifacts_bucket}/{artifact.key}"
