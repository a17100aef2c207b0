"""Runs the stages of a recipe in this process, on files of this machine and without a cloud; runs on a laptop.

They are the workflow's own stages: only S3 is a folder, the champion is missing, and nothing is registered.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainyard.client.dataset.data_folder import files_of
from trainyard.client.recipe.folder_store import FolderStore, Mount
from trainyard.contract.config import RecipeConfig, to_mapping
from trainyard.contract.report import ReportInputs
from trainyard.errors import BadData, BadRequest, JobFailed, NotFound
from trainyard.glue.arguments import Arguments
from trainyard.run import recipe
from trainyard.run.documents import Comparison, Decision
from trainyard.run.files import PAGE_FILE
from trainyard.run.folders import RAW_PREFIX
from trainyard.run.run import InputFile, Run
from trainyard.run.stage import Stage
from trainyard.run.store import RunStore
from trainyard.stages.resolve.files import source_of

DATA, RESULTS = "data", "results"
RUN_ID = "latest"
DATASET = "try"
STAGES = (
    Stage.INGEST,
    Stage.PREPARE,
    Stage.PROCESS,
    Stage.TRAIN,
    Stage.EVALUATE,
    Stage.GATE,
    Stage.REPORT,
    Stage.SCORE,
)
# Says that a stage came to its end.
DONE_FILE = ".done"


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A run of a recipe whose stages write to `folder`."""

    store: RunStore
    folder: Path

    @property
    def run(self) -> Run:
        """What the stages are told."""
        return self.store.run

    @property
    def page(self) -> Path:
        """The report, once there is one."""
        return self._at(Stage.REPORT) / PAGE_FILE

    def done(self, stage: Stage) -> bool:
        """Whether the stage came to its end in this or an earlier process."""
        return (self._at(stage) / DONE_FILE).is_file()

    def start(self, stage: Stage) -> None:
        """Run one stage in place of what it left before. Raises BadData, and whatever the recipe's own code raises."""
        for later in STAGES[STAGES.index(stage) :]:
            (self._at(later) / DONE_FILE).unlink(missing_ok=True)
        shutil.rmtree(self._at(stage), ignore_errors=True)
        self._at(stage).mkdir(parents=True)
        self._calls[stage]()
        (self._at(stage) / DONE_FILE).touch()

    def decision(self) -> Decision:
        """What the gate said."""
        return self.store.read_document(Stage.GATE, Decision)

    @property
    def _calls(self) -> Mapping[Stage, Callable[[], object]]:
        return {
            Stage.INGEST: self._ingest,
            Stage.PREPARE: self._prepare,
            Stage.PROCESS: self._process,
            Stage.TRAIN: self._train,
            Stage.EVALUATE: self._evaluate,
            Stage.GATE: self._gate,
            Stage.REPORT: self._report,
            Stage.SCORE: self._score,
        }

    def _at(self, stage: Stage) -> Path:
        return self.folder / stage.value

    @property
    def _model_dir(self) -> Path:
        return self._at(Stage.TRAIN) / "model"

    @property
    def _arguments(self) -> Arguments:
        return Arguments(run_uri=f"s3://{RESULTS}/{self.run.prefix}", engine="duckdb")

    def _ingest(self) -> None:
        from trainyard.stages.ingest.ingest import ingest

        quality = ingest(self.store, self._arguments, read_secret=_no_secret)
        if not quality.ok:
            raise BadData(quality.problems)

    def _prepare(self) -> None:
        from trainyard.stages.prepare import prepare

        prepare(self.store, self._arguments)

    def _process(self) -> None:
        from trainyard.stages.process import process

        process(self.run, self._at(Stage.PREPARE), output=self._at(Stage.PROCESS))

    def _train(self) -> None:
        from trainyard.stages.train import train

        channels = {each: self._at(Stage.PROCESS) / each for each in ("train", "validation", "features")}
        checkpoints = self._at(Stage.TRAIN) / "checkpoints"
        checkpoints.mkdir()
        train(self.run, channels, hyperparameters={}, model_dir=self._model_dir, checkpoints=checkpoints)

    def _evaluate(self) -> None:
        from trainyard.stages.evaluate.evaluate import evaluate

        evaluate(
            self.run,
            self._at(Stage.PROCESS),
            challenger=self._model_dir,
            champion=None,
            output=self._at(Stage.EVALUATE),
        )

    def _gate(self) -> None:
        from trainyard.stages.gate import gate

        gate(self.store, champion=None)

    def _report(self) -> None:
        from trainyard.stages.report.report import Findings, report

        report(
            self.run,
            ReportInputs(model=self._model_dir, prepare=self._at(Stage.PREPARE), process=self._at(Stage.PROCESS)),
            found=Findings(
                comparison=self.store.read_document(Stage.EVALUATE, Comparison),
                decision=self.decision(),
                evaluated=self._at(Stage.EVALUATE),
            ),
            output=self._at(Stage.REPORT),
        )

    def _score(self) -> None:
        from trainyard.stages.score.score import score

        scores = self._at(Stage.SCORE) / "rows"
        scores.mkdir()
        score(
            self.run,
            self._at(Stage.INGEST),
            model_dir=self._model_dir,
            scores=scores,
            summary=self._at(Stage.SCORE),
        )


def prepare_trial(name: str, data: Path, *, settings: Mapping[str, Any], results: Path) -> Trial:
    """A trial on the files in `data`, whose stages write to `results/<recipe>/latest`.

    What earlier stages left there stays where files and settings are the same, else it is removed. Raises NotFound for
    a folder without the recipe's files, BadRequest for a recipe that only starts other runs.
    """
    config = recipe.config(name, {"score": {"enabled": True}}, settings)
    if config.fans_out:
        raise BadRequest(
            f"Expected settings of one model of {name}, found those that start a run for each of several; choose one "
            "with --set (see `trainyard recipes`)."
        )
    folder = results / name / RUN_ID
    run = _run(name, config, data=data)
    mounts = {
        DATA: Mount(folder=data, prefix=f"{RAW_PREFIX}/{name}/{DATASET}/"),
        RESULTS: Mount(folder=results),
    }
    if not _same(folder / Stage.RESOLVE.value, run):
        shutil.rmtree(folder, ignore_errors=True)
        (folder / Stage.RESOLVE.value).mkdir(parents=True)
        run.write(folder / Stage.RESOLVE.value)
    return Trial(store=RunStore(FolderStore(mounts), run), folder=folder)


def _run(name: str, config: RecipeConfig, *, data: Path) -> Run:
    found = files_of(name, config, directory=data)
    if found.missing:
        raise NotFound(f"Expected also {', '.join(found.missing)} in {data}, found {', '.join(found.data)}.")
    return Run(
        recipe=name,
        run_id=RUN_ID,
        dataset=DATASET,
        execution_arn=f"trainyard:try:{name}:local",
        raw_bucket=DATA,
        artifacts_bucket=RESULTS,
        fingerprint="",
        code_version="working tree",
        files=tuple(_file(name, config, key=key, path=path) for key, path in found.data.items()),
        config=to_mapping(config),
    )


def _file(name: str, config: RecipeConfig, *, key: str, path: Path) -> InputFile:
    status = path.stat()
    return InputFile(
        source=source_of(key, recipe.sources(name, config), settings=config.files) or "",
        key=f"{RAW_PREFIX}/{name}/{DATASET}/{key}",
        version_id=str(status.st_mtime_ns),
        size=status.st_size,
    )


def _same(resolved: Path, run: Run) -> bool:
    try:
        return Run.read(resolved) == Run.from_json(run.to_json())
    except (OSError, JobFailed):
        return False


def _no_secret() -> str:
    raise BadRequest("Expected files that hold the data, found a recipe that reads a database; give its SQLite file.")
