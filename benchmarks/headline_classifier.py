"""Compares headline_classifier with linear models on real headlines split by story, in one run.

`python -m benchmarks.headline_classifier` reads `../shared/data/news_aggregator` relative to the repository,
and says that it skips when that is not there. Each seed is another split; the baselines learn from all headlines that
are not held out, the model from those that are not kept for validation either.
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from recipes.headline_classifier.config import CLASSES, CONFIG, HEADLINES, Config
from recipes.headline_classifier.evaluate import baselines, headlines, macro_f1_of_rows, score
from recipes.headline_classifier.measures import accuracy
from trainyard.bootstrap import paired_difference

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "news_aggregator" / "newsCorpora_sample_raw8.tsv.gz"
MODEL, CONVOLUTION = "headline_classifier", "the document's network"
BAR, STRETCH = "linear SVM, words", "linear SVM, words and characters"
BARS = {BAR: (0.865, 0.777), STRETCH: (0.879, 0.804)}
LONGEST_FIT_S = 60.0
Rows = dict[str, list[np.ndarray]]
Seconds = dict[str, list[float]]


def main() -> int:
    """Print the table; the exit code is 1 when a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5, help="how many splits")
    arguments = parser.parse_args()
    if not DATA.exists():
        print(f"headline_classifier: skipped, {DATA.name} is not in ../shared/data/news_aggregator.")
        return 0
    table = _distinct_headlines()
    print(
        f"{len(table):,} distinct headlines of {table.story.nunique():,} stories, {arguments.seeds} splits by story\n"
    )
    rows: Rows = {}
    seconds: Seconds = {}
    for seed in range(arguments.seeds):
        with tempfile.TemporaryDirectory() as folder:
            _one_split(table, seed, Path(folder), rows, seconds)
    _print(rows, seconds)
    return 0 if _verdicts(rows, seconds) else 1


def _distinct_headlines() -> pd.DataFrame:
    names = [each.name for each in HEADLINES.columns]
    with gzip.open(DATA, "rt", encoding="utf-8", newline="\n") as file:
        table = pd.DataFrame([line.rstrip("\r\n").split("\t") for line in file], columns=names)
    table = table[table.CATEGORY.isin(CLASSES)]
    plain = table.TITLE.str.lower().str.replace(r"[^a-z0-9]+", " ", regex=True).str.strip()
    table = table[~plain.duplicated()].reset_index(drop=True)
    renamed = {"ID": "headline_id", "TITLE": "title", "CATEGORY": "category", "STORY": "story"}
    return table[list(renamed)].rename(columns=renamed).astype({"headline_id": "int64"})


def _one_split(table: pd.DataFrame, seed: int, folder: Path, rows: Rows, seconds: Seconds) -> None:
    from recipes.headline_classifier.process import process

    stories = np.random.default_rng(seed).permutation(table.story.unique())
    held, validating = int(0.2 * len(stories)), int(0.25 * len(stories))
    role = pd.Series("train", index=stories)
    role.iloc[:held], role.iloc[held:validating] = "holdout", "validation"
    prepared = table.assign(role=table.story.map(role).to_numpy())
    (folder / "headlines").mkdir()
    pq.write_table(pa.Table.from_pandas(prepared, preserve_index=False), folder / "headlines" / "part.parquet")
    config = replace(CONFIG, seed=seed)
    started = time.process_time()
    process(folder, folder / "process", config)
    spent = time.process_time() - started
    network = replace(config.hyperparameters, architecture="convolution", epochs=12)
    for name, each in ((MODEL, config), (CONVOLUTION, replace(config, hyperparameters=network))):
        rows.setdefault(name, []).append(_fit(folder, each, name, seconds, spent))
    learnt, kept = (headlines(folder / "process" / each) for each in ("train", "validation"))
    titles, labels = learnt[0] + kept[0], np.concatenate((learnt[1], kept[1]))
    held_out, truth = headlines(folder / "process" / "holdout")
    for name, model in baselines().items():
        started = time.process_time()
        predicted = model.fit(titles, labels).predict(held_out)
        seconds.setdefault(name, []).append(time.process_time() - started)
        rows.setdefault(name, []).append(np.stack([truth, predicted], axis=1))


def _fit(folder: Path, config: Config, name: str, seconds: Seconds, spent: float) -> np.ndarray:
    from recipes.headline_classifier.train import train

    model_dir, checkpoints = folder / f"model {name}", folder / f"checkpoints {name}"
    model_dir.mkdir()
    checkpoints.mkdir()
    channels = {each: folder / "process" / each for each in ("train", "validation", "features")}
    started = time.process_time()
    with contextlib.redirect_stdout(sys.stderr):
        train(channels, model_dir, checkpoints, config)
    seconds.setdefault(name, []).append(spent + time.process_time() - started)
    scores = score(model_dir, folder / "process" / "holdout", config)
    print("  ".join(f"{key} {value:.4f}" for key, value in scores.metrics.items()), file=sys.stderr)
    return scores.examples


def _measures(rows: list[np.ndarray]) -> np.ndarray:
    """Accuracy and macro F1 of every split [splits, 2]."""
    return np.asarray([[accuracy(*each.T), macro_f1_of_rows(each)] for each in rows])


def _print(rows: Mapping[str, list[np.ndarray]], seconds: Mapping[str, list[float]]) -> None:
    print(f"\n{'':34} {'accuracy':>18} {'macro F1':>18} {'CPU s':>7}")
    for name, each in rows.items():
        measured = _measures(each)
        shown = [f"{mean:.4f} +- {spread:.4f}" for mean, spread in zip(measured.mean(0), measured.std(0), strict=True)]
        print(f"{name:34} {shown[0]:>18} {shown[1]:>18} {np.mean(seconds[name]):7.1f}")
    print("\n+- is the standard deviation over the splits\n")


def _verdicts(rows: Mapping[str, list[np.ndarray]], seconds: Mapping[str, list[float]]) -> bool:
    """Print each bar, with the paired difference of the pooled held-out rows of all splits, and whether it is met."""
    own, met = _measures(rows[MODEL]).mean(axis=0), True
    statistics: dict[str, Any] = {"accuracy": lambda each: accuracy(*each.T), "macro F1": macro_f1_of_rows}
    for rival, figures in BARS.items():
        for place, (measure, statistic) in enumerate(statistics.items()):
            baseline = _measures(rows[rival]).mean(axis=0)[place]
            pooled = (np.concatenate(rows[name]) for name in (MODEL, rival))
            gap = paired_difference(*pooled, statistic=statistic, resamples=500)
            reached = own[place] >= max(baseline, figures[place])
            met &= bool(reached)
            print(
                f"{measure} {own[place]:.4f}, {rival} {baseline:.4f} here and {figures[place]:.3f} in the bar: "
                f"difference {gap.value:+.4f} ({gap.low:+.4f} to {gap.high:+.4f}) {'passed' if reached else 'MISSED'}"
            )
    quick = max(seconds[MODEL]) <= LONGEST_FIT_S
    print(f"longest fit {max(seconds[MODEL]):.1f} CPU s, at most {LONGEST_FIT_S:.0f} {'passed' if quick else 'MISSED'}")
    return met and quick


if __name__ == "__main__":
    sys.exit(main())
