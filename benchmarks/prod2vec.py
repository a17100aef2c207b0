"""Compares prod2vec with gensim's Word2Vec and simple baselines, side by side in one run; runs on a laptop.

    python -m benchmarks.prod2vec                    # ../shared/data/online_retail
    python -m benchmarks.prod2vec --sample 1000000   # generated orders

Each trainer is a process of its own. CPU seconds are those of all its threads: `training` counts from the call to its
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
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from recipes.prod2vec import evaluate, sample
from recipes.prod2vec.config import CONFIG, Config
from recipes.prod2vec.features import Queries, Ragged, Vocabulary
from recipes.prod2vec.process import load_baskets, process
from recipes.prod2vec.vectors import SCORINGS, ProductVectors, hits, ranks
from trainyard.bootstrap import interval, paired_difference
from trainyard.config import to_mapping
from trainyard.overrides import override

RETAIL = Path(__file__).parents[2] / "shared" / "data" / "online_retail" / "online_retail_2010_2011.parquet"
MIN_LINES = 5
TEST_BASKETS = 5000
VALIDATION_BASKETS = 2000
SEED = 1


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", type=int, metavar="LINES", help="use generated orders of this many lines")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--size", type=int, default=100, help="numbers per vector")
    parser.add_argument("--learning-rate", type=float, default=CONFIG.hyperparameters.learning_rate)
    parser.add_argument("--child", nargs=2, metavar=("TRAINER", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    config = override(
        CONFIG,
        {
            "seed": SEED,
            "data": {"subsample": 0, "window": 10, "max_basket": 1000},
            "hyperparameters": {
                "epochs": options.epochs,
                "embedding_size": options.size,
                "negatives": 5,
                "learning_rate": options.learning_rate,
            },
        },
    )
    if options.child:
        _child(options.child[0], Path(options.child[1]), config)
        return
    if not options.sample and not RETAIL.exists():
        print(f"Skipped: no {RETAIL.name} in ../shared/data/online_retail; use --sample LINES.")
        return
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        baskets, names = _sampled(root, options.sample) if options.sample else _online_retail()
        _write_prepared(root / "prepare", *_split(baskets), names)
        print(", ".join(f"{k} {v:,.0f}" for k, v in process(root / "prepare", root / "process", config).items()))
        _print_table(root, config, arguments)


def _online_retail() -> tuple[Ragged, list[str]]:
    """Invoices as baskets of stock codes, cancellations and postage left out, rare codes too."""
    lines = pd.read_parquet(RETAIL)[["InvoiceNo", "StockCode", "Description", "Quantity"]]
    code = lines.StockCode.astype(str).str.strip().str.upper()
    kept = (lines.Quantity > 0) & ~lines.InvoiceNo.astype(str).str.startswith("C") & code.str.match(r"^\d{5}")
    lines = lines.assign(StockCode=code)[kept].drop_duplicates(["InvoiceNo", "StockCode"])
    lines = lines[lines.groupby("StockCode").StockCode.transform("size") >= MIN_LINES]
    names = lines.drop_duplicates("StockCode").set_index("StockCode").Description.fillna("").str.strip()
    product = pd.Series(np.arange(len(names)), index=names.index)[lines.StockCode].to_numpy()
    return _grouped(lines.InvoiceNo.to_numpy(), product), names.tolist()


def _sampled(root: Path, size: int) -> tuple[Ragged, list[str]]:
    sample.write(root / "raw", size=size, seed=SEED)
    lines = pd.read_csv(root / "raw" / "order_products__prior.csv", usecols=["order_id", "product_id"])
    names = pd.read_csv(root / "raw" / "products.csv").sort_values("product_id").product_name
    return _grouped(lines.order_id.to_numpy(), lines.product_id.to_numpy() - 1), names.tolist()


def _grouped(order: np.ndarray, product: np.ndarray) -> Ragged:
    """Baskets of at least two products, each in random order: a basket is a set."""
    key = pd.factorize(order)[0]
    by_order = np.lexsort((np.random.default_rng(SEED).random(len(key)), key))
    offsets = np.concatenate(([0], np.cumsum(np.bincount(key))))
    baskets = Ragged(values=product[by_order], offsets=offsets)
    return baskets.take(np.flatnonzero(baskets.lengths >= 2))


def _split(baskets: Ragged) -> tuple[Ragged, Ragged, Ragged]:
    """Training baskets, and validation and test baskets whose LAST product is missing from training.

    The rest of those baskets stays in training, as in the usual leave-one-out protocol.
    """
    candidates = np.flatnonzero(baskets.lengths >= 3)
    chosen = np.random.default_rng(SEED + 1).permutation(candidates)
    tested = min(TEST_BASKETS, len(candidates) // 5)
    test, validation = chosen[:tested], chosen[tested : tested + min(VALIDATION_BASKETS, tested)]
    keep = np.ones(len(baskets.values), dtype=bool)
    keep[baskets.offsets[np.concatenate([test, validation]) + 1] - 1] = False
    return baskets.kept(keep), baskets.take(validation), baskets.take(test)


def _write_prepared(directory: Path, train: Ragged, validation: Ragged, test: Ragged, names: list[str]) -> None:
    roles = [
        role
        for role, part in (("train", train), ("validation", validation), ("holdout", test))
        for _ in range(len(part))
    ]
    lists = pa.concat_arrays([part.to_arrow() for part in (train, validation, test)])
    frequency = np.bincount(train.values, minlength=len(names))
    ranked = np.argsort(-frequency, kind="stable")
    ranked = ranked[frequency[ranked] > 0]
    zeros = np.zeros(len(names), dtype=np.int64)
    tables = {
        "baskets": {"order_id": np.arange(len(roles)), "role": roles, "products": lists},
        "vocabulary": {"product_id": ranked, "frequency": frequency[ranked], "rank": np.arange(len(ranked))},
        "catalogue": {
            "product_id": np.arange(len(names)),
            "product_name": names,
            "aisle_id": zeros,
            "department_id": zeros,
        },
    }
    for name, columns in tables.items():
        (directory / name).mkdir(parents=True)
        pq.write_table(pa.table(columns), directory / name / "part-00000.parquet")


def _child(trainer: str, root: Path, config: Config) -> None:
    """Train in this process, save the vectors, and print what it cost."""
    model_dir = root / trainer
    model_dir.mkdir()
    channels = {name: root / "process" / name for name in ("train", "validation", "features")}
    if trainer == "trainyard":
        from recipes.prod2vec.train import train

        (root / "checkpoints").mkdir()
        before, start = time.process_time(), time.perf_counter()
        train(channels, model_dir, root / "checkpoints", config)
    else:
        # Without the cap that keeps it cheap as a reference.
        evaluate.GENSIM_PRODUCTS = 10**12
        vocabulary, baskets = Vocabulary.load(channels["features"]), load_baskets(channels["train"])
        random = np.random.default_rng(SEED).permutation(len(baskets))
        import gensim.models  # noqa: F401 - imported before the clock starts, as TensorFlow is

        before, start = time.process_time(), time.perf_counter()
        evaluate.gensim_vectors(baskets.take(random), vocabulary, config).save(model_dir)
    wall, cpu = time.perf_counter() - start, time.process_time() - before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"training": cpu, "wall": wall, "process": time.process_time(), "peak_mb": peak}))


def _measured(trainer: str, root: Path, arguments: Sequence[str]) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.prod2vec", *arguments, "--child", trainer, str(root)]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    cost: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return cost


def _print_table(root: Path, config: Config, arguments: Sequence[str]) -> None:
    # Imported here, because it brings TensorFlow, which gensim's process shall not have to load.
    from recipes.prod2vec.draws import window_pairs

    baskets = load_baskets(root / "process" / "train")
    vocabulary = Vocabulary.load(root / "process" / "features")
    queries, chosen_on = (Queries.load(root / "process" / role) for role in ("holdout", "validation"))
    pairs = float(window_pairs(baskets.lengths, config.data.window).sum()) * config.hyperparameters.epochs
    print(f"{pairs / 1e6:,.0f} M pairs in all; settings {json.dumps(to_mapping(config.hyperparameters))}")
    costs_head = f"{'training':>10}{'process':>9}{'wall s':>8}{'M pairs/CPU s':>15}{'peak MB':>9}"
    print(f"{'':36}{'hit@10 (95 % interval)':28}{'MRR':8}{costs_head}")
    found: dict[str, np.ndarray] = {}
    costs: dict[str, dict[str, float]] = {}
    for trainer in ("trainyard", "gensim"):
        costs[trainer] = _measured(trainer, root, arguments)
        vectors = ProductVectors.load(root / trainer)
        for scoring in SCORINGS:
            scored = replace(vectors, scoring=scoring)
            validated = hits(ranks(scored.next_scores, chosen_on, vocabulary)).mean()
            found[f"{trainer}, {scoring}"] = hits_found = ranks(scored.next_scores, queries, vocabulary)
            note = f"{trainer}, {scoring} (valid. {validated:.3f})"
            _print_row(note, hits_found, costs[trainer], pairs)
    scorers: dict[str, Any] = {"popularity": evaluate.popularity(vocabulary)}
    scorers["item co-occurrence"] = evaluate.co_occurrence(baskets, len(vocabulary))
    for name, scorer in scorers.items():
        _print_row(name, ranks(scorer, queries, vocabulary), None, pairs)
    _print_verdict(found, costs, ProductVectors.load(root / "trainyard").scoring)


def _print_row(name: str, found: np.ndarray, cost: dict[str, float] | None, pairs: float) -> None:
    low, high = interval(hits(found), seed=SEED)
    line = f"{name:36}{f'{hits(found).mean():.4f} ({low:.4f} to {high:.4f})':28}{(1 / (1 + found)).mean():<8.4f}"
    if cost:
        line += f"{cost['training']:10.1f}{cost['process']:9.1f}{cost['wall']:8.1f}"
        line += f"{pairs / cost['training'] / 1e6:15.1f}{cost['peak_mb']:9.0f}"
    print(line, flush=True)


def _print_verdict(found: dict[str, np.ndarray], costs: dict[str, dict[str, float]], scoring: str) -> None:
    ours = hits(found[f"trainyard, {scoring}"])
    rival = max((f"gensim, {each}" for each in SCORINGS), key=lambda name: hits(found[name]).mean())
    gap = paired_difference(ours, hits(found[rival]), seed=SEED)
    training, whole = (costs["gensim"][each] / costs["trainyard"][each] for each in ("training", "process"))
    print(f"trainyard uses {scoring}, as validation chose; beside {rival}, the better of its two on the test queries:")
    print(f"difference {gap.value:+.4f} ({gap.low:+.4f} to {gap.high:+.4f}),", end=" ")
    print(f"in 1/{training:.1f} of its CPU seconds (whole process: 1/{whole:.1f}).")


if __name__ == "__main__":
    main(sys.argv[1:])
