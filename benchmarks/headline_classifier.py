"""Compares headline_classifier with linear models on real headlines split by story, in one run.

`python -m benchmarks.headline_classifier` reads `../shared/data/news_aggregator` relative to the repository,
and says that it skips when that is not there. Each seed is another split; model and baselines learn from all headlines
that are not held out, or from as many of whole stories as `--headlines` says. `--rare` thins one class to 2 %, with
`--source` all of them read address and publisher, and `--no-network` leaves out the document's network, which takes
most of the time. `--generated 100000` takes so many lines of the sample instead, drawn anew for each seed, and
`--texts FILE` the texts of a CSV with columns `title` and `category`, a quarter of which are held out.
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks import growth
from benchmarks.figures import DATA, Figure, Rival, Skipped, conclude, over_seeds, required
from recipes.headline_classifier import sample
from recipes.headline_classifier.config import CONFIG, Config
from recipes.headline_classifier.evaluate import baselines, evaluate, read_headlines
from recipes.headline_classifier.metrics import accuracy, macro_f1_of_rows
from recipes.headline_classifier.predictions import pairs
from trainyard.run.documents import Difference
from trainyard.stages.evaluate.bootstrap import Statistic, paired_difference

COLUMNS = ("ID", "TITLE", "URL", "PUBLISHER", "CATEGORY", "STORY", "HOSTNAME", "TIMESTAMP")
HEADLINE_FILE = DATA / "news_aggregator" / "newsCorpora_sample_raw8.tsv.gz"
SPLITS = 5
MODEL, CONVOLUTION = "headline_classifier", "the document's network"
# Accuracy and macro F1 on all headlines, and with address and publisher.
BARS, SOURCE_BARS = (0.911, 0.860), (0.917, 0.870)
RARE_CLASS, RARE_SHARE = "m", 0.02
LEAST_OF_A_CLASS = 10
LONGEST_FIT_S = 60.0
Rows = dict[str, list[np.ndarray]]
Seconds = dict[str, list[float]]


def main() -> int:
    """Print the table; the exit code is 1 when a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=SPLITS, help="how many splits")
    parser.add_argument("--headlines", type=int, help="how many to learn from; without it, all")
    parser.add_argument("--rare", action="store_true", help="with one class of 2 %%")
    parser.add_argument("--source", action="store_true", help="with words of address and publisher")
    parser.add_argument("--generated", type=int, metavar="LINES", help="lines of the sample instead of real headlines")
    parser.add_argument("--texts", type=Path, metavar="FILE", help="a CSV of texts instead of real headlines")
    parser.add_argument("--no-network", action="store_true", help="without the document's network")
    asked = parser.parse_args()
    try:
        return conclude(
            figures(
                splits=asked.seeds,
                headlines=asked.headlines,
                rare=asked.rare,
                source=asked.source,
                generated=asked.generated,
                texts=asked.texts,
                network=not asked.no_network,
            )
        )
    except Skipped as reason:
        print(f"{MODEL}: skipped, {reason}")
        return 0


def figures(
    *,
    quick: bool = False,
    splits: int = SPLITS,
    headlines: int | None = None,
    rare: bool = False,
    source: bool = False,
    generated: int | None = None,
    texts: Path | None = None,
    network: bool = True,
) -> list[Figure]:
    """What the benchmark measures; raises Skipped without the data."""
    draw: Callable[[int], pd.DataFrame]
    if generated:
        draw = partial(_generated, generated)
    elif texts:
        draw = partial(_texts, texts)
    else:
        draw = _real(headlines, rare=rare, source=source)
    rows: Rows = {}
    seconds: Seconds = {}
    for seed in range(1 if quick else splits):
        with tempfile.TemporaryDirectory() as folder:
            _one_split(draw(seed), seed, folder=Path(folder), network=network, rows=rows, seconds=seconds)
    bars = SOURCE_BARS if source else BARS
    return _figures(rows, seconds, bars=(0.0, 0.0) if headlines or rare or generated or texts else bars)


def _real(most: int | None, *, rare: bool, source: bool) -> Callable[[int], pd.DataFrame]:
    """What draws real headlines with their roles, by a seed."""
    table = _distinct_headlines(source=source)
    table = _with_rare_class(table) if rare else table
    print(f"{len(table):,} distinct headlines of {table.story.nunique():,} stories, split by story", file=sys.stderr)
    return partial(_with_roles, table, most=most)


def _distinct_headlines(*, source: bool) -> pd.DataFrame:
    with gzip.open(required(HEADLINE_FILE), "rt", encoding="utf-8", newline="\n") as file:
        table = pd.DataFrame([line.rstrip("\r\n").split("\t") for line in file], columns=list(COLUMNS))
    table = table[table.CATEGORY.isin(list("btem"))]
    plain = table.TITLE.str.lower().str.replace(r"[^a-z0-9]+", " ", regex=True).str.strip()
    table = table[~plain.duplicated()].reset_index(drop=True)
    renamed = {"ID": "headline_id", "TITLE": "title", "CATEGORY": "category", "STORY": "story"}
    # What `prepare` keeps with `data.read_url` and `data.read_publisher`.
    renamed |= {"URL": "url", "PUBLISHER": "publisher"} if source else {}
    return table[list(renamed)].rename(columns=renamed)


def _generated(lines: int, seed: int) -> pd.DataFrame:
    """The headlines of a sample with their roles, as the recipe prepares them."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        sample.write(folder / "raw", size=lines, seed=seed)
        for stage in ("ingest", "prepare"):
            growth.STAGES[stage](MODEL, CONFIG, folder=folder, size=lines)
        table: pd.DataFrame = pq.read_table(folder / "prepare" / "headlines").to_pandas()
    return table


def _texts(file: Path, seed: int) -> pd.DataFrame:
    """The distinct texts of a file, of classes with ten of them at least, in random roles."""
    table = pd.read_csv(file, dtype=str, keep_default_na=False)
    if not {"title", "category"} <= set(table.columns):
        raise SystemExit(f"{file}: expected the columns title and category, found {', '.join(table.columns)}.")
    table = table.drop_duplicates("title")
    table = table[table.groupby("category").title.transform("size") >= LEAST_OF_A_CLASS].reset_index(drop=True)
    place = np.random.default_rng(seed).permutation(len(table)) / len(table)
    role = np.select([place < 1 / 4, place < 1 / 4 + 3 / 32], ["holdout", "validation"], "train")
    number = table.index.astype(str)
    return table[["title", "category"]].assign(headline_id=number, story=number, role=role)


def _with_rare_class(table: pd.DataFrame) -> pd.DataFrame:
    """The headlines, of one class only so many that they are 2 % of all."""
    others = table.category != RARE_CLASS
    stories = table[~others].groupby("story").size().sample(frac=1.0, random_state=0).cumsum()
    most = int(RARE_SHARE / (1.0 - RARE_SHARE) * others.sum())
    return table[others | table.story.isin(stories.index[stories <= most])]


def _with_roles(table: pd.DataFrame, seed: int, *, most: int | None) -> pd.DataFrame:
    """The headlines with their roles: all of the held-out stories, and of the others `most` headlines, if given."""
    stories = np.random.default_rng(seed).permutation(table.story.unique())
    held = int(0.2 * len(stories))
    counts = table.groupby("story").size().reindex(stories[held:]).cumsum()
    learned = counts.index[counts <= most] if most else counts.index
    role = pd.Series("holdout", index=stories[:held]).reindex(stories)
    role[learned] = "train"
    role[learned[: len(learned) // 8]] = "validation"
    return table.assign(role=table.story.map(role).to_numpy()).dropna(subset="role")


def _one_split(prepared: pd.DataFrame, seed: int, *, folder: Path, network: bool, rows: Rows, seconds: Seconds) -> None:
    from recipes.headline_classifier.process import process

    (folder / "headlines").mkdir()
    pq.write_table(pa.Table.from_pandas(prepared, preserve_index=False), folder / "headlines" / "part.parquet")
    config = replace(CONFIG, seed=seed)
    started = time.process_time()
    process(folder, folder / "process", config=config)
    spent = time.process_time() - started
    models = {MODEL: config}
    if network:
        convolution = replace(config.hyperparameters, architecture="convolution", epochs=12)
        models[CONVOLUTION] = replace(config, hyperparameters=convolution)
    for name, each in models.items():
        rows.setdefault(name, []).append(_fit(folder, each, name=name, seconds=seconds, spent=spent))
    learnt, kept = (read_headlines(folder / "process" / each) for each in ("train", "validation"))
    titles, labels = learnt[0] + kept[0], learnt[1] + kept[1]
    held_out, truth = read_headlines(folder / "process" / "holdout")
    for name, model in baselines(len(set(labels))).items():
        started = time.process_time()
        predicted = model.fit(titles, labels).predict(held_out)
        seconds.setdefault(name, []).append(time.process_time() - started)
        rows.setdefault(name, []).append(pairs(truth, predicted.tolist()))


def _fit(folder: Path, config: Config, *, name: str, seconds: Seconds, spent: float) -> np.ndarray:
    from recipes.headline_classifier.train import train

    model_dir, checkpoints = folder / f"model {name}", folder / f"checkpoints {name}"
    model_dir.mkdir()
    checkpoints.mkdir()
    channels = {each: folder / "process" / each for each in ("train", "validation", "features")}
    started = time.process_time()
    with contextlib.redirect_stdout(sys.stderr):
        train(channels, model_dir, checkpoints=checkpoints, config=config)
    seconds.setdefault(name, []).append(spent + time.process_time() - started)
    scores = evaluate(model_dir, folder / "process" / "holdout", config=config)
    print("  ".join(f"{key} {value:.4f}" for key, value in scores.metrics.items()), file=sys.stderr)
    return scores.examples


def _figures(rows: Rows, seconds: Seconds, *, bars: tuple[float, float]) -> list[Figure]:
    """Accuracy and macro F1 over the splits, and the longest fit; differences are of the rows of all splits."""
    found = []
    statistics: dict[str, Statistic] = {"accuracy": lambda each: accuracy(*each.T), "macro F1": macro_f1_of_rows}
    for least, (metric, statistic) in zip(bars, statistics.items(), strict=True):
        values = {name: [statistic(each) for each in splits] for name, splits in rows.items()}
        rivals = {
            name: Rival(name=name, value=float(np.mean(each)), difference=_difference(rows, name, statistic=statistic))
            for name, each in values.items()
            if name != MODEL
        }
        bar = max(least, *(each.value for each in rivals.values()))
        measured = over_seeds(values[MODEL], "splits")
        found.append(Figure(recipe=MODEL, metric=metric, measured=measured, rivals=tuple(rivals.values()), bar=bar))
    spent = tuple(Rival(name=name, value=float(np.mean(each))) for name, each in seconds.items() if name != MODEL)
    fit = over_seeds(seconds[MODEL], "splits")
    metric = "fit, process included, CPU s"
    found.append(
        Figure(recipe=MODEL, metric=metric, measured=fit, rivals=spent, bar=LONGEST_FIT_S, lower_is_better=True)
    )
    return found


def _difference(rows: Rows, rival: str, *, statistic: Statistic) -> Difference:
    own, other = (np.concatenate(rows[name]) for name in (MODEL, rival))
    return paired_difference(own, other, statistic=statistic, resamples=500)


if __name__ == "__main__":
    sys.exit(main())
