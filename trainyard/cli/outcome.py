"""Tells how an execution ended: scores, gate decision and artifacts, or what was wrong and what to do; on a laptop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from trainyard.aws import artifacts, executions, logs
from trainyard.aws.deployment import Deployment
from trainyard.aws.executions import Execution
from trainyard.aws.history import StateVisit
from trainyard.cli import console, scored
from trainyard.failure import root_cause
from trainyard.pages.page import PAGE_FILE
from trainyard.stages import Stage

OK, FAILED, BAD_REQUEST, BAD_DATA, REFUSED = 0, 1, 2, 3, 5
ROLLED_BACK, CHILDREN_FAILED = "DeploymentRolledBack", "ChildrenFailed"
NO_MODEL = "NoModel"
ERROR_CODES = {"BadData": BAD_DATA, "BadRequest": BAD_REQUEST, NO_MODEL: BAD_REQUEST}
LOG_LINES = 15
MAX_COLUMNS = 5


def exit_code(execution: Execution) -> int:
    """0 when it did what it was asked (or still runs), 2 bad request, 3 bad data, 5 model refused, 1 failed."""
    if execution.running:
        return OK
    if execution.status == "SUCCEEDED":
        return REFUSED if execution.outcome == "refused" else OK
    return ERROR_CODES.get(execution.error, FAILED)


def tell(deployment: Deployment, execution: Execution, visits: Sequence[StateVisit]) -> int:
    """Print the end of an execution; returns the exit code."""
    out = console.out()
    code = exit_code(execution)
    if execution.running:
        out.print(Text(f"{execution.name} is still running; watch it with `trainyard show {execution.name} --follow`."))
    elif execution.status == "SUCCEEDED":
        _tell_success(deployment, execution, out)
    elif execution.error == CHILDREN_FAILED:
        advice = f"Once the reasons are mended: `trainyard redrive {execution.name}` keeps what succeeded."
        _tell_reasons("Some child executions failed; they stopped no other.", execution.cause, advice, out)
    elif execution.error == ROLLED_BACK:
        title = "The model is registered, but its deployment was rolled back."
        advice = "See `trainyard endpoints` for what is in service, and `trainyard release` to try again."
        _tell_reasons(title, execution.cause, advice, out)
    elif execution.error == NO_MODEL:
        advice = f"Train one with `trainyard run {execution.recipe}`, then score again."
        _tell_reasons("Nothing was scored.", execution.cause, advice, out)
    elif code in (BAD_DATA, BAD_REQUEST):
        what = "data" if code == BAD_DATA else "request"
        title = f"The {what} was refused; nothing was trained and the files stay where they are."
        advice = "Mend this and upload again: a new version of the files starts a new run."
        _tell_reasons(title, execution.cause or "no reason was given", advice, out)
    else:
        _tell_failure(deployment, execution, visits, out)
    return code


def _tell_success(deployment: Deployment, execution: Execution, out: Console) -> None:
    output = execution.output if isinstance(execution.output, Mapping) else {}
    if output.get("outcome") == "scored":
        scored.tell(deployment, output, out)
        return
    if "children" in output:
        _tell_children(output, out)
        return
    if output.get("outcome") == "deployed":
        out.print()
        out.print(Text(f"The model of run {output['run_id']} is in service: {output['endpoint']}.", style="bold green"))
        return
    if output.get("outcome") == "superseded":
        newer, recipe = output["newer_run"], output["recipe"]
        out.print()
        out.print(Text(f"The model of run {output['run_id']} was not put into service: that of run {newer} is newer."))
        out.print(Text(f"Put that one into service with `trainyard release {recipe}`.", style="dim"))
        return
    if "decision" not in output:
        out.print(Text(f"Nothing was trained: {output.get('reason', 'the execution gave no reason')}."))
        return
    prefix = f"{output['recipe']}/{output['run_id']}"
    _print_decision(output["decision"], out)
    _print_scores(output["decision"], out)
    highlights = artifacts.document(deployment, f"{prefix}/{Stage.REPORT}/highlights.json")
    if isinstance(highlights, Mapping):
        _print_highlights(highlights, out)
    out.print()
    out.print(Text.assemble(("Artifacts  ", "bold"), str(output["uri"])), soft_wrap=True)
    out.print(Text.assemble(("Report     ", "bold"), f"{output['uri']}/{Stage.REPORT}/{PAGE_FILE}"), soft_wrap=True)
    scored.tell_beside_model(deployment, prefix, out)
    if output.get("endpoint"):
        out.print(Text.assemble(("Endpoint   ", "bold"), str(output["endpoint"])), soft_wrap=True)
    out.print(Text(f"Fetch them with `trainyard artifacts {output['run_id']} --download DIR`.", style="dim"))


def _tell_children(output: Mapping[str, Any], out: Console) -> None:
    """How each child execution of a fan-out ended; each can be shown like any other."""
    out.print()
    out.print(Text("Every child execution came to a good end.", style="bold green"))
    for child in output["children"]:
        out.print(Text(f"  {child['name']} {child['outcome']}: {child['reason']}"), soft_wrap=True)
    out.print(Text(f"Show one with `trainyard show {output['run_id']}-NAME`.", style="dim"))


def _print_decision(decision: Mapping[str, Any], out: Console) -> None:
    promoted = bool(decision["promote"])
    verdict = "The model passed the gate and is registered." if promoted else "The gate refused the model."
    out.print()
    out.print(Text(verdict, style="bold green" if promoted else "bold red"))
    for check in decision["checks"]:
        sign, style = ("✓", "green") if check["passed"] else ("✗", "red")
        out.print(Text.assemble("  ", (sign, style), f" {check['sentence']}"), soft_wrap=True)


def _print_scores(decision: Mapping[str, Any], out: Console) -> None:
    """One row per metric: the new model with its interval, the champion, and each baseline."""
    champion = decision.get("champion") or {}
    references: Mapping[str, Mapping[str, float]] = decision.get("references") or {}
    table = Table(title="Scores on held-out data", title_justify="left", title_style="bold")
    table.add_column("metric")
    for name in ("new model", "interval", *(["champion"] if champion else []), *references):
        table.add_column(name, justify="right")
    for metric, score in decision["metrics"].items():
        interval = f"{console.number(score['low'])} to {console.number(score['high'])}" if "low" in score else ""
        row = [metric, console.number(score["value"]), interval]
        if champion:
            row.append(console.number(champion["metrics"].get(metric, {}).get("value", "")))
        row += [console.number(each.get(metric, "")) for each in references.values()]
        table.add_row(*row)
    out.print()
    out.print(table)


def _print_highlights(highlights: Mapping[str, Any], out: Console) -> None:
    """The table that a recipe's report wants a reader to see first; a wide one is turned so that it fits."""
    grid = [[str(each) for each in highlights["columns"]]]
    grid += [[console.number(each) for each in row] for row in highlights["rows"]]
    if len(grid[0]) > max(len(grid), MAX_COLUMNS):
        grid = [list(column) for column in zip(*grid, strict=True)]
    table = Table(title=highlights["title"], title_justify="left", title_style="bold", row_styles=["", "dim"])
    for column in grid[0]:
        table.add_column(Text(column), overflow="fold")
    for row in grid[1:]:
        table.add_row(*(Text(each) for each in row))
    out.print()
    out.print(table)


def _tell_reasons(title: str, reasons: str, advice: str, out: Console) -> None:
    """What came of an execution that a state ended on purpose, why, and what to do."""
    out.print()
    out.print(Text(title, style="bold red"))
    for reason in reasons.splitlines():
        out.print(Text(f"  • {reason}"), soft_wrap=True)
    out.print(Text(advice, style="dim"))


def _tell_failure(deployment: Deployment, execution: Execution, visits: Sequence[StateVisit], out: Console) -> None:
    failure = root_cause(executions.history(deployment.target, execution.arn), status=execution.status)
    out.print()
    out.print(Text(f"{execution.status} at {failure.state or 'its start'}: {failure.error}", style="bold red"))
    out.print(Text(failure.reason), soft_wrap=True)
    failed = [each for each in visits if each.name == failure.state]
    lines = logs.of_visit(deployment.target, failed[-1])[-LOG_LINES:] if failed else []
    if lines:
        out.print(Text(f"Last log lines of {failure.state}:", style="bold"))
        for line in lines:
            out.print(Text(f"  {line.text}", style="dim"), soft_wrap=True)
    out.print(Text(f"Once the reason is mended: `trainyard redrive {execution.name}` goes on from {failure.state!r}."))
