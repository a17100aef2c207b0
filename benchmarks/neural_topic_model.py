"""Measures neural_topic_model beside LDA and NMF on real reviews: `python -m benchmarks.neural_topic_model`."""

from __future__ import annotations

import argparse
import contextlib
import os
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import numpy as np
import pandas as pd

from recipes.neural_topic_model import process as process_module
from recipes.neural_topic_model.baselines import Lda, nmf_topics
from recipes.neural_topic_model.coherence import npmi
from recipes.neural_topic_model.completion import completion_gains, load_unigram
from recipes.neural_topic_model.config import CONFIG, Config
from recipes.neural_topic_model.evaluate import lemmas, word_scores
from recipes.neural_topic_model.features import Bags, Vocabulary
from recipes.neural_topic_model.prepare import check, prepare
from recipes.neural_topic_model.topics import TopicModel
from recipes.neural_topic_model.train import train
from trainyard.bootstrap import interval, paired_difference
from trainyard.engine import start
from trainyard.overrides import override

SHARED = Path(__file__).parents[2] / "shared" / "data"
REVIEWS = SHARED / "amazon_fine_foods" / "Reviews_first7567.csv.gz"
HEADLINES = SHARED / "news_aggregator" / "newsCorpora_sample_raw8.tsv.gz"
BAR_SECONDS = 60.0
SCORES = ("tu", "wetc", "npmi")


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """Topics of one method, what fitting cost in CPU seconds, and its gain per held-out document where it has one."""

    topics: list[list[str]]
    seconds: float
    gains: np.ndarray | None = None


def main() -> None:
    """Print one table per collection and seed: metric, value, baselines, bar, whether it is reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1, help="runs of each collection, with seeds 0, 1, ...")
    parser.add_argument("--topics", type=int, default=20)
    parser.add_argument("--collections", default="all,negative,positive,headlines")
    arguments = parser.parse_args()
    for name in arguments.collections.split(","):
        table = _headlines() if name == "headlines" else _reviews()
        if table is None:
            print(f"{name}: skipped, for its file is not in {SHARED}")
            continue
        with tempfile.TemporaryDirectory() as scratch:
            processed = _processed(table, _config(name, arguments.topics, 0), Path(scratch))
            for seed in range(arguments.seeds):
                _table(name, processed, _config(name, arguments.topics, seed))


def _config(name: str, topics: int, seed: int) -> Config:
    data: dict[str, Any] = {"sentiment": name} if name != "headlines" else {"min_words": 30}
    return override(CONFIG, {"seed": seed, "data": data, "hyperparameters": {"topics": topics}})


def _reviews() -> pd.DataFrame | None:
    return pd.read_csv(REVIEWS)[["Score", "Summary", "Text"]] if REVIEWS.exists() else None


def _headlines() -> pd.DataFrame | None:
    """The distinct headlines of each story as one text: a collection that is no reviews."""
    if not HEADLINES.exists():
        return None
    lines = pd.read_csv(HEADLINES, sep="\t", header=None, quoting=3)
    stories = lines.groupby(5)[1].apply(lambda titles: ". ".join(dict.fromkeys(titles)))
    return pd.DataFrame({"Score": 3, "Summary": "", "Text": stories.to_numpy()})


def _processed(table: pd.DataFrame, config: Config, scratch: Path) -> Path:
    engine = start("duckdb", scratch)
    table.to_parquet(scratch / "reviews.parquet")
    tables = {"reviews": engine.read([str(scratch / "reviews.parquet")])}
    quality = check(tables, config)
    if not quality.ok:
        raise SystemExit(" ".join(quality.problems))
    engine.write(prepare(tables, config)["documents"], str(scratch / "prepare" / "documents"))
    engine.close()
    figures = process_module.process(scratch / "prepare", scratch / "process", config)
    print(", ".join(f"{name} {value:g}" for name, value in figures.items()))
    return scratch / "process"


def _table(name: str, processed: Path, config: Config) -> None:
    ours, lda, nmf = (fit(processed, config) for fit in (_ours, _lda, _nmf))
    scores = {label: _scores(each, processed) for label, each in (("ntm", ours), ("lda", lda), ("nmf", nmf))}
    print(f"\n{name}, {config.hyperparameters.topics} topics x {config.data.top_words} words, seed {config.seed}")
    print(f"{'metric':16} {'NTM':>24} {'LDA':>8} {'NMF':>8}  bar")
    holds = []
    for metric in (*SCORES, "npmi_holdout", "npmi_documents"):
        value, low, high = scores["ntm"][metric], scores["lda"][metric], scores["nmf"][metric]
        bar = ""
        if metric in SCORES:
            holds.append(value > low)
            bar = f"above LDA: {_verdict(holds[-1])}; above NMF: {_verdict(value > high)}"
        print(f"{metric:16} {value:24.3f} {low:8.3f} {high:8.3f}  {bar}")
    _gain_rows(ours, lda, config)
    print(
        f"{'CPU s of fitting':16} {ours.seconds:24.1f} {lda.seconds:8.1f} {nmf.seconds:8.1f}  "
        f"at most {BAR_SECONDS:.0f} s: {_verdict(ours.seconds <= BAR_SECONDS)}"
    )
    print(f"better than LDA on all three at once: {_verdict(all(holds))}", flush=True)


def _gain_rows(ours: Fitted, lda: Fitted, config: Config) -> None:
    if ours.gains is None or lda.gains is None:
        return
    low, high = interval(ours.gains, seed=config.seed)
    shown = f"{ours.gains.mean():.3f} ({low:.3f} to {high:.3f})"
    difference = paired_difference(ours.gains, lda.gains, seed=config.seed)
    print(
        f"{'completion_gain':16} {shown:>24} {lda.gains.mean():8.3f} {'':8}  "
        f"minus LDA {difference.value:+.3f} ({difference.low:+.3f} to {difference.high:+.3f})"
    )


def _verdict(passed: bool) -> str:
    return "passed" if passed else "MISSED"


def _scores(fitted: Fitted, processed: Path) -> Mapping[str, float]:
    held_out = lemmas(processed / "holdout" / process_module.LEMMAS_FILE)
    return {
        **word_scores(fitted.topics, processed / "holdout"),
        "npmi_documents": float(npmi(fitted.topics, held_out, None).mean()),
    }


def _timed(work: Callable[[], Any]) -> tuple[Any, float]:
    before = time.process_time()
    result = work()
    return result, time.process_time() - before


def _ours(processed: Path, config: Config) -> Fitted:
    channels = {name: processed / name for name in ("train", "validation", "features")}
    with tempfile.TemporaryDirectory() as scratch, Path(os.devnull).open("w") as nowhere:
        model_dir, checkpoints = Path(scratch, "model"), Path(scratch, "checkpoints")
        model_dir.mkdir()
        checkpoints.mkdir()
        with contextlib.redirect_stdout(nowhere):
            _, seconds = _timed(lambda: train(channels, model_dir, checkpoints, config))
        model = TopicModel.load(model_dir)
    return Fitted(topics=model.top_words(config.data.top_words), seconds=seconds, gains=_gains(model, processed))


def _lda(processed: Path, config: Config) -> Fitted:
    bags, vocabulary = Bags.load(processed / "train"), Vocabulary.load(processed / "train")
    topics = config.hyperparameters.topics
    model, seconds = _timed(lambda: Lda.fit(bags, vocabulary, topics=topics, seed=config.seed))
    return Fitted(topics=model.top_words(config.data.top_words), seconds=seconds, gains=_gains(model, processed))


def _nmf(processed: Path, config: Config) -> Fitted:
    bags, vocabulary = Bags.load(processed / "train"), Vocabulary.load(processed / "train")
    topics, count = config.hyperparameters.topics, config.data.top_words
    work = lambda: nmf_topics(bags, vocabulary, topics=topics, count=count, seed=config.seed)  # noqa: E731
    words, seconds = _timed(work)
    return Fitted(topics=words, seconds=seconds)


def _gains(model: Any, processed: Path) -> np.ndarray:
    holdout = processed / "holdout"
    return completion_gains(model, lemmas(holdout / process_module.LEMMAS_FILE), load_unigram(holdout))


if __name__ == "__main__":
    main()
