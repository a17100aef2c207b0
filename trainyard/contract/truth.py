"""What people learn later of what was predicted: the files that tell it, and the columns of scores set beside them.

Read by Lambdas with each recipe's configuration, so it imports the standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from trainyard.contract.sources import Column, ColumnType, Source

TABLE = "truth"
# Of two kinds, such as sales and no sales, so many of either are needed to tell how well they are told apart.
LEAST_OF_A_KIND = 30
ID, LABEL, TIME = "id", "label", "time"
FILES = (TABLE, "truths", "ground_truth", "labels", "outcomes", "actuals", "feedback")
IDS = ("key", "inference_id", "customer_id", "user_id", "visit_id", "row_id", "record_id")
LABELS = ("truth", "actual", "outcome", "target", "y", "result", "happened", "value")
TIMES = ("timestamp", "date", "datetime", "moment", "at", "happened_at", "observed_at", "created_at", "labelled_at")


@dataclass(frozen=True, kw_only=True)
class Truth:
    """Which predictions of a recipe can be judged later, and what by; `TRUTH` in its `config.py`.

    `key` is the column of scores that has the id, empty where only requests are judged; `predicted` are the columns
    that a label is set beside, which the recipe's `truth.py` is given. A label is of type `label`; with `several`, an
    id may have more than one, such as the films that a user chose. `ids` and `labels` are names that these columns may
    have in a file, beside the usual ones. Of requests that an endpoint kept, `answers` says where in an answer a
    predicted column is, as a path of JSON, and `asked` which field of a request has the id; where it is empty or
    missing, what the request is called is the id.
    """

    key: str
    predicted: tuple[str, ...]
    label: ColumnType
    several: bool = False
    ids: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    asked: str = ""
    answers: Mapping[str, str] = field(default_factory=dict)

    @property
    def source(self) -> Source:
        """The table of ids, labels and times; of a label that is corrected, the one of the newest time counts.

        A label without a time is as old as the upload of its file.
        """
        return Source(
            name=TABLE,
            files=FILES,
            columns=(
                Column(name=ID, type="id", synonyms=(*self.ids, *IDS)),
                Column(name=LABEL, type=self.label, synonyms=(*self.labels, *LABELS)),
                Column(name=TIME, type="timestamp", nullable=True, required=False, of_upload=True, synonyms=TIMES),
            ),
            unique=(ID, LABEL) if self.several else (ID,),
            repeats="latest",
            latest_by=TIME,
        )
