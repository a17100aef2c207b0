"""What the metrics mean to a reader of the report; in the processing image."""

from __future__ import annotations

from trainyard.contract.meaning import Meanings, higher, lower

MEANINGS: Meanings = {
    "ndcg_at_10": higher("how well ten recommended items match what a user liked later; the first places count most"),
    "recall_at_10": higher("share of what a user liked later that is among the ten recommended items"),
    "coverage_at_10": higher("share of the items that are recommended to at least one user"),
    "rmse": lower("root of the mean squared error of expected ratings, on the scale of the data"),
    "mae": lower("mean error of expected ratings, whatever its sign, on the scale of the data"),
    "negative_mse": higher("minus the mean squared error of expected ratings"),
    "relative_rmse": lower("the root of the mean squared error as a share of the scale of the ratings"),
}
