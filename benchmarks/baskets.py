"""Measures what prod2vec answers baskets with, beside simple baselines on the same whole orders; runs on a laptop.

    python -m benchmarks.baskets                     # Online Retail in its own order
    python -m benchmarks.baskets --shuffle           # each invoice in random order
    python -m benchmarks.baskets --sample 100000     # generated orders, as `trainyard demo` has them
    python -m benchmarks.baskets --fit 10000000      # time and memory of the scorer alone, on generated orders

The last product of each held-out order is asked for, given the others, along the product's own path from files to
evaluation with its default settings; differences are paired.
"""

from __future__ import annotations

import argparse
import contextlib
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import ibis
import numpy as np

from benchmarks import prod2vec
from benchmarks.figures import Figure, Measured, Rival, Skipped, conclude
from recipes.prod2vec import evaluate, prepare, process, sample
from recipes.prod2vec.config import CONFIG, Config, sources
from recipes.prod2vec.features import Vocabulary
from recipes.prod2vec.inference import ProductVectors
from tests.recipes.tables import read_sources
from trainyard.run.overrides import override
from trainyard.stages.evaluate.bootstrap import interval, paired_difference

BARS = {False: 0.33, True: 0.35}
SEED, SAMPLE_SEED = 1, 42
ROLES = ("train", "validation", "features")


def main(arguments: Sequence[str]) -> int:
    """Print the table; the exit code is 1 when a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shuffle", action="store_true", help="put each invoice in random order first")
    parser.add_argument("--sample", type=int, metavar="LINES", help="use generated orders of this many lines")
    parser.add_argument("--fit", type=int, metavar="LINES", help="only time the choice, on generated orders")
    parser.add_argument("--products", type=int, default=50_000, help="products in the vocabulary with --fit")
    options = parser.parse_args(arguments)
    try:
        with tempfile.TemporaryDirectory() as scratch:
            root = Path(scratch)
            if options.fit:
                config = override(CONFIG, {"data": {"top_products": options.products}})
                return _fit(_processed(root, lines=options.fit, config=config), config)
            channels = _processed(root, lines=options.sample, shuffled=options.shuffle)
            return conclude([_measured(channels, root, bar=None if options.sample else BARS[options.shuffle])])
    except Skipped as reason:
        print(f"baskets: skipped, {reason}; use --sample LINES.")
        return 0


def _processed(
    root: Path, *, lines: int | None = None, shuffled: bool = False, config: Config = CONFIG
) -> dict[str, Path]:
    """The channels of training and the holdout, made from files."""
    if lines:
        sample.write(root / "raw", size=lines, seed=SAMPLE_SEED)
    else:
        prod2vec.convert(root / "raw", shuffled=shuffled)
    tables = read_sources(ibis.duckdb.connect(), root / "raw", sources(config))
    for name, table in prepare.prepare(tables, config).items():
        (root / "prepare" / name).mkdir(parents=True)
        table.to_parquet(root / "prepare" / name / "part-00000.parquet")
    counts = process.process(root / "prepare", root / "process", config=config)
    print(", ".join(f"{name} {value:,.0f}" for name, value in counts.items()), file=sys.stderr)
    return {name: root / "process" / name for name in (*ROLES, "holdout")}


def _measured(channels: dict[str, Path], root: Path, *, bar: float | None) -> Figure:
    """The hit rate of a newly trained model, and its differences to the baselines of evaluation."""
    # Imported here, because it brings TensorFlow.
    from recipes.prod2vec.train import train

    for name in ("model", "checkpoints"):
        (root / name).mkdir()
    with contextlib.redirect_stdout(sys.stderr):
        train(channels, root / "model", checkpoints=root / "checkpoints", config=CONFIG)
        found = evaluate.evaluate(root / "model", channels["holdout"], config=CONFIG)
        references = evaluate.references(channels, channels["holdout"], config=CONFIG)
    rivals = tuple(
        Rival(
            name=name,
            value=each.metrics["hit_rate_at_10"],
            difference=paired_difference(found.examples[each.rows], each.examples, seed=SEED),
        )
        for name, each in references.items()
        if each.examples is not None
    )
    hits = found.examples
    measured = Measured(float(hits.mean()), *interval(hits, seed=SEED), "95 % of orders")
    return Figure(recipe="prod2vec", metric="hit rate at 10, whole orders", measured=measured, rivals=rivals, bar=bar)


def _fit(channels: dict[str, Path], config: Config) -> int:
    """CPU seconds and peak memory of choosing and fitting what answers baskets, without vectors that are worth it."""
    from recipes.prod2vec.basket_choice import choose
    from recipes.prod2vec.features import Queries

    vocabulary = Vocabulary.load(channels["features"])
    random = np.random.default_rng(SEED).normal(size=(2, len(vocabulary), 8)).astype(np.float32)
    vectors = ProductVectors(vocabulary=vocabulary, target=random[0], context=random[1])
    baskets, queries = process.load_baskets(channels["train"]), Queries.load(channels["validation"])
    before, start = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    chosen = choose(vectors, baskets, queries=queries, seed=config.seed)
    spent = time.process_time() - before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(
        f"{len(vocabulary):,} products, {len(baskets.values):,} lines: {chosen.name}, {spent:.1f} CPU s; peak memory "
        f"{peak / 2**20:.2f} GB, {start / 2**20:.2f} GB before"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
