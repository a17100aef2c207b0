"""Judges recommendations by what users chose later; processing image."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from recipes.two_tower.config import Config
from recipes.two_tower.inference import TOP_K
from recipes.two_tower.metrics import ndcg_and_recall
from recipes.two_tower.ratings import Ratings
from trainyard.contract.evaluation import Judged
from trainyard.contract.truth import LABEL


def judge(joined: pa.Table, *, config: Config) -> Judged:
    """NDCG and recall of the ten recommended films among those that each user chose, as in the evaluation."""
    del config
    recommended, chosen = joined["recommended"].combine_chunks(), joined[LABEL].combine_chunks()
    movies = pa.concat_arrays(
        [pc.struct_field(recommended.flatten(), "movie_id").cast(pa.string()), chosen.flatten().cast(pa.string())]
    )
    numbers = movies.dictionary_encode().indices.to_numpy()
    lists = np.split(numbers, _ends(recommended))
    relevant = Ratings(
        users=np.arange(len(joined)),
        offsets=np.concatenate(([0], _ends(chosen))),
        movies=numbers[len(recommended.flatten()) :],
        values=np.ones(len(chosen.flatten())),
        times=np.zeros(len(chosen.flatten())),
    )
    ranked = ndcg_and_recall(lists[: len(joined)], relevant, count=TOP_K)
    ndcg, recall = (float(each) for each in ranked.mean(axis=0))
    metrics = {f"ndcg_at_{TOP_K}": ndcg, f"recall_at_{TOP_K}": recall}
    return Judged(metrics=metrics, examples=ranked[:, 0], primary=f"ndcg_at_{TOP_K}")


def _ends(lists: pa.ListArray) -> np.ndarray:
    """Where each list ends among the values of all."""
    return np.cumsum(pc.list_value_length(lists).fill_null(0).to_numpy())
