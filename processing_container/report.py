"""Report job: the recipe's tables and plots, and one self-contained page about the run."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from trainyard import container, recipe
from trainyard.config import RecipeConfig
from trainyard.model_archive import unpack
from trainyard.pages.page import PAGE_FILE, Cell, ReportInputs, render
from trainyard.run import Run


def main() -> None:
    """Write `index.html` and whatever the recipe adds beside it."""
    run = Run.read(container.processing_input("resolve"))
    config = recipe.config(run.recipe, run.config)
    output = container.processing_output("report")
    with tempfile.TemporaryDirectory() as scratch:
        inputs = ReportInputs(
            model=unpack(container.processing_input("model"), Path(scratch)),
            prepare=container.processing_input("prepare"),
            process=container.processing_input("process"),
            evaluation=json.loads((container.processing_input("evaluate") / "evaluation.json").read_text("utf-8")),
            decision=json.loads((container.processing_input("gate") / "decision.json").read_text("utf-8")),
        )
        sections = recipe.module(run.recipe, "report").report(inputs, output, config)
        page = render(
            title=config.title,
            facts=_facts(run, config),
            evaluation=inputs.evaluation,
            decision=inputs.decision,
            sections=sections,
        )
    (output / PAGE_FILE).write_text(page, encoding="utf-8")
    print(f"wrote {', '.join(sorted(each.name for each in output.iterdir()))}", flush=True)


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
    return facts | {f"file {each.filename}": f"version {each.version_id}, {each.size:,} bytes" for each in run.files}
