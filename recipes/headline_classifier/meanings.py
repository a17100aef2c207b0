"""What the metrics mean to a reader of the report; in the processing image."""

from __future__ import annotations

from trainyard.contract.meaning import Meanings, higher, lower

MEANINGS: Meanings = {
    "macro_f1": higher("mean over the classes of F1, of precision and recall in one: rare classes count as much"),
    "accuracy": higher("share of held-out texts whose class was named"),
    "log_loss": lower("mean of minus the logarithm of the probability that the true class was given"),
    "expected_calibration_error": lower("how far probabilities are from the shares of texts that were right"),
}
