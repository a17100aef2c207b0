"""Prints one table over all recipes: each metric beside its baselines and bars; runs on a laptop.

    python -m benchmarks.table                       # every recipe whose data are in ../shared/data
    python -m benchmarks.table --recipe two_tower --recipe propensity
    python -m benchmarks.table --quick               # one seed, fewer epochs: a look, no verdict

Each recipe is measured by `figures` of the benchmark of its name, in a process of its own, one after another.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import multiprocessing
import resource
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor

from benchmarks.figures import Figure, Skipped, table
from trainyard.run.recipe import names


def main() -> int:
    """Print the table; the exit code is 1 when a bar is missed."""
    arguments = _arguments()
    figures: list[Figure] = []
    notes: list[str] = []
    for name in arguments.recipe or names():
        started = time.perf_counter()
        try:
            found, spent = _measured(name, quick=arguments.quick)
        except Skipped as reason:
            notes.append(f"{name}: skipped, {reason}")
            continue
        figures += found
        notes.append(f"{name}: {spent:,.0f} CPU seconds, {time.perf_counter() - started:,.0f} s")
        print(notes[-1], file=sys.stderr, flush=True)
    print(table(figures), "", *notes, sep="\n")
    return 0 if arguments.quick or all(each.met for each in figures) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", action="append", choices=names(), help="only this one; may be repeated")
    parser.add_argument("--quick", action="store_true", help="one seed, fewer epochs")
    return parser.parse_args()


def _measured(recipe: str, *, quick: bool) -> tuple[Sequence[Figure], float]:
    """Figures of a recipe, and the CPU seconds that they took; raises Skipped."""
    if importlib.util.find_spec(f"benchmarks.{recipe}") is None:
        raise Skipped(f"there is no benchmarks/{recipe}.py")
    # A fresh process: what one recipe left in memory or in TensorFlow's threads shall not count for the next.
    with ProcessPoolExecutor(max_workers=1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_figures, recipe, quick).result()


def _figures(recipe: str, quick: bool) -> tuple[Sequence[Figure], float]:
    found = importlib.import_module(f"benchmarks.{recipe}").figures(quick=quick)
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return found, sum(each.ru_utime + each.ru_stime for each in used)


if __name__ == "__main__":
    sys.exit(main())
