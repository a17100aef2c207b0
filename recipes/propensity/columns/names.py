"""What the names of columns say: an outcome, a key, a code; standard library only, runs in Glue and in every image."""

from __future__ import annotations

import re
from collections.abc import Sequence

from recipes.propensity.columns.vocabulary import (
    BESIDE,
    CODES,
    COUNTERS,
    DOUBTFUL,
    EARLIER,
    EVENTS,
    KEYS,
    LABELS,
    NUMBERS,
    PROPERTIES,
    SALES,
)
from trainyard.contract.sources import plain_name

WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z\u00df-\u00ff]+|[0-9]+")

RUN_TOGETHER = re.compile(
    r".*(account|client|cust|customer|employee|household|lead|member|order|passenger|patient|person|product|record|session|"
    r"subscriber|transaction|unique|user|visit|visitor)(id|nr|no|num|number)"
)
RANK_LABEL, RANK_EVENT, RANK_CONTAINED = 3, 2, 1


def words(name: str) -> tuple[str, ...]:
    """The words of a name in lower case.

    >>> words("is_Sale"), words("customerID"), words("Default payment.next")
    (('is', 'sale'), ('customer', 'id'), ('default', 'payment', 'next'))
    """
    return tuple(each.lower() for each in WORDS.findall(name))


def renamed(wanted: Sequence[str], present: Sequence[str]) -> dict[str, str]:
    """Which present column is each wanted one; a name in another case or punctuation does where no other is nearer.

    >>> renamed(["Month", "plan"], ["month", "region"])
    {'Month': 'month'}
    """
    alike: dict[str, list[str]] = {}
    for each in present:
        alike.setdefault(plain_name(each), []).append(each)
    found = {name: [name] if name in present else alike.get(plain_name(name), []) for name in wanted}
    return {name: same[0] for name, same in found.items() if len(same) == 1}


def outcome_rank(name: str) -> int:
    """How surely a column of this name has the outcome: 3 a label, 2 an event, 1 an event among other words, 0 else.

    >>> [outcome_rank(each) for each in ("Revenue", "y", "Attrition_Flag", "previous_churn", "plan")]
    [2, 3, 2, 0, 0]
    """
    found = words(name)
    rest = [each for each in found if each not in BESIDE]
    if plain_name(name) in LABELS or (rest and "".join(rest) in LABELS):
        return RANK_LABEL
    if EARLIER & set(found):
        return 0
    known = EVENTS | LABELS | DOUBTFUL
    if "".join(rest) in EVENTS - DOUBTFUL or plain_name(name) in EVENTS - DOUBTFUL:
        return RANK_EVENT
    return RANK_CONTAINED if known & {*rest, "".join(rest)} else 0


def says_sale(name: str) -> bool:
    """Whether an outcome of this name is a sale."""
    return bool(SALES & {plain_name(name), *words(name)})


def is_property(name: str) -> bool:
    """Whether a column of two values is by its name no outcome."""
    return bool(PROPERTIES & {plain_name(name), *words(name)})


def says_key(name: str) -> bool:
    """Whether a column of this name names the row, or a person or thing, rather than describes it.

    >>> says_key("customer_id"), says_key("CLIENTNUM"), says_key("amount_paid")
    (True, True, False)
    """
    found = words(name)
    return bool(found) and (
        found[-1] in KEYS or found[0] in ("id", "uuid") or bool(RUN_TOGETHER.fullmatch(plain_name(name)))
    )


def says_number(name: str) -> bool:
    """Whether a column of this name holds numbers of rows, or of persons or things, if no two of them are equal."""
    found = words(name)
    return bool(found) and found[-1] in NUMBERS


def says_counter(name: str) -> bool:
    """Whether a column of this name counts the rows of its file."""
    found = words(name)
    return plain_name(name) in COUNTERS or (bool(found) and found[0] in COUNTERS)


def says_code(name: str) -> bool:
    """Whether whole numbers under this name are names rather than quantities.

    >>> says_code("OperatingSystems"), says_code("traffic_type"), says_code("tenure_months")
    (True, True, False)
    """
    found = words(name)
    return plain_name(name) in CODES or (bool(found) and found[-1] in CODES)


def listed(names: Sequence[str], *, most: int) -> str:
    """Some names in a sentence, however many there are.

    >>> listed(["a", "b", "c"], most=2)
    'a, b and 1 more'
    """
    left = len(names) - most
    return ", ".join(names[:most]) + (f" and {left} more" if left > 0 else "")
