"""Stage report: a recipe's tables and plots, and one self-contained page about the run; in the processing image."""

from __future__ import annotations

import shutil
from pathlib import Path

from trainyard.contract.config import RecipeConfig
from trainyard.contract.curves import CURVES_FILE
from trainyard.contract.report import Cell, ReportInputs, Section, Table
from trainyard.run import recipe
from trainyard.run.documents import Comparison, Decision, PrepareSummary
from trainyard.run.files import PAGE_FILE
from trainyard.run.run import Run
from trainyard.stages.report.page import render


def report(run: Run, inputs: ReportInputs, *, comparison: Comparison, decision: Decision, output: Path) -> None:
    """Write `index.html` to `output`, the curves of the training, and whatever the recipe adds beside them."""
    config = recipe.config(run.recipe, run.config)
    own = recipe.module(run.recipe, "report").report(inputs, output, config=config)
    page = render(
        title=config.title,
        facts=_facts(run, config),
        comparison=comparison,
        decision=decision,
        sections=(*own, *data_sections(inputs.prepare)),
    )
    (output / PAGE_FILE).write_text(page, encoding="utf-8")
    if (inputs.model / CURVES_FILE).exists():
        # Out of the archive, so that runs can be laid over each other without fetching their models.
        shutil.copyfile(inputs.model / CURVES_FILE, output / CURVES_FILE)


def data_sections(prepared: Path) -> tuple[Section, ...]:
    """What is worth knowing of the files: how they were read, and what was left out of them."""
    if not (prepared / PrepareSummary.FILE).exists():
        return ()
    said = PrepareSummary.read(prepared)
    if not said.warnings and not said.notes:
        return ()
    files = Table(columns=("how the files were read",), rows=[(each,) for each in said.notes])
    return (Section(title="The data", text="\n".join(said.warnings), tables=(files,) if said.notes else ()),)


def _facts(run: Run, config: RecipeConfig) -> dict[str, Cell]:
    facts: dict[str, Cell] = {
        "recipe": run.recipe,
        "run": run.run_id,
        "data set": run.dataset,
        "execution": run.execution_arn,
        "code version": run.code_version,
        "seed": config.seed,
        "data fingerprint": run.fingerprint,
    }
    return facts | {f"file {each.name}": f"version {each.version_id}, {each.size:,} bytes" for each in run.files}
