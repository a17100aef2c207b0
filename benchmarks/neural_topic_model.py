"""Measures neural_topic_model beside LDA and NMF on real reviews: `python -m benchmarks.neural_topic_model`."""

from __future__ import annotations

import argparse
import ast
import contextlib
import gzip
import importlib.util
import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import numpy as np
import pandas as pd

from benchmarks.figures import DATA, Figure, Measured, Rival, Skipped, conclude, over_seeds, required
from recipes.neural_topic_model.baselines import Lda, RefinedNmf, nmf_topics
from recipes.neural_topic_model.config import CONFIG, Config
from recipes.neural_topic_model.documents.bags_of_words import BagsOfWords
from recipes.neural_topic_model.documents.corpus import HOLDOUT_CORPUS_FILE, load_lemmas
from recipes.neural_topic_model.evaluate import topic_metrics
from recipes.neural_topic_model.features import Vocabulary
from recipes.neural_topic_model.inference import TopicModel
from recipes.neural_topic_model.metrics import completion_gains, load_unigram, npmi
from recipes.neural_topic_model.prepare import check, prepare
from recipes.neural_topic_model.process import process
from recipes.neural_topic_model.train import train
from trainyard.glue.engine import start
from trainyard.run.settings.overrides import override
from trainyard.stages.evaluate.bootstrap import interval, paired_difference

RECIPE = "neural_topic_model"
SEEDS = 5
REVIEWS = DATA / "amazon_fine_foods" / "Reviews_first7567.csv.gz"
HEADLINES = DATA / "news_aggregator" / "newsCorpora_sample_raw8.tsv.gz"
ARTICLES = [DATA / "wikitext2_valid_test" / f"{name}.txt.gz" for name in ("valid", "test")]
# Libraries whose documentation of functions and classes is a collection, as they are installed.
LIBRARIES = ("scipy", "sklearn", "pandas")
# Words that a document needs; reviews need as many as usual.
MIN_WORDS = {"headlines": 30, "titles": 8}
BAR_SECONDS = 60.0
TOPIC_METRICS = ("tu", "wetc", "npmi")


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """Topics of one method, what fitting cost in CPU seconds, and its gain per held-out document (none for NMF)."""

    topics: list[list[str]]
    seconds: float
    gains: np.ndarray


def main() -> int:
    """Print one table per collection; the exit code is 1 when a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS, help="runs of each collection, with seeds 0, 1, ...")
    parser.add_argument("--topics", type=int, default=20)
    parser.add_argument("--collections", default=",".join(COLLECTIONS))
    arguments = parser.parse_args()
    missed = 0
    for name in arguments.collections.split(","):
        try:
            missed |= conclude(figures(collection=name, seeds=arguments.seeds, topics=arguments.topics))
        except Skipped as reason:
            print(f"{name}: skipped, {reason}")
    return missed


def figures(*, quick: bool = False, collection: str = "all", seeds: int = SEEDS, topics: int = 20) -> list[Figure]:
    """What the benchmark measures on one collection; raises Skipped without the data."""
    table = COLLECTIONS[collection]()
    with tempfile.TemporaryDirectory() as scratch:
        processed = _processed(table, _config(collection, topics, seed=0), scratch=Path(scratch))
        configs = [_config(collection, topics, seed=seed) for seed in range(1 if quick else seeds)]
        found = [{name: fit(processed, each) for name, fit in METHODS.items()} for each in configs]
        metrics = [{name: _metrics(each, processed) for name, each in methods.items()} for methods in found]
    return [*_metric_figures(metrics, collection), *_other_figures(found, metrics, collection=collection)]


def _config(name: str, topics: int, *, seed: int) -> Config:
    data: dict[str, Any] = {"sentiment": name} if name in SENTIMENTS else {}
    data |= {"min_words": MIN_WORDS[name]} if name in MIN_WORDS else {}
    return override(CONFIG, {"seed": seed, "data": data, "hyperparameters": {"topics": topics}})


def _title(collection: str) -> str:
    return f"fine foods, {collection}" if collection in SENTIMENTS else collection


def _reviews() -> pd.DataFrame:
    read = pd.read_csv(required(REVIEWS), dtype={"Score": str})
    read["Time"] = pd.to_datetime(read["Time"], unit="s").astype("datetime64[us]")
    return read[["Score", "Summary", "Text", "Time"]].set_axis(["rating", "title", "text", "date"], axis=1)


def _headlines() -> pd.DataFrame:
    """The distinct headlines of each story as one text."""
    lines = pd.read_csv(required(HEADLINES), sep="\t", header=None, quoting=3)
    stories = lines.groupby(5)[1].apply(lambda titles: ". ".join(dict.fromkeys(titles)))
    return _texts(stories.tolist())


def _titles() -> pd.DataFrame:
    """Headlines one by one: texts of a dozen words."""
    return _texts(pd.read_csv(required(HEADLINES), sep="\t", header=None, quoting=3)[1].tolist())


def _paragraphs() -> pd.DataFrame:
    """Paragraphs of articles of an encyclopedia."""
    lines = [line for each in ARTICLES for line in gzip.decompress(required(each).read_bytes()).decode().split("\n")]
    return _texts([line.strip() for line in lines if not line.strip().startswith("=")])


def _documentation() -> pd.DataFrame:
    """What functions and classes of libraries say about themselves."""
    found = []
    for name in LIBRARIES:
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            raise Skipped(f"{name} is not installed")
        for file in sorted(Path(spec.origin).parent.rglob("*.py")):
            nodes = ast.walk(ast.parse(file.read_text(encoding="utf-8")))
            documented = (each for each in nodes if isinstance(each, (ast.FunctionDef, ast.ClassDef)))
            found += [text for each in documented if (text := ast.get_docstring(each))]
    return _texts(found)


def _texts(texts: Sequence[str]) -> pd.DataFrame:
    """Texts of which nothing else is known."""
    none = pd.Series(pd.NaT, index=range(len(texts))).astype("datetime64[us]")
    return pd.DataFrame({"rating": "3", "title": "", "text": list(texts), "date": none})


def _processed(table: pd.DataFrame, config: Config, *, scratch: Path) -> Path:
    engine = start("duckdb", scratch)
    table.to_parquet(scratch / "reviews.parquet")
    tables = {"reviews": engine.read([str(scratch / "reviews.parquet")])}
    quality = check(tables, config)
    if not quality.ok:
        raise SystemExit(" ".join(quality.problems))
    for name, each in prepare(tables, config).items():
        engine.write(each, str(scratch / "prepare" / name))
    engine.close()
    counts = process(scratch / "prepare", scratch / "process", config=config)
    print(", ".join(f"{name} {value:g}" for name, value in counts.items()), file=sys.stderr)
    return scratch / "process"


def _metric_figures(metrics: Sequence[Mapping[str, Mapping[str, float]]], collection: str) -> list[Figure]:
    """TU, WETC and NPMI beside LDA (the bar) and NMF (the stretch), and the same in held-out documents.

    There NMF and the better of both are the bar and the stretch.
    """
    found = []
    for metric in (*TOPIC_METRICS, "npmi_holdout", "npmi_documents"):
        of = {name: [each[name][metric] for each in metrics] for name in METHODS}
        rivals = tuple(Rival(name=name, value=float(np.mean(of[name]))) for name in (LDA, NMF, REFINED))
        lda, nmf = (each.value for each in rivals[:2])
        bar, stretch = {"npmi_holdout": (nmf, max(lda, nmf)), "npmi_documents": (None, None)}.get(metric, (lda, nmf))
        label = f"{metric}, {_title(collection)}"
        found.append(
            Figure(recipe=RECIPE, metric=label, measured=over_seeds(of[OURS]), rivals=rivals, bar=bar, stretch=stretch)
        )
    return found


def _other_figures(
    found: Sequence[Mapping[str, Fitted]], metrics: Sequence[Mapping[str, Mapping[str, float]]], *, collection: str
) -> list[Figure]:
    """In how many seeds all three metrics exceed LDA's at once, what held-out reviews gain, and what fitting costs."""
    at_once = [all(each[OURS][metric] > each[LDA][metric] for metric in TOPIC_METRICS) for each in metrics]
    label = f"seeds better than LDA on all three at once, {_title(collection)}"
    together = Figure(recipe=RECIPE, metric=label, measured=Measured(sum(at_once)), bar=len(at_once))
    gains, lda, refined = (np.mean([each[name].gains for each in found], axis=0) for name in (OURS, LDA, REFINED))
    low, high = interval(gains)
    rivals = tuple(
        Rival(name=name, value=float(each.mean()), difference=paired_difference(gains, each))
        for name, each in ((LDA, lda), (REFINED, refined))
    )
    label = f"completion gain, {_title(collection)}"
    measured = Measured(float(gains.mean()), low, high, "95 % of documents")
    bar = max(each.value for each in rivals)
    gain = Figure(recipe=RECIPE, metric=label, measured=measured, rivals=rivals, bar=bar)
    seconds = {name: [each[name].seconds for each in found] for name in METHODS}
    rivals = tuple(Rival(name=name, value=float(np.mean(seconds[name]))) for name in (LDA, NMF, REFINED))
    label = f"fit, CPU s, {_title(collection)}"
    spent = over_seeds(seconds[OURS])
    fit = Figure(recipe=RECIPE, metric=label, measured=spent, rivals=rivals, bar=BAR_SECONDS, lower_is_better=True)
    return [together, gain, fit]


def _metrics(fitted: Fitted, processed: Path) -> Mapping[str, float]:
    held_out = load_lemmas(processed / "holdout" / HOLDOUT_CORPUS_FILE)
    return {
        **topic_metrics(fitted.topics, processed / "holdout"),
        "npmi_documents": float(npmi(fitted.topics, held_out, window=None).mean()),
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
            _, seconds = _timed(lambda: train(channels, model_dir, checkpoints=checkpoints, config=config))
        model = TopicModel.load(model_dir)
    return Fitted(topics=model.top_words(config.data.top_words), seconds=seconds, gains=_gains(model, processed))


def _lda(processed: Path, config: Config) -> Fitted:
    bags, vocabulary = BagsOfWords.load(processed / "train"), Vocabulary.load(processed / "train")
    topics = config.hyperparameters.topics
    model, seconds = _timed(lambda: Lda.fit(bags, vocabulary, topics=topics, seed=config.seed))
    return Fitted(topics=model.top_words(config.data.top_words), seconds=seconds, gains=_gains(model, processed))


def _nmf(processed: Path, config: Config) -> Fitted:
    bags, vocabulary = BagsOfWords.load(processed / "train"), Vocabulary.load(processed / "train")
    topics, count = config.hyperparameters.topics, config.data.top_words
    work = lambda: nmf_topics(bags, vocabulary, topics=topics, count=count, seed=config.seed)  # noqa: E731
    words, seconds = _timed(work)
    return Fitted(topics=words, seconds=seconds, gains=np.empty(0))


def _refined(processed: Path, config: Config) -> Fitted:
    bags, vocabulary = BagsOfWords.load(processed / "train"), Vocabulary.load(processed / "train")
    topics = config.hyperparameters.topics
    model, seconds = _timed(lambda: RefinedNmf.fit(bags, vocabulary, topics=topics, seed=config.seed))
    return Fitted(topics=model.top_words(config.data.top_words), seconds=seconds, gains=_gains(model, processed))


def _gains(model: Any, processed: Path) -> np.ndarray:
    holdout = processed / "holdout"
    return completion_gains(model, load_lemmas(holdout / HOLDOUT_CORPUS_FILE), unigram=load_unigram(holdout))


SENTIMENTS = ("all", "negative", "positive")
COLLECTIONS: Mapping[str, Callable[[], pd.DataFrame]] = {
    **dict.fromkeys(SENTIMENTS, _reviews),
    "headlines": _headlines,
    "titles": _titles,
    "paragraphs": _paragraphs,
    "documentation": _documentation,
}
OURS, LDA, NMF, REFINED = "this model", "LDA", "NMF", "NMF, refined"
METHODS: Mapping[str, Callable[[Path, Config], Fitted]] = {OURS: _ours, LDA: _lda, NMF: _nmf, REFINED: _refined}


if __name__ == "__main__":
    sys.exit(main())
