"""`trainyard forget`: removes requests, scores and labels that are kept about an id; on a laptop or in CI."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from trainyard.cli.command import completion, target, terminal
from trainyard.cli.command.options import AwsOption, EnvOption, JsonOption, ModelOption, VariantOption, known_recipe
from trainyard.client.captured import forget as forgetting
from trainyard.client.captured import records
from trainyard.client.captured.forget import Held
from trainyard.client.captured.matching import Wanted
from trainyard.errors import BadRequest
from trainyard.run.naming import checked_model, model_name

ELSEWHERE = (
    "Not searched: uploaded files (those of labels too), what runs made of them (training data, models, reports, pages "
    "of scores), results of queries, and answers that callers have. Replace a data set's files, and remove runs with "
    "`trainyard prune`. "
    "Requests of the last minutes may have yet to be written: call it again later."
)


def forget(
    identifier: Annotated[str, typer.Argument(metavar="ID", help="What a request was called, or an id in a field.")],
    *,
    fields: Annotated[
        list[str] | None,
        typer.Option(
            "--field",
            metavar="NAME",
            help="Field of requests or column of scores that may hold the id, beside those of the environment.",
        ),
    ] = None,
    recipe_name: Annotated[
        str | None,
        typer.Option(
            "--recipe",
            metavar="RECIPE",
            help="Only what models of this recipe kept.",
            callback=known_recipe,
            autocompletion=completion.recipes,
        ),
    ] = None,
    variant: VariantOption = "",
    model: ModelOption = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Remove it, instead of only showing it.")] = False,
    env: EnvOption = "dev",
    aws: AwsOption = False,
    as_json: JsonOption = False,
) -> None:
    """Remove every row about an id from the requests that endpoints kept, the scores, and the labels beside them.

    A request or a label is found by its id, and by the fields named with --field or in the environment (`id_fields`).
    Files are written anew without the rows, and the versions that had them are deleted. Without --yes it only shows
    what would go.

    Examples:

    * `trainyard forget order-4711`

    * `trainyard forget 4711 --field user_id --field uid --yes`
    """
    if (variant or model) and not recipe_name:
        raise BadRequest(
            "Expected --recipe beside --model or --variant, found none: names of models belong to recipes."
        )
    deployment = target.deployed(env=env, aws=aws)
    kept = records.rules(deployment)
    wanted = Wanted(id=identifier, fields=tuple(dict.fromkeys((*(kept.id_fields if kept else ()), *(fields or ())))))
    name = model_name(recipe_name or "", variant=variant, model=checked_model(model)) if variant or model else ""
    held = list(forgetting.found(deployment, wanted, recipe=recipe_name or "", model=name))
    done = list(forgetting.remove(deployment, held, wanted=wanted)) if yes else held
    if as_json:
        terminal.print_json({"removed": yes, "fields": wanted.fields, "versions": [asdict(each) for each in done]})
    else:
        _print(done, wanted=wanted, removed=yes)


def _print(found: Sequence[Held], *, wanted: Wanted, removed: bool) -> None:
    out, table = terminal.out(), Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    for each in found:
        table.add_row(
            each.key, f"{each.rows:,} row{'' if each.rows == 1 else 's'}", "" if each.current else "earlier version"
        )
    if found:
        out.print(table)
    rows, files = sum(each.rows for each in found if each.current), len({each.key for each in found})
    total = f"{rows:,} row{'' if rows == 1 else 's'} about {wanted.id} in {files} file{'' if files == 1 else 's'}"
    said = f"Removed {total}." if removed else f"{total} would be removed; do it with --yes."
    out.print(Text(said if found else f"Found nothing about {wanted.id}.", style="bold"), soft_wrap=True)
    if not wanted.fields:
        out.print(Text("Searched by what requests were called only; name fields with --field."), soft_wrap=True)
    out.print(Text(ELSEWHERE, style="dim"), soft_wrap=True)
