"""`trainyard shadow`: sets a model's answers beside those of the version in its shadow; runs on a laptop."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from trainyard.cli.command import target, terminal
from trainyard.cli.command.options import AwsOption, EnvOption, JsonOption, ModelOption, RecipeArgument, VariantOption
from trainyard.client.model import shadow as shadows
from trainyard.client.model.shadow import SideBySide
from trainyard.contract.quoting import printable
from trainyard.run.naming import checked_model, model_name

if TYPE_CHECKING:
    import pandas as pd

SHOWN = 5
# Answers to the same request often begin alike.
LONGEST_CELL = 120
ALONE = "refused by the other, not copied, not kept or yet to be written"


def shadow(
    recipe_name: RecipeArgument,
    variant: VariantOption = "",
    *,
    model: ModelOption = "",
    last: Annotated[
        int, typer.Option("--last", min=1, metavar="N", help="The newest rows of the shadow to compare.")
    ] = shadows.NEWEST,
    tolerance: Annotated[
        float, typer.Option("--tolerance", min=0.0, max=1.0, help="Within which answers that are numbers are equal.")
    ] = shadows.TOLERANCE,
    env: EnvOption = "dev",
    aws: AwsOption = False,
    as_json: JsonOption = False,
) -> None:
    """Set what a model answered beside what the version in its shadow answered to the same requests.

    Both are read from what the endpoint kept; see "What endpoints keep" in docs/serving.md. A version is in the shadow
    after `trainyard release RECIPE --shadow VERSION`. Ends with 4 where there is nothing to compare. Times are in UTC.

    Examples:

    * `trainyard shadow prod2vec`

    * `trainyard shadow prod2vec --last 10000 --json`
    """
    deployment = target.deployed(env=env, aws=aws)
    name = model_name(recipe_name, variant=variant, model=checked_model(model))
    found = shadows.side_by_side(deployment, name, newest=last, tolerance=tolerance)
    if as_json:
        print(json.dumps(_document(found), indent=2, ensure_ascii=False))
    else:
        _print(found)


def _document(found: SideBySide) -> Mapping[str, Any]:
    return {
        "runs": found.runs,
        "shadow_run": found.shadow_run,
        "first": found.first.isoformat(),
        "last": found.last.isoformat(),
        "compared": len(found.rows),
        "only_model": found.only_model,
        "only_shadow": found.only_shadow,
        "changed": found.changed,
        "rows_changed": found.rows_changed,
        "tolerance": found.tolerance,
        "latency_ms": vars(found.latency_ms),
        "shadow_latency_ms": vars(found.shadow_latency_ms),
        "rows": json.loads(found.rows.to_json(orient="records", date_format="iso")),
    }


def _print(found: SideBySide) -> None:
    out = terminal.out()
    for line in (
        f"Run {found.shadow_run} in the shadow of {' and '.join(found.runs)}, "
        f"from {found.first:%Y-%m-%d %H:%M:%S} to {found.last:%Y-%m-%d %H:%M:%S}",
        f"Both answered {_rows(len(found.rows))}; the model alone {found.only_model:,}, the shadow alone "
        f"{found.only_shadow:,} ({ALONE})",
        f"{found.changed:.1%} of what the answers say differs, in {_rows(found.rows_changed)} (numbers within "
        f"{found.tolerance:g} are equal)",
    ):
        out.print(Text(line), soft_wrap=True)
    out.print(_latencies(found))
    differing = found.most_changed.head(SHOWN)
    if len(differing):
        out.print(Text("The largest differences", style="bold"))
        out.print(_differences(differing))


def _rows(count: int) -> str:
    return f"{count:,} row{'' if count == 1 else 's'}"


def _latencies(found: SideBySide) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("Latency")
    for column in ("p50 ms", "p99 ms"):
        table.add_column(column, justify="right")
    for name, each in (("model", found.latency_ms), ("shadow", found.shadow_latency_ms)):
        table.add_row(name, f"{each.p50:.2f}", f"{each.p99:.2f}")
    return table


def _differences(rows: pd.DataFrame) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("Called", "Row", "Differs", "Request", "Answer", "In the shadow"):
        table.add_column(column, overflow="fold")
    for each in rows.itertuples():
        said = (each.request, each.answer, each.shadow_answer)
        cells = (printable(terminal.one_line(part, LONGEST_CELL)) for part in said)
        table.add_row(str(each.inference_id), str(each.row), f"{each.changed:.0%}", *cells)
    return table
