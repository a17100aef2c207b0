"""Holds out the same rows in every run, by a hash of their stable keys; runs in Glue on DuckDB and on Spark.

The hash is written in arithmetic that cannot overflow 64 bits and means the same everywhere, so that an Ibis
expression on either engine and plain Python give every key the same role. It spreads keys evenly; it hides nothing.
"""

from __future__ import annotations

import functools
import hashlib
import math
from typing import Any

TRAIN = "train"
VALIDATION = "validation"
HOLDOUT = "holdout"
ROLES = (TRAIN, VALIDATION, HOLDOUT)

# The largest prime below 2^31. Numbers below 2^31 times the multipliers, added up, stay below 2^63.
PRIME = 2**31 - 1
MULTIPLIERS = (1_583_458_089, 784_588_716, 950_706_376)
# Each round doubles the size of the expression, for it uses the state twice; two are enough for even spread.
ROUNDS = 2
LOW_31_BITS = 2**31 - 1
HEX_DIGITS = "0123456789abcdef"
DIGITS_USED = 8


def fraction_of(key: Any, salt: str) -> Any:
    """An Ibis expression in [0, 1) that depends on a key (int64 or string column) and the salt alone."""
    # Spark takes 2147483647.0 for a decimal, and would divide whole numbers by it as decimals of 12 digits.
    if key.type().is_integer():
        return _mix(_parts(key.cast("int64")), salt).cast("float64") / float(PRIME)
    return _text_number(_digest(key, salt)) / float(16**DIGITS_USED)


def fraction(key: int | str, salt: str) -> float:
    """What `fraction_of` gives for this key, in plain Python."""
    if isinstance(key, int):
        return int(_mix(_parts(key), salt)) / float(PRIME)
    digest = hashlib.md5(f"{salt}\x1f{key}".encode(), usedforsecurity=False).hexdigest()
    return int(digest[:DIGITS_USED], 16) / float(16**DIGITS_USED)


def role_of(key: Any, *, holdout: float, validation: float, salt: str) -> Any:
    """An Ibis expression with the role of each key: `holdout`, `validation` or `train`.

    `holdout` and `validation` are shares of all keys. The holdout depends on its own share only, so that another
    validation share, or another model, is judged on the same rows.
    """
    import ibis

    return ibis.cases(
        (_below(key, holdout, salt=salt), HOLDOUT),
        (_below(key, holdout + validation, salt=salt), VALIDATION),
        else_=TRAIN,
    )


def role(key: int | str, *, holdout: float, validation: float, salt: str) -> str:
    """What `role_of` gives for this key, in plain Python."""
    where = fraction(key, salt)
    if where < holdout:
        return HOLDOUT
    return VALIDATION if where < holdout + validation else TRAIN


def _below(key: Any, share: float, *, salt: str) -> Any:
    """Whether `fraction_of` is below a share; of text keys without the arithmetic, which takes longer than the hash."""
    limit = math.ceil(share * 16**DIGITS_USED)
    if key.type().is_integer() or not 0 <= limit < 16**DIGITS_USED:
        return fraction_of(key, salt) < share
    # Hexadecimal digits of equal number compare as text as the numbers do.
    return _digest(key, salt).substr(0, DIGITS_USED) < f"{limit:0{DIGITS_USED}x}"


def _digest(key: Any, salt: str) -> Any:
    # Here, for images that ask for single keys have no Ibis.
    import ibis

    return ibis.literal(salt + "\x1f").concat(key).hexdigest("md5")


def _parts(key: Any) -> tuple[Any, Any, Any]:
    """The 64 bits of a key as three numbers that are never negative; shifts keep the sign, masks drop it."""
    return key & LOW_31_BITS, (key >> 31) & LOW_31_BITS, (key >> 62) & 3


def _mix(parts: tuple[Any, Any, Any], salt: str) -> Any:
    """Residues of the prime: a linear combination of the parts, then two rounds of exclusive-or shift and multiply.

    The multipliers are primitive roots of the prime (Fishman and Moore 1986). The shifts spoil the
    linearity, as in the finaliser of MurmurHash, so that evenly spaced keys do not get evenly spaced values.
    """
    state: Any = int(hashlib.sha256(salt.encode()).hexdigest()[:7], 16)
    for part, multiplier in zip(parts, MULTIPLIERS, strict=True):
        state = state + part * multiplier
    state = state % PRIME
    for multiplier in MULTIPLIERS[:ROUNDS]:
        state = (state ^ (state >> 15)) * multiplier % PRIME
    return state


def _text_number(digest: Any) -> Any:
    """The first hexadecimal digits as a number; engines disagree on how to parse them, not on where a digit stands."""
    import ibis

    # As float64, which is exact up to 2^53: Spark's positions have 32 bits, whatever Ibis says, and would overflow.
    digits = [ibis.literal(HEX_DIGITS).find(digest.substr(place, 1)).cast("float64") for place in range(DIGITS_USED)]
    return functools.reduce(lambda number, digit: number * 16 + digit, digits)
