"""What the metrics mean to a reader of the report; in the processing image."""

from __future__ import annotations

from trainyard.contract.meaning import Meanings, higher

MEANINGS: Meanings = {
    "hit_rate_at_10": higher("share of held-out baskets whose missing product is among the ten suggested"),
    "mrr": higher("mean of one over the place of the missing product among all products"),
    "coverage_at_10": higher("share of the products that are suggested to at least one held-out basket"),
}
