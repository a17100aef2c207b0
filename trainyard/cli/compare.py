"""`trainyard compare`: what was set and read differently in two or more runs, and what each found; on a laptop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from trainyard.cli.command import target, terminal
from trainyard.cli.command.options import AwsOption, EnvOption, JsonOption
from trainyard.client.run import comparison, runs
from trainyard.client.run.comparison import Drift, Line, RunComparison
from trainyard.client.run.find_run import find_run
from trainyard.client.run.pairing import Pair
from trainyard.client.wording import short_run
from trainyard.errors import BadRequest
from trainyard.pages import formats
from trainyard.run.documents import Metric

SHOWN_CHARACTERS = 28
LISTS = ("settings", "files", "data", "drift", "metrics")


def compare(
    of: Annotated[list[str], typer.Argument(metavar="RUN RUN...", help="Run ids or executions of one recipe.")],
    *,
    env: EnvOption = "dev",
    aws: AwsOption = False,
    as_json: JsonOption = False,
) -> None:
    """Set two or more runs of a recipe beside each other: settings and files that differ, and every metric.

    Each run after the first is compared with it on the same held-out examples: the difference in the main metric, with
    its 95 % interval, and whether that is better, worse or no more than noise.

    Examples:

    * `trainyard compare previous latest`

    * `trainyard compare c97393b4 train-c48489b9 --json`
    """
    if len(of) < 2:
        raise BadRequest(f"Expected two or more runs to compare, found {len(of)}; see `trainyard executions`.")
    deployment = target.deployed(env=env, aws=aws)
    records = [runs.read_from(find_run(deployment, each)) for each in of]
    recipes = list(dict.fromkeys(each.request.recipe for each in records))
    if len(recipes) > 1:
        raise BadRequest(f"Expected runs of one recipe, found {' and '.join(recipes)}.")
    found = comparison.compare(records)
    if as_json:
        terminal.print_json(_document(found))
    else:
        _print(found)


def _document(found: RunComparison) -> dict[str, Any]:
    return {
        "recipe": found.runs[0].request.recipe,
        "runs": [each.request.run_id for each in found.runs],
        **{name: [asdict(each) for each in getattr(found, name)] for name in LISTS},
        "same_holdout": found.same_holdout,
        "pairs": [{**asdict(each), "verdict": each.verdict} for each in found.pairs],
    }


def _print(found: RunComparison) -> None:
    out = terminal.out()
    metrics = [
        (f"{each.name} ◂" if each.primary else each.name, [_metric(value) for value in each.values])
        for each in found.metrics
    ]
    _print_table("Metrics on held-out data", found, lines=metrics, same="No metrics yet.")
    for each in found.pairs:
        out.print(Text(_paired(each)), soft_wrap=True)
    if found.caution:
        out.print(Text(found.caution, style="yellow"), soft_wrap=True)
    _print_table("Set differently", found, lines=_lines(found.settings), same="Every setting is the same.")
    _print_table("Files read differently", found, lines=_lines(found.files), same="Every file has the same content.")
    _print_table("Data", found, lines=_lines(found.data), same="The figures of the data are the same.")
    for drift in found.drift:
        _print_drift(drift)


def _print_drift(drift: Drift) -> None:
    out = terminal.out()
    out.print()
    heading = f"Columns of {drift.run} that moved from {drift.other}, beyond chance"
    out.print(Text(heading, style="bold"), soft_wrap=True)
    for each in drift.moves:
        out.print(Text(each.sentence), soft_wrap=True)


def _paired(pair: Pair) -> str:
    if pair.difference is None:
        return pair.reason
    said = f"{formats.words(pair.metric)} {pair.difference.text}, on the same {pair.examples:,} held-out examples"
    return f"{pair.run} is {pair.verdict} {pair.other}: {said}."


def _lines(lines: Sequence[Line]) -> list[tuple[str, list[str]]]:
    return [(each.name, [_cell(value) for value in each.values]) for each in lines]


def _print_table(title: str, found: RunComparison, *, lines: Sequence[tuple[str, list[str]]], same: str) -> None:
    out = terminal.out()
    out.print()
    out.print(Text(title, style="bold"))
    if not lines:
        out.print(Text(same, style="dim"))
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("", overflow="fold")
    for name in _names(found):
        table.add_column(name, overflow="fold")
    for name, values in lines:
        table.add_row(Text(name), *(Text(each) for each in values))
    out.print(table)


def _names(found: RunComparison) -> list[str]:
    """The runs as they are found again, the shorter the better."""
    ids = [each.request.run_id for each in found.runs]
    short = [short_run(each) for each in ids]
    return short if len(set(short)) == len(set(ids)) else ids


def _metric(value: Metric | None) -> str:
    return value.text if value is not None else "none"


def _cell(value: Any) -> str:
    return formats.number(value) if isinstance(value, float) else terminal.one_line(value, SHOWN_CHARACTERS)
