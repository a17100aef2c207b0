"""Measures what prod2vec answers baskets with, beside simple baselines on the same whole orders; runs on a laptop.

    python -m benchmarks.baskets                     # Online Retail in its own order
    python -m benchmarks.baskets --shuffle           # each invoice in random order
    python -m benchmarks.baskets --sample 100000     # generated orders, as `trainyard demo` has them
    python -m benchmarks.baskets --fit 10000000      # time and memory of the scorer alone, on drawn baskets

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
from recipes.prod2vec.config import CONFIG, sources
from recipes.prod2vec.features import Queries, RaggedArray, Vocabulary
from recipes.prod2vec.inference import ProductVectors
from tests.recipes.tables import read_sources
from trainyard.stages.evaluate.bootstrap import interval, paired_difference

BARS = {False: 0.33, True: 0.35}
SEED, SAMPLE_SEED = 1, 42
ROLES = ("train", "validation", "features")
# Of the drawn baskets.
GROUP_PRODUCTS, SECOND_GROUP_SHARE, HELD_OUT_EVERY = 60, 0.25, 100


def main(arguments: Sequence[str]) -> int:
    """Print the table; the exit code is 1 when a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shuffle", action="store_true", help="put each invoice in random order first")
    parser.add_argument("--sample", type=int, metavar="LINES", help="use generated orders of this many lines")
    parser.add_argument("--fit", type=int, metavar="LINES", help="only time the choice, on drawn baskets")
    parser.add_argument("--products", type=int, default=45_000, help="products that --fit draws")
    options = parser.parse_args(arguments)
    try:
        with tempfile.TemporaryDirectory() as scratch:
            root = Path(scratch)
            if options.fit:
                return _fit(options.fit, products=options.products)
            channels = _processed(root, lines=options.sample, shuffled=options.shuffle)
            return conclude([_measured(channels, root, bar=None if options.sample else BARS[options.shuffle])])
    except Skipped as reason:
        print(f"baskets: skipped, {reason}; use --sample LINES.")
        return 0


def _processed(root: Path, *, lines: int | None = None, shuffled: bool = False) -> dict[str, Path]:
    """The channels of training and the holdout, made from files."""
    if lines:
        sample.write(root / "raw", size=lines, seed=SAMPLE_SEED)
    else:
        prod2vec.convert(root / "raw", shuffled=shuffled)
    tables = read_sources(ibis.duckdb.connect(), root / "raw", sources(CONFIG))
    for name, table in prepare.prepare(tables, CONFIG).items():
        (root / "prepare" / name).mkdir(parents=True)
        table.to_parquet(root / "prepare" / name / "part-00000.parquet")
    counts = process.process(root / "prepare", root / "process", config=CONFIG)
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


def _fit(lines: int, *, products: int) -> int:
    """CPU seconds and peak memory of choosing and fitting what answers baskets, without vectors that are worth it."""
    from recipes.prod2vec.basket_choice import choose

    baskets = drawn_baskets(lines, products)
    held_out = baskets.take(np.arange(0, len(baskets), HELD_OUT_EVERY))
    keys = np.array([str(place) for place in range(products)], dtype=object)
    frequencies = np.bincount(baskets.values, minlength=products)
    vocabulary = Vocabulary(product_ids=keys, frequencies=frequencies, names=(), departments=())
    random = np.random.default_rng(SEED).normal(size=(2, products, 8)).astype(np.float32)
    vectors = ProductVectors(vocabulary=vocabulary, target=random[0], context=random[1])
    last = np.arange(len(held_out.values)) == np.repeat(held_out.offsets[1:] - 1, held_out.lengths)
    queries = Queries(
        order_ids=np.arange(len(held_out)).astype(str).astype(object),
        contexts=held_out.filter_values(~last),
        targets=held_out.values[last],
        product_ids=keys,
    )
    before, start = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    chosen = choose(vectors, baskets, queries=queries, seed=SEED)
    spent = time.process_time() - before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(
        f"{products:,} products, {len(baskets.values):,} lines: {chosen.name}, {spent:.1f} CPU s; peak memory "
        f"{peak / 2**20:.2f} GB, {start / 2**20:.2f} GB before"
    )
    return 0


def drawn_baskets(lines: int, products: int) -> RaggedArray:
    """Baskets of 2 to 18 products from one or two of many groups, numbered by popularity; about so many lines."""
    random = np.random.default_rng(SEED)
    lengths = random.integers(2, 19, lines // 10)
    groups = -(-products // GROUP_PRODUCTS)
    # Some groups and some products of a group are bought far more often than others.
    own = np.floor(groups * random.random((len(lengths), 2)) ** 2).astype(np.int64)
    basket = np.repeat(np.arange(len(lengths)), lengths)
    group = own[basket, (random.random(len(basket)) < SECOND_GROUP_SHARE).astype(np.int64)]
    place = np.floor(GROUP_PRODUCTS * random.random(len(basket)) ** 2).astype(np.int64)
    product = np.minimum(group + groups * place, products - 1)
    # In the order drawn, each product once.
    _, first = np.unique(basket * products + product, return_index=True)
    kept = np.sort(first)
    rank = np.empty(products, dtype=np.int32)
    rank[np.argsort(-np.bincount(product[kept], minlength=products), kind="stable")] = np.arange(products)
    counts = np.bincount(basket[kept], minlength=len(lengths))
    return RaggedArray(values=rank[product[kept]], offsets=np.concatenate(([0], np.cumsum(counts))))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
