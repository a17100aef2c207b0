"""Measures how CPU time and memory of every stage grow when the data grow tenfold, on generated data; runs on a laptop.

    python -m benchmarks.growth                                    # all recipes, 20,000 and 200,000 lines
    python -m benchmarks.growth --recipe prod2vec --size 100000    # 100,000 and 1,000,000
    python -m benchmarks.growth --recipe two_tower --size 200000 --times 2 --folder F --stage train --stage report

Each stage is a process of its own, so that its peak is its own; it works on local files as the shells do, without S3.
With `--folder` what the stages leave is kept there, and a stage can be measured again by itself.
Training runs two epochs. The peak counts what a process loads before any data come: Python, DuckDB, TensorFlow.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

# The recipes' own modules are loaded in the children only: what this process holds would count as theirs.
from benchmarks.figures import columns
from trainyard.contract.config import RecipeConfig
from trainyard.contract.report import ReportInputs
from trainyard.run.recipe import config, has, module, names, score_columns, sources

PEAK = "peak MB: "
GROWTH = 10
# A tenth more than linear is measuring noise on a shared machine.
LINEAR = 1.1
HEADER = (
    "recipe",
    "stage",
    "lines",
    "CPU s",
    "lines per CPU s",
    "peak MB",
    "CPU grows",
    "memory grows",
    "MB per 100k more",
    "",
)
FOLDERS = ("train", "validation", "holdout", "features")
# Where a recipe has such a setting: what grows is what counts here, not the model.
SHORT: Mapping[str, Any] = {"epochs": 2, "rating_epochs": 2, "retrieval_epochs": 2, "search": "none"}


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a stage used: CPU seconds of all its threads, and peak resident memory in MB."""

    cpu: float
    memory: float


def main() -> int:
    """Print the table; the exit code is 1 when the CPU time of a stage grew faster than its data."""
    arguments = _arguments()
    if arguments.child:
        recipe, stage, folder = arguments.child
        STAGES[stage](recipe, _settings(recipe), folder=Path(folder), size=arguments.size)
        print(f"{PEAK}{_peak_mb()}")
        return 0
    rows: list[Sequence[str]] = [HEADER]
    for recipe in arguments.recipe or names():
        sizes = (arguments.size, arguments.size * arguments.times)
        small, large = (_costs(recipe, size, stages=arguments.stage, kept=arguments.folder) for size in sizes)
        rows += [
            row for stage in small for row in _rows(recipe, stage, sizes=sizes, small=small[stage], large=large[stage])
        ]
        print(f"{recipe} measured", file=sys.stderr, flush=True)
    print(columns(rows))
    return 1 if any(row[-1] == "MISSED" for row in rows) else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", action="append", choices=names(), help="only this one; may be repeated")
    parser.add_argument("--size", type=int, default=20_000, help="lines of the smaller sample")
    parser.add_argument(
        "--times",
        type=int,
        default=GROWTH,
        choices=range(2, 101),
        metavar="TIMES",
        help="how much larger the larger sample is",
    )
    parser.add_argument("--stage", action="append", choices=list(STAGES), help="only this one; may be repeated")
    parser.add_argument("--folder", type=Path, help="keeps here what the stages leave")
    parser.add_argument("--child", nargs=3, metavar=("RECIPE", "STAGE", "FOLDER"), help=argparse.SUPPRESS)
    return parser.parse_args()


def _costs(recipe: str, size: int, *, stages: Sequence[str] | None, kept: Path | None) -> dict[str, Cost]:
    """What each stage costs on a sample of `size` lines."""
    with tempfile.TemporaryDirectory(prefix="growth-") as scratch:
        folder = kept / f"{recipe}-{size}" if kept else Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        chosen = [stage for stage in STAGES if not stages or stage in stages]
        found = {}
        for stage in chosen:
            cost = found[stage] = _measured(recipe, stage, folder=str(folder), size=size)
            told = f"{recipe}, {stage}, {size:,} lines: {cost.cpu:.1f} CPU s, {cost.memory:,.0f} MB"
            print(told, file=sys.stderr, flush=True)
        return found


def _measured(recipe: str, stage: str, *, folder: str, size: int) -> Cost:
    command = [sys.executable, "-m", "benchmarks.growth", "--size", str(size), "--child", recipe, stage, folder]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    # A user's libraries are compiled once; in an environment with this, each process would compile them anew.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            log.seek(0)
            raise SystemExit(f"{recipe}, {stage}, {size} lines:\n{log.read().decode()[-4000:]}")
        log.seek(0)
        peak = log.read().decode().rpartition(PEAK)[2]
    return Cost(cpu=used.ru_utime + used.ru_stime, memory=float(peak))


def _peak_mb() -> float:
    """Of this process alone: what wait4 tells of a child counts the moment when it was a copy of its parent."""
    status = Path("/proc/self/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:"))) / 1024


def _rows(recipe: str, stage: str, *, sizes: tuple[int, int], small: Cost, large: Cost) -> list[Sequence[str]]:
    def row(lines: int, cost: Cost, *growth: str) -> Sequence[str]:
        figures = (f"{lines:,}", f"{cost.cpu:.1f}", f"{lines / cost.cpu:,.0f}", f"{cost.memory:,.0f}")
        return recipe, stage, *figures, *growth

    first, second = sizes
    cpu = large.cpu / small.cpu
    verdict = "at most linear" if cpu <= LINEAR * second / first else "MISSED"
    slope = (large.memory - small.memory) / max(second - first, 1) * 100_000
    growth = f"x {cpu:.1f}", f"x {large.memory / small.memory:.1f}", f"{slope:,.0f}", verdict
    return [row(first, small, "", "", "", ""), row(second, large, *growth)]


def _settings(recipe: str) -> RecipeConfig:
    default: Any = config(recipe)
    settings = {name: value for name, value in SHORT.items() if hasattr(default.hyperparameters, name)}
    return config(recipe, {"hyperparameters": settings})


def _sample(recipe: str, settings: RecipeConfig, *, folder: Path, size: int) -> None:
    module(recipe, "sample").write(folder / "raw", size=size, seed=1)


def _ingest(recipe: str, settings: RecipeConfig, *, folder: Path, size: int) -> None:
    """What the ingest job does between download and upload."""
    from trainyard.reading.model import LocalFile
    from trainyard.reading.read import read
    from trainyard.stages.ingest import database

    _emptied(folder / "ingest")
    files = []
    for source in sources(recipe, settings):
        for path in sorted(each for each in (folder / "raw").iterdir() if source.accepts(each.name)):
            if source.format == "sqlite" and has(recipe, "ingest"):
                with database.open_sqlite(path, path.name, scratch=folder) as opened:
                    quality = module(recipe, "ingest").extract(opened, folder / "ingest", config=settings)
                if not quality.ok:
                    raise SystemExit("\n".join(quality.problems))
                continue
            files.append(LocalFile(name=path.name, path=path, source=source.name))
    if files:
        scratch = folder / "ingest"
        tables = sources(recipe, settings)
        found = read(files, tables, settings={}, max_bad_share=0.0, scratch=scratch)
        if not found.quality.ok:
            raise SystemExit("\n".join(found.quality.problems))


def _prepare(recipe: str, settings: RecipeConfig, *, folder: Path, size: int) -> None:
    from trainyard.glue.engine import start

    running = start("duckdb", folder)
    ingested = sorted(each for each in (folder / "ingest").iterdir() if any(each.glob("*.parquet")))
    tables = {each.name: running.read([str(path) for path in each.glob("*.parquet")]) for each in ingested}
    quality = module(recipe, "prepare").check(tables, settings)
    if not quality.ok:
        raise SystemExit("\n".join(quality.problems))
    for name, table in module(recipe, "prepare").prepare(tables, settings).items():
        running.write(table, str(folder / "prepare" / name))
    running.close()


def _process(recipe: str, settings: RecipeConfig, *, folder: Path, size: int) -> None:
    module(recipe, "process").process(folder / "prepare", folder / "process", config=settings)


def _train(recipe: str, settings: RecipeConfig, *, folder: Path, size: int) -> None:
    places = {name: folder / "process" / name for name in FOLDERS if name != "holdout"}
    for name in ("model", "checkpoints"):
        _emptied(folder / name)
    module(recipe, "train").train(places, folder / "model", checkpoints=folder / "checkpoints", config=settings)


def _evaluate(recipe: str, settings: RecipeConfig, *, folder: Path, size: int) -> None:
    module(recipe, "evaluate").evaluate(folder / "model", folder / "process" / "holdout", config=settings)


def _report(recipe: str, settings: RecipeConfig, *, folder: Path, size: int) -> None:
    _emptied(folder / "report")
    inputs = ReportInputs(model=folder / "model", prepare=folder / "prepare", process=folder / "process")
    module(recipe, "report").report(inputs, folder / "report", config=settings)


def _score(recipe: str, settings: RecipeConfig, *, folder: Path, size: int) -> None:
    from trainyard.contract import chunks

    _emptied(folder / "score")
    scored = module(recipe, "score").score(folder / "model", folder / "ingest", config=settings)
    chunks.write(scored, folder / "score", schema=chunks.schema(score_columns(recipe)))


def _emptied(folder: Path) -> None:
    """As a job finds its folders, also where a stage is measured again."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()


class Stage(Protocol):
    """Runs a stage in the folder of a run; `size` counts the lines of the sample."""

    def __call__(self, recipe: str, settings: RecipeConfig, *, folder: Path, size: int) -> None: ...


STAGES: Mapping[str, Stage] = {
    "sample": _sample,
    "ingest": _ingest,
    "prepare": _prepare,
    "process": _process,
    "train": _train,
    "evaluate": _evaluate,
    "report": _report,
    "score": _score,
}


if __name__ == "__main__":
    sys.exit(main())
