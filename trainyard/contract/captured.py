"""What requests and answers that an endpoint kept say in the terms of a recipe's tables and scores; training image.

A recipe's `captured.py` has `load(model_dir, *, config) -> Captured`, a class of its own built on the one here.
Without it, fields are compared with the columns of the same names.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

# Values of rows by column; of a table each has as many as the others.
Columns = Mapping[str, Sequence[Any]]
Rows = Sequence[Mapping[str, Any]]


class Captured:
    """Requests and answers as rows: what a recipe does not say otherwise goes by the names of fields."""

    def tables(self, requests: Rows) -> Mapping[str, Columns] | None:
        """What requests bring, as columns of the recipe's tables by their names; None to go by the names of fields."""
        del requests
        return None

    def read_fields(self) -> Collection[str] | None:
        """The fields of a row that the model reads; None for all that a row may have.

        One that no request has is missing in all of them; what the model would not have read is not missed.
        """
        return None

    def answers(self, requests: Rows, answers: Rows) -> Columns | None:
        """What answers say, by the columns of scores, and of `SHARES` both; None to go by the names of fields.

        A row whose column `WATCHED` is false is like none that the model was evaluated on, and is passed over. Where
        that is so of one column alone, it has no value for such rows, and is shorter than the others; then there is no
        column `WATCHED` beside it.
        """
        del requests, answers
        return None
