"""`trainyard executions`: what ran and runs, the newest first; runs on a laptop."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from trainyard.cli.command import completion, target, terminal
from trainyard.cli.command.options import AwsOption, EnvOption, JsonOption, known_recipe
from trainyard.cli.execution_view import waiting
from trainyard.client.execution.executions import STATUSES, Execution, matching
from trainyard.client.wording import short
from trainyard.errors import BadRequest
from trainyard.pages import formats
from trainyard.run.outcome import Outcome

# Columns from which a reason has room beside the rest.
WIDE = 120
# Longer words may be folded.
MOST_OF_A_WORD = 12
EXECUTION_ARN = re.compile(r"arn:\S+:execution:[^:\s]+:([^:\s]+)")


def executions(
    recipe: Annotated[
        str | None,
        typer.Option(
            "--recipe", help="Only those of this recipe.", callback=known_recipe, autocompletion=completion.recipes
        ),
    ] = None,
    status: Annotated[str | None, typer.Option("--status", help=f"Only {', '.join(STATUSES).lower()}.")] = None,
    *,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="At most this many.")] = 20,
    env: EnvOption = "dev",
    aws: AwsOption = False,
    as_json: JsonOption = False,
) -> None:
    """List executions, the newest first.

    Examples:

    * `trainyard executions --recipe prod2vec --status failed`

    * `trainyard executions --json --limit 100`
    """
    wanted = status.upper().replace("-", "_") if status else None
    if wanted and wanted not in STATUSES:
        raise BadRequest(f"Expected one of {', '.join(STATUSES).lower()}; found {status!r}.")
    deployment = target.deployed(env=env, aws=aws)
    found = list(matching(deployment, recipe, status=wanted, limit=limit))
    if as_json:
        terminal.print_json([_summary(each) for each in found])
    elif found:
        out = terminal.out()
        out.print(_table(found, width=out.width))
        if any(each.end is Outcome.WAITING for each in found):
            waiting.print_waiting(deployment)
    else:
        terminal.out().print(Text("No executions yet; start one with `trainyard run RECIPE`."))


def _summary(execution: Execution) -> dict[str, Any]:
    kept = (
        "arn",
        "name",
        "status",
        "started",
        "stopped",
        "recipe",
        "dataset",
        "outcome",
        "waited_seconds",
        "error",
        "seconds",
        "redrives",
    )
    return {name: getattr(execution, name) for name in kept}


def _table(found: Sequence[Execution], *, width: int) -> Table:
    """Names are as short as they can be given to a command again, and times tell how long ago, so that lines fit."""
    table = Table(box=None, padding=(0, 2 if width >= WIDE else 1, 0, 0))
    outcomes = [_outcome(each, width=width) for each in found]
    longest = max((len(word) for each in outcomes for word in each.split()), default=0)
    for column in ("Execution", "Recipe", "Data set", "Outcome", "Started", "Took"):
        # Names of data sets, and words, which stay whole, give way to what is typed again, or is a figure.
        least = min(longest, MOST_OF_A_WORD) if column == "Outcome" else None
        table.add_column(column, no_wrap=column not in ("Data set", "Outcome"), overflow="fold", min_width=least)
    for each, outcome in zip(found, outcomes, strict=True):
        table.add_row(
            short(each.name),
            each.recipe,
            Text(each.dataset),
            Text(outcome, style=terminal.execution_status(each.status).style),
            formats.ago(each.started, terminal.now()),
            formats.duration(each.seconds),
        )
    return table


def _outcome(execution: Execution, *, width: int) -> str:
    """What came of it, or how it stands; on a wide terminal with what kept it waiting, and why an idle one was idle.

    Other executions are called by their names.
    """
    ended = execution.outcome if execution.status == "SUCCEEDED" else _failed(execution)
    if width < WIDE:
        return ended
    waited = f", waited {execution.waited_seconds} s for the set to settle" if execution.waited_seconds else ""
    if execution.end is not Outcome.NOTHING:
        return f"{ended}{waited}"
    reason = EXECUTION_ARN.sub(r"\1", str(execution.output.get("reason", "")))
    return f"nothing: {reason}{waited}"


def _failed(execution: Execution) -> str:
    """How one that has not succeeded stands: running, or failed with what."""
    status = execution.status.lower().replace("_", " ")
    return f"{status}: {execution.outcome}" if execution.outcome else status
