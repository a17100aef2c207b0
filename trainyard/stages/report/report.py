"""Stage report: a recipe's tables and plots, and one self-contained page about the run; in the processing image."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainyard.contract.config import RecipeConfig, to_mapping
from trainyard.contract.report import Cell, ReportInputs, Section, Table
from trainyard.contract.training.curves import CURVES_FILE
from trainyard.pages.formats import words
from trainyard.run import recipe
from trainyard.run.documents import Comparison, Decision, PrepareSummary
from trainyard.run.files import PAGE_FILE
from trainyard.run.model_archive import ModelCard
from trainyard.run.naming import began
from trainyard.run.reuse import Reuse
from trainyard.run.run import Run
from trainyard.run.settings.paths import differing
from trainyard.stages.process import FIGURES_FILE
from trainyard.stages.report.drift import drift_sections
from trainyard.stages.report.page import render
from trainyard.stages.report.search import search_sections
from trainyard.stages.report.slices import slice_sections
from trainyard.stages.report.times import time_sections


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What earlier stages found: the metrics beside those of others, what the gate decided, and their folders.

    `evaluated` has the scores of examples, `gated` the times of jobs, `search` what was tried, `reuse` what was taken
    over from other runs; each may be missing.
    """

    comparison: Comparison
    decision: Decision
    evaluated: Path | None = None
    gated: Path | None = None
    search: Path | None = None
    reuse: Reuse | None = None


def report(run: Run, inputs: ReportInputs, *, found: Findings, output: Path) -> None:
    """Write `index.html` to `output`, the curves of the training, and whatever the recipe adds beside them."""
    config = recipe.config(run.recipe, run.config)
    own = recipe.module(run.recipe, "report").report(inputs, output, config=config)
    page = render(
        title=config.title,
        tab=f"{run.recipe} {run.run_id}",
        facts=_facts(run, config),
        comparison=found.comparison,
        decision=found.decision,
        meanings=recipe.meanings(run.recipe),
        sections=(
            *own,
            *slice_sections(run.recipe, config, holdout=inputs.process / "holdout", evaluated=found.evaluated),
            *search_sections(found.search, config.tuning, before=to_mapping(config.hyperparameters)),
            *data_sections(inputs.prepare, inputs.process, reuse=found.reuse),
            *drift_sections(found.gated),
            *time_sections(run, config, gated=found.gated, search=found.search),
            again(run, ModelCard.read(inputs.model)),
        ),
    )
    (output / PAGE_FILE).write_text(page, encoding="utf-8")
    if (inputs.model / CURVES_FILE).exists():
        # Out of the archive, so that runs can be laid over each other without fetching their models.
        shutil.copyfile(inputs.model / CURVES_FILE, output / CURVES_FILE)


def data_sections(prepared: Path, processed: Path, *, reuse: Reuse | None = None) -> tuple[Section, ...]:
    """What is worth knowing of the files: how they were read, what they hold, what was left out, and the split."""
    if not (prepared / PrepareSummary.FILE).exists():
        return ()
    said = PrepareSummary.read(prepared)
    split = json.loads((processed / FIGURES_FILE).read_text()) if (processed / FIGURES_FILE).exists() else {}
    tables = (
        Table(columns=("counted in the files", ""), rows=_counts(said.figures)),
        Table(columns=("to learn from and to judge by", ""), rows=_counts(split)),
        Table(columns=("prepared table", "rows"), rows=list(said.rows.items())),
        Table(columns=("how the files were read",), rows=[(each,) for each in said.notes]),
        Table(columns=("stages of this run",), rows=[(each,) for each in (reuse.sentences if reuse else ())]),
    )
    return (
        Section(title="The data", text="\n".join(said.warnings), tables=tuple(each for each in tables if each.rows)),
    )


def _counts(figures: Mapping[str, float]) -> list[tuple[str, float]]:
    """Figures by their names as people read them; whole numbers as such."""
    return [(words(name), int(value) if float(value).is_integer() else value) for name, value in figures.items()]


def again(run: Run, card: ModelCard) -> Section:
    """What it takes to make the run again: the command, settings that are not the defaults, machines, and libraries."""
    config = recipe.config(run.recipe, run.config)
    changed = [
        (path, _text(value), _text(default))
        for path, value, default in differing(run.config, to_mapping(recipe.config(run.recipe)))
    ]
    settings = Table(columns=("setting", "here", "by default"), rows=changed, caption="Set otherwise than by default")
    machines = [
        (stage, f"{each.instance_count} x {each.instance_type}")
        for stage, each in config.jobs.items()
        if stage != ("train" if config.tune else "tune")
    ]
    tables = (
        settings,
        Table(columns=("job", "machine"), rows=machines, caption="Machines in AWS"),
        Table(columns=("library", "version"), rows=list(card.libraries.items()), caption="Trained with"),
    )
    return Section(
        title="Run it again",
        text=f"`trainyard rerun {run.run_id}` trains it again on the same versions of the files, with these settings.",
        tables=tuple(each for each in tables if each.rows),
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _facts(run: Run, config: RecipeConfig) -> dict[str, Cell]:
    facts: dict[str, Cell] = {
        "recipe": run.recipe,
        "run": run.run_id,
        "started": _started(run.run_id),
        "data set": run.dataset,
        "execution": run.execution_arn,
        "code version": run.code_version,
        "seed": config.seed,
        "data fingerprint": run.fingerprint,
    }
    files = {f"file {each.name}": f"version {each.version_id}, {each.size:,} bytes" for each in run.files}
    return {name: each for name, each in (facts | files).items() if each != ""}


def _started(run_id: str) -> str:
    """When a run began, which its id says; empty for an id that does not."""
    try:
        return f"{began(run_id):%Y-%m-%d %H:%M:%S} UTC"
    except ValueError:
        return ""
