"""What the metrics mean to a reader of the report; in the processing image."""

from __future__ import annotations

from trainyard.contract.meaning import Meanings, higher

MEANINGS: Meanings = {
    "completion_gain": higher("nats by which half of a text predicts the other better than the shares of words do"),
    "wetc": higher("mean likeness of the words of a topic, by vectors of words"),
    "tu": higher("topic uniqueness: 1 when no word is in the list of two topics"),
    "npmi": higher(
        "how much more often than by chance the words of a topic are near each other, in the training texts"
    ),
    "npmi_holdout": higher("the same in held-out texts: topics that hold beyond the texts they were learned from"),
    "npmi_documents": higher("the same by whole texts instead of neighbourhoods"),
}
