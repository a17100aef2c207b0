"""Stage report: a recipe's tables and plots, and one self-contained page about the run; in the processing image."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from trainyard.contract.config import RecipeConfig, to_mapping
from trainyard.contract.curves import CURVES_FILE
from trainyard.contract.report import Cell, ReportInputs, Section, Table
from trainyard.run import recipe
from trainyard.run.documents import Comparison, Decision, PrepareSummary
from trainyard.run.files import PAGE_FILE
from trainyard.run.model_archive import ModelCard
from trainyard.run.run import Run
from trainyard.run.setting_paths import differing
from trainyard.stages.report.page import render


def report(run: Run, inputs: ReportInputs, *, comparison: Comparison, decision: Decision, output: Path) -> None:
    """Write `index.html` to `output`, the curves of the training, and whatever the recipe adds beside them."""
    config = recipe.config(run.recipe, run.config)
    own = recipe.module(run.recipe, "report").report(inputs, output, config=config)
    page = render(
        title=config.title,
        tab=f"{run.recipe} {run.run_id}",
        facts=_facts(run, config),
        comparison=comparison,
        decision=decision,
        meanings=recipe.meanings(run.recipe),
        sections=(*own, *data_sections(inputs.prepare), again(run, ModelCard.read(inputs.model))),
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
    rows = Table(columns=("table", "rows"), rows=list(said.rows.items()))
    files = Table(columns=("how the files were read",), rows=[(each,) for each in said.notes])
    tables = (rows, files) if said.notes else (rows,)
    return (Section(title="The data", text="\n".join(said.warnings), tables=tables),)


def again(run: Run, card: ModelCard) -> Section:
    """What it takes to make the run again: the command, the settings that are not the defaults, and the libraries."""
    changed = [
        (path, _text(value), _text(default))
        for path, value, default in differing(run.config, to_mapping(recipe.config(run.recipe)))
    ]
    settings = Table(columns=("setting", "here", "by default"), rows=changed, caption="Set otherwise than by default")
    libraries = Table(columns=("library", "version"), rows=list(card.libraries.items()), caption="Trained with")
    return Section(
        title="Run it again",
        text=f"`trainyard rerun {run.run_id}` trains it again on the same versions of the files, with these settings.",
        tables=tuple(each for each in (settings, libraries) if each.rows),
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _facts(run: Run, config: RecipeConfig) -> dict[str, Cell]:
    facts: dict[str, Cell] = {
        "recipe": run.recipe,
        "run": run.run_id,
        "data set": run.dataset,
        "execution": run.execution_arn,
        "code version": run.code_version,
        "trained on": config.jobs["train"].instance_type,
        "seed": config.seed,
        "data fingerprint": run.fingerprint,
    }
    return facts | {f"file {each.name}": f"version {each.version_id}, {each.size:,} bytes" for each in run.files}
