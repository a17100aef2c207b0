"""What the metrics mean to a reader of the report; in the processing image."""

from __future__ import annotations

from trainyard.contract.meaning import Meaning, Meanings, higher, lower

MEANINGS: Meanings = {
    "auc": higher("how often a sale gets the higher of two likelihoods, one of a sale and one of none"),
    "pr_auc": higher("mean precision over all thresholds: with few sales it tells more than AUC"),
    "log_loss": lower("mean of minus the logarithm of the likelihood that what happened was given"),
    "sample_log_loss": lower("the same on the visits as they were sampled, before their weights"),
    "brier_score": lower("mean squared difference of likelihood and outcome"),
    "calibration_error": lower("how far likelihoods are from the shares of visits that ended in a sale"),
    "mean_to_rate": Meaning(better="near one", help="the mean likelihood over the share of sales"),
    "precision": higher("share of the visits called sales that were"),
    "recall": higher("share of the sales that were called so"),
}
