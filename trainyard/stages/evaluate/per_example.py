"""Scores of a model per held-out example, kept so that any two runs can be paired later; training image and laptop.

They are rows as in `Evaluation`, of the gate's primary metric. Of a large holdout evenly spread ones are kept, by their
places alone, so that two runs on the same holdout keep the same examples.
"""

from __future__ import annotations

import hashlib
import importlib.util
import io
import math
from pathlib import Path

import numpy as np

from trainyard.contract.evaluation import Evaluation, mean
from trainyard.errors import JobFailed
from trainyard.run import recipe
from trainyard.run.files import PER_EXAMPLE_FILE
from trainyard.stages.evaluate.bootstrap import Statistic

# Half a megabyte at most, and a second for the interval of two runs.
MAX_EXAMPLES = 50_000
PLACE = "example"
SCORE = "score_"
BLOCK_BYTES = 1 << 20
DIGEST_BYTES = 16
TOLERANCE = 1e-6


def statistic(name: str, metric: str) -> Statistic:
    """What makes a metric of the rows of examples: that in `STATISTICS` of the recipe's `metrics.py`, else the mean.

    Raises BadRequest for a recipe that there is not.
    """
    if importlib.util.find_spec(recipe.module_name(name, "metrics")) is None:
        return mean
    known: dict[str, Statistic] = getattr(recipe.module(name, "metrics"), "STATISTICS", {})
    return known.get(metric, mean)


def fingerprint(holdout: Path) -> str:
    """A digest of the files of a holdout: equal where two runs were judged on the same examples."""
    digest = hashlib.blake2b(digest_size=DIGEST_BYTES)
    for path in sorted(each for each in holdout.rglob("*") if each.is_file()):
        digest.update(f"{path.relative_to(holdout).as_posix()}\0{path.stat().st_size}\0".encode())
        with path.open("rb") as file:
            while block := file.read(BLOCK_BYTES):
                digest.update(block)
    return digest.hexdigest()


def write(folder: Path, found: Evaluation, *, of: Statistic, metric: str) -> bool:
    """Keep the rows of an evaluation in `folder`; False where `of` does not make its `metric` of them.

    Then the recipe has a statistic of its own, which nobody could find again.
    """
    if not math.isclose(of(found.examples), found.metrics[metric], rel_tol=TOLERANCE, abs_tol=TOLERANCE):
        return False
    # The gate's function reads the documents of this stage without it.
    import pyarrow as pa
    import pyarrow.parquet as pq

    places = _spread(len(found.examples))
    rows = found.examples[places].reshape(len(places), -1)
    columns = {PLACE: places, **{f"{SCORE}{number}": rows[:, number] for number in range(rows.shape[1])}}
    pq.write_table(pa.table(columns), folder / PER_EXAMPLE_FILE, compression="zstd")
    return True


def read(content: bytes) -> np.ndarray:
    """The rows that `write` kept, in the order of their places. Raises JobFailed for other content."""
    return read_places(content)[1]


def read_places(content: bytes) -> tuple[np.ndarray, np.ndarray]:
    """The places among all held-out examples of the rows that `write` kept, and those. Raises JobFailed."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(io.BytesIO(content))
        columns = [table[name].to_numpy() for name in table.column_names if name.startswith(SCORE)]
        if PLACE not in table.column_names or not columns:
            raise KeyError(PLACE)
    except (pa.ArrowInvalid, KeyError) as error:
        raise JobFailed(f"Expected scores of examples in {PER_EXAMPLE_FILE}, found other content: {error}.") from error
    return table[PLACE].to_numpy(), columns[0] if len(columns) == 1 else np.stack(columns, axis=1)


def _spread(count: int) -> np.ndarray:
    """Evenly spread places of so many examples, all of them up to `MAX_EXAMPLES`."""
    kept = min(count, MAX_EXAMPLES)
    return np.arange(kept, dtype=np.int64) * count // max(kept, 1)
