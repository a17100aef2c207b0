"""`trainyard prices`: whose prices estimates are reckoned at, and those of another region; runs on a laptop."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from trainyard.cli.command import target, terminal
from trainyard.cli.command.options import AwsOption, JsonOption
from trainyard.errors import BadRequest
from trainyard.run.costs import prices as table_of

EXAMPLES = ("ml.m5.large", "ml.m5.xlarge")


def prices(
    *,
    refresh: Annotated[bool, typer.Option("--refresh", help="Read them from AWS's Price List; needs --aws.")] = False,
    region: Annotated[
        str, typer.Option("--region", help="With --refresh: not of your account's region, but of this.")
    ] = "",
    aws: AwsOption = False,
    as_json: JsonOption = False,
) -> None:
    """List the regions whose prices are known, with their date; `--refresh` reads those of a region from AWS.

    Examples:

    * `trainyard prices`

    * `trainyard prices --refresh --aws --region eu-central-1`
    """
    if refresh:
        _refresh(region, aws=aws)
    elif as_json:
        terminal.print_json(table_of.table())
    else:
        terminal.out().print(_table())


def _refresh(region: str, *, aws: bool) -> None:
    if not aws:
        raise BadRequest("Expected --aws with --refresh: AWS is asked for the prices, with your credentials.")
    from trainyard.client import price_list

    cloud = target.connect(aws=True)
    name = region or cloud.region
    found = price_list.read(cloud.session.client("pricing", region_name=price_list.ENDPOINT_REGION), name)
    _replace(table_of.PRICES, table_of.with_region(name, found))
    count = len(found["sagemaker_instance_hour"])
    said = f"Prices of {name}: {count} machines, {found['source']}. They are in {table_of.PRICES}."
    terminal.out().print(Text(said), soft_wrap=True)


def _replace(path: Path, text: str) -> None:
    """Put a text in the place of a file at once: other programs read it meanwhile, and a full disk costs nothing."""
    unfinished = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        unfinished.write_text(text, encoding="utf-8")
        shutil.copymode(path, unfinished)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _table() -> Table:
    shown = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("Region", "Date", "Glue DPU hour", *EXAMPLES):
        shown.add_column(column)
    for name, region in table_of.table().items():
        hourly = [region["sagemaker_instance_hour"].get(each, "unknown") for each in EXAMPLES]
        shown.add_row(name, region["written"], *(str(each) for each in (region["glue_dpu_hour"], *hourly)))
    return shown
