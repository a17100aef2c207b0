"""`trainyard prune`: removes what old runs left in the artifacts bucket, after showing it; on a laptop or in CI."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from trainyard.cli.command import target, terminal
from trainyard.cli.command.options import AwsOption, EnvOption, JsonOption
from trainyard.client.run import pruning
from trainyard.client.run.pruning import OldRun
from trainyard.pages import formats


def prune(
    keep: Annotated[int, typer.Option("--keep", min=0, metavar="N", help="The newest runs of each recipe to keep.")],
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Remove them, instead of only showing them.")] = False,
    env: EnvOption = "dev",
    aws: AwsOption = False,
    as_json: JsonOption = False,
) -> None:
    """Remove the artifacts of old runs: not of the newest N of each recipe, of registered models, or of what runs.

    Without --yes it only shows what would go. Uploaded files and tables of scores stay. An execution whose run was
    removed can be started again with `trainyard rerun`, but not redriven.

    Examples:

    * `trainyard prune --keep 10`

    * `trainyard prune --keep 10 --yes`
    """
    deployment = target.deployed(env=env, aws=aws)
    found = pruning.old_runs(deployment, keep=keep)
    done = list(pruning.remove(deployment, found)) if yes else found
    if as_json:
        terminal.print_json({"removed": yes, "runs": [asdict(each) for each in done]})
    elif found:
        _print(done, removed=yes)
    else:
        terminal.out().print(Text("Nothing to remove: every run is new enough, or its model is registered."))


def _print(found: Sequence[OldRun], *, removed: bool) -> None:
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    for each in found:
        table.add_row(each.recipe, each.run_id, f"{each.objects} objects", formats.size(each.bytes))
    out = terminal.out()
    out.print(table)
    total = f"{len(found)} run{'' if len(found) == 1 else 's'} with {formats.size(sum(each.bytes for each in found))}"
    said = f"Removed {total}." if removed else f"{total} would be removed; do it with --yes."
    out.print(Text(said, style="bold"))
