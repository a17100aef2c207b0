"""Compares prod2vec with gensim's Word2Vec and simple baselines, side by side in one run; runs on a laptop.

    python -m benchmarks.prod2vec                    # ../shared/data/online_retail
    python -m benchmarks.prod2vec --sample 1000000   # generated orders
    python -m benchmarks.prod2vec --convert ./retail # Online Retail, invoices in their own order, for `trainyard run`

Vectors against vectors: what answers baskets is measured by `python -m benchmarks.baskets`. Each trainer is a process
of its own, and ours trains twice. CPU seconds are those of all its threads: `training` counts from the call to its
return, compilation, validation and saving included; `process` counts everything, imports too.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.figures import DATA, Figure, Measured, Rival, Skipped, conclude, required
from recipes.prod2vec import evaluate, sample
from recipes.prod2vec.config import CONFIG, Config
from recipes.prod2vec.features import Queries, RaggedArray, Vocabulary
from recipes.prod2vec.inference import SIMILARITIES, ProductVectors
from recipes.prod2vec.metrics import hits, reciprocal_ranks, target_ranks
from recipes.prod2vec.process import process
from recipes.prod2vec.training_files import load_baskets
from trainyard.contract.config import to_mapping
from trainyard.run.settings.overrides import override
from trainyard.stages.evaluate.bootstrap import interval, paired_difference

RECIPE = "prod2vec"
RETAIL = DATA / "online_retail" / "online_retail_2010_2011.parquet"
OURS, GENSIM = "ours", "gensim"
HIT_RATE_BAR, BAR_SHARE, STRETCH_SHARE = 0.220, 1 / 3, 1 / 8
EPOCHS = 20
MIN_LINES = 5
TEST_BASKETS = 5000
VALIDATION_BASKETS = 2000
SEED = 1


def main(arguments: Sequence[str]) -> int:
    """Print the table; the exit code is 1 when a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", type=int, metavar="LINES", help="use generated orders of this many lines")
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--size", type=int, default=100, help="numbers per vector")
    parser.add_argument("--learning-rate", type=float, default=CONFIG.hyperparameters.learning_rate)
    parser.add_argument("--convert", type=Path, metavar="FOLDER", help="only write the recipe's source files")
    parser.add_argument("--child", nargs=2, metavar=("TRAINER", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    config = _config(epochs=options.epochs, size=options.size, learning_rate=options.learning_rate)
    if options.child:
        _child(options.child[0], Path(options.child[1]), config=config)
        return 0
    try:
        if options.convert:
            convert(options.convert)
            return 0
        return conclude(_measure(config, lines=options.sample))
    except Skipped as reason:
        print(f"{RECIPE}: skipped, {reason}; use --sample LINES.")
        return 0


def figures(*, quick: bool = False) -> list[Figure]:
    """What the benchmark measures on Online Retail; raises Skipped without the data."""
    return _measure(_config(epochs=3 if quick else EPOCHS))


def _config(*, epochs: int, size: int = 100, learning_rate: float = CONFIG.hyperparameters.learning_rate) -> Config:
    trained = {"epochs": epochs, "embedding_size": size, "negatives": 5, "learning_rate": learning_rate}
    data = {"subsampling_threshold": 0, "window": 10, "max_basket": 1000}
    return override(CONFIG, {"seed": SEED, "data": data, "hyperparameters": trained})


def _measure(config: Config, *, lines: int | None = None) -> list[Figure]:
    """Train with both trainers on the same pairs and compare them on the same held-out products."""
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        baskets, names = _sampled(root, lines) if lines else _online_retail()
        train, validation, test = _split(baskets)
        _write_prepared(root / "prepare", train, validation=validation, test=test, names=names)
        counts = process(root / "prepare", root / "process", config=config)
        print(", ".join(f"{name} {value:,.0f}" for name, value in counts.items()), file=sys.stderr)
        return _compare(root, config, bar=0.0 if lines else HIT_RATE_BAR)


def _online_retail(*, shuffled: bool = True) -> tuple[RaggedArray, list[str]]:
    """Invoices as baskets of stock codes, cancellations and postage left out, rare codes too."""
    lines = pd.read_parquet(required(RETAIL))[["InvoiceNo", "StockCode", "Description", "Quantity"]]
    code = lines.StockCode.astype(str).str.strip().str.upper()
    kept = (lines.Quantity > 0) & ~lines.InvoiceNo.astype(str).str.startswith("C") & code.str.match(r"^\d{5}")
    lines = lines.assign(StockCode=code)[kept].drop_duplicates(["InvoiceNo", "StockCode"])
    lines = lines[lines.groupby("StockCode").StockCode.transform("size") >= MIN_LINES]
    names = lines.drop_duplicates("StockCode").set_index("StockCode").Description.fillna("").str.strip()
    product = pd.Series(np.arange(len(names)), index=names.index)[lines.StockCode].to_numpy()
    return _grouped(lines.InvoiceNo.to_numpy(), product, shuffled=shuffled), names.tolist()


def convert(folder: Path, *, shuffled: bool = False) -> None:
    """Write Online Retail as the two source files of the recipe, its invoices in their own order or in random order."""
    baskets, names = _online_retail(shuffled=shuffled)
    folder.mkdir(parents=True, exist_ok=True)
    orders = np.repeat(np.arange(len(baskets)), baskets.lengths)
    position = np.arange(len(orders)) - np.repeat(baskets.offsets[:-1], baskets.lengths)
    lines = {
        "order_id": orders + 1,
        "product_id": baskets.values + 1,
        "add_to_cart_order": position + 1,
        "reordered": 0,
    }
    pd.DataFrame(lines).to_csv(folder / "order_products__prior.csv", index=False)
    known = [name or f"(no name) {number}" for number, name in enumerate(names, start=1)]
    catalogue = {"product_id": range(1, len(names) + 1), "product_name": known, "aisle_id": 1, "department_id": 1}
    pd.DataFrame(catalogue).to_csv(folder / "products.csv", index=False)


def _sampled(root: Path, size: int) -> tuple[RaggedArray, list[str]]:
    sample.write(root / "raw", size=size, seed=SEED)
    lines = pd.read_csv(root / "raw" / "order_products__prior.csv", usecols=["order_id", "product_id"])
    names = pd.read_csv(root / "raw" / "products.csv").sort_values("product_id").product_name
    return _grouped(lines.order_id.to_numpy(), lines.product_id.to_numpy() - 1), names.tolist()


def _grouped(order: np.ndarray, product: np.ndarray, *, shuffled: bool = True) -> RaggedArray:
    """Baskets of at least two products, in the order of their lines or each in random order, as a set has none."""
    key = pd.factorize(order)[0]
    by_order = np.lexsort((np.random.default_rng(SEED).random(len(key)) if shuffled else np.arange(len(key)), key))
    offsets = np.concatenate(([0], np.cumsum(np.bincount(key))))
    baskets = RaggedArray(values=product[by_order], offsets=offsets)
    return baskets.take(np.flatnonzero(baskets.lengths >= 2))


def _split(baskets: RaggedArray) -> tuple[RaggedArray, RaggedArray, RaggedArray]:
    """Training baskets, and validation and test baskets whose LAST product is missing from training.

    The rest of those baskets stays in training, as in the usual leave-one-out protocol.
    """
    candidates = np.flatnonzero(baskets.lengths >= 3)
    chosen = np.random.default_rng(SEED + 1).permutation(candidates)
    tested = min(TEST_BASKETS, len(candidates) // 5)
    test, validation = chosen[:tested], chosen[tested : tested + min(VALIDATION_BASKETS, tested)]
    keep = np.ones(len(baskets.values), dtype=bool)
    keep[baskets.offsets[np.concatenate([test, validation]) + 1] - 1] = False
    return baskets.filter_values(keep), baskets.take(validation), baskets.take(test)


def _write_prepared(
    directory: Path, train: RaggedArray, *, validation: RaggedArray, test: RaggedArray, names: list[str]
) -> None:
    roles = [
        role
        for role, part in (("train", train), ("validation", validation), ("holdout", test))
        for _ in range(len(part))
    ]
    lists = pa.concat_arrays([part.to_arrow() for part in (train, validation, test)])
    frequency = np.bincount(train.values, minlength=len(names))
    ranked = np.argsort(-frequency, kind="stable")
    ranked = ranked[frequency[ranked] > 0]
    tables = {
        "baskets": {"order_id": np.arange(len(roles)).astype(str), "role": roles, "products": lists},
        "vocabulary": {"product_index": ranked, "frequency": frequency[ranked], "rank": np.arange(len(ranked))},
        "catalogue": {
            "product_index": np.arange(len(names)),
            "product_id": np.arange(len(names)).astype(str),
            "product_name": names,
            "department": [""] * len(names),
        },
    }
    for name, columns in tables.items():
        (directory / name).mkdir(parents=True)
        pq.write_table(pa.table(columns), directory / name / "part-00000.parquet")


def _child(trainer: str, root: Path, *, config: Config) -> None:
    """Train in this process, save the vectors, and print what it cost."""
    model_dir = root / trainer
    model_dir.mkdir(exist_ok=True)
    channels = {name: root / "process" / name for name in ("train", "validation", "features")}
    if trainer == OURS:
        from recipes.prod2vec.train import train_vectors

        checkpoints = Path(tempfile.mkdtemp(dir=root))
        before, start = time.process_time(), time.perf_counter()
        train_vectors(channels, model_dir, checkpoints=checkpoints, config=config)
    else:
        # Without the cap that keeps it cheap as a reference.
        evaluate.MAX_GENSIM_LINES = 10**12
        vocabulary, baskets = Vocabulary.load(channels["features"]), load_baskets(channels["train"])
        random = np.random.default_rng(SEED).permutation(len(baskets))
        import gensim.models  # noqa: F401 - imported before the clock starts, as TensorFlow is

        before, start = time.process_time(), time.perf_counter()
        evaluate.gensim_vectors(baskets.take(random), vocabulary, config=config).save(model_dir)
    wall, cpu = time.perf_counter() - start, time.process_time() - before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"training": cpu, "wall": wall, "process": time.process_time(), "peak_mb": peak}))


def _trained(trainer: str, root: Path, *, config: Config) -> dict[str, float]:
    """Train in a process of its own, and return what that cost."""
    settings = config.hyperparameters
    command = [sys.executable, "-m", "benchmarks.prod2vec", "--child", trainer, str(root)]
    command += ["--epochs", str(settings.epochs), "--size", str(settings.embedding_size)]
    command += ["--learning-rate", str(settings.learning_rate)]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    cost: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return cost


def _compare(root: Path, config: Config, *, bar: float) -> list[Figure]:
    # Imported here, because it brings TensorFlow, which gensim's process shall not have to load.
    from recipes.prod2vec.batches import expected_pairs

    baskets = load_baskets(root / "process" / "train")
    vocabulary = Vocabulary.load(root / "process" / "features")
    queries = Queries.load(root / "process" / "holdout")
    pairs = float(expected_pairs(baskets.lengths, config.data.window).sum()) * config.hyperparameters.epochs
    print(f"{pairs / 1e6:,.0f} M pairs; settings {json.dumps(to_mapping(config.hyperparameters))}", file=sys.stderr)
    costs: dict[str, dict[str, float]] = {}
    found: dict[str, np.ndarray] = {}
    first = _trained(OURS, root, config=config)
    costs[GENSIM] = _trained(GENSIM, root, config=config)
    # Before and after the much longer training, as a machine's speed drifts.
    costs[OURS] = {name: (cost + first[name]) / 2 for name, cost in _trained(OURS, root, config=config).items()}
    for trainer in (OURS, GENSIM):
        vectors = ProductVectors.load(root / trainer)
        for similarity in SIMILARITIES:
            found[f"{trainer}, {similarity}"] = target_ranks(
                replace(vectors, similarity=similarity).next_product_scores, queries, vocabulary=vocabulary
            )
    found["popularity"] = target_ranks(evaluate.popularity(baskets, len(vocabulary)), queries, vocabulary=vocabulary)
    found["item co-occurrence"] = target_ranks(
        evaluate.co_occurrence(baskets, len(vocabulary)), queries, vocabulary=vocabulary
    )
    own = f"{OURS}, {ProductVectors.load(root / OURS).similarity}"
    return [*_quality(own, found, bar=bar), *_costs(costs, pairs)]


def _quality(own: str, found: Mapping[str, np.ndarray], *, bar: float) -> list[Figure]:
    """Hit rate and MRR by the similarity that validation chose; the bar is gensim by cosine, the stretch its better."""
    figures = []
    measures: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "hit rate at 10": hits,
        "MRR": reciprocal_ranks,
    }
    for metric, measure in measures.items():
        mine = measure(found[own])
        values = {name: measure(each) for name, each in found.items() if name != own}
        rivals = tuple(
            Rival(name=name, value=float(each.mean()), difference=paired_difference(mine, each, seed=SEED))
            for name, each in values.items()
        )
        measured = Measured(float(mine.mean()), *interval(mine, seed=SEED), "95 % of baskets")
        bars: tuple[float | None, float | None] = (None, None)
        if measure is hits:
            gensim = [float(values[f"{GENSIM}, {similarity}"].mean()) for similarity in SIMILARITIES]
            bars = max(bar, float(values[f"{GENSIM}, cosine"].mean())), max(gensim)
        label = f"{metric}, {own.partition(', ')[2]} as validation chose"
        figures.append(
            Figure(recipe=RECIPE, metric=label, measured=measured, rivals=rivals, bar=bars[0], stretch=bars[1])
        )
    return figures


def _costs(costs: Mapping[str, Mapping[str, float]], pairs: float) -> list[Figure]:
    """Share of gensim's CPU seconds, and rates and memory."""
    ours, gensim = costs[OURS], costs[GENSIM]

    def figure(metric: str, own: float, *, other: float, bar: float | None = None) -> Figure:
        stretch = None if bar is None else STRETCH_SHARE
        measured, rivals = Measured(own), (Rival(name=GENSIM, value=other),)
        return Figure(
            recipe=RECIPE,
            metric=metric,
            measured=measured,
            rivals=rivals,
            bar=bar,
            stretch=stretch,
            lower_is_better=bar is not None,
        )

    return [
        figure("training, share of gensim's CPU s", ours["training"] / gensim["training"], other=1.0, bar=BAR_SHARE),
        figure("training, CPU s", ours["training"], other=gensim["training"]),
        figure("whole process, CPU s", ours["process"], other=gensim["process"]),
        figure("M pairs per CPU s", pairs / ours["training"] / 1e6, other=pairs / gensim["training"] / 1e6),
        figure("peak memory, MB", ours["peak_mb"], other=gensim["peak_mb"]),
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
