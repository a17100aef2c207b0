"""The hyperparameters that a tuning job may draw: how a request's ranges become Optuna's; runs in the server."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from local_cloud.sagemaker.api.errors import invalid

# An Auto range that spans this factor is searched on a logarithmic scale.
AUTO_LOGARITHMIC = 1000.0


@dataclass(frozen=True)
class Range:
    """One tuned hyperparameter: how Optuna draws it, and how its draw and its text become each other."""

    name: str
    distribution: BaseDistribution
    to_text: Callable[[Any], str]
    from_text: Callable[[str], Any]


def ranges(configured: Mapping[str, Any]) -> list[Range]:
    """ParameterRanges of a request; raises a ValidationException for an impossible one."""
    found = [_integer(each) for each in configured.get("IntegerParameterRanges", ())]
    found += [_continuous(each) for each in configured.get("ContinuousParameterRanges", ())]
    for each in configured.get("CategoricalParameterRanges", ()):
        found.append(Range(each["Name"], CategoricalDistribution(each["Values"]), str, str))
    names = [each.name for each in found]
    if not found or len(set(names)) != len(names):
        raise invalid(f"Expected at least one hyperparameter range and unique names, found {names}.")
    return found


def _scale(each: Mapping[str, str], *, low: float, high: float) -> str:
    if low > high:
        raise invalid(f"MinValue {low} of {each['Name']!r} is greater than its MaxValue {high}.")
    scale = each.get("ScalingType", "Auto")
    if scale == "Auto":
        return "Logarithmic" if low > 0 and high / low >= AUTO_LOGARITHMIC else "Linear"
    if scale == "Logarithmic" and low <= 0:
        raise invalid(f"Logarithmic scaling needs a MinValue greater than 0, {each['Name']!r} has {low}.")
    if scale == "ReverseLogarithmic" and not 0 <= low <= high < 1:
        raise invalid(f"ReverseLogarithmic scaling needs values in [0, 1), {each['Name']!r} has [{low}, {high}].")
    return scale


def _number(each: Mapping[str, str], member: str, *, kind: Callable[[str], Any]) -> Any:
    try:
        value = kind(each[member])
    except ValueError:
        raise invalid(f"{member} of {each['Name']!r} is not a number: {each[member]!r}.") from None
    if not math.isfinite(value):
        raise invalid(f"{member} of {each['Name']!r} must be finite.")
    return value


def _integer(each: Mapping[str, str]) -> Range:
    low, high = (_number(each, member, kind=int) for member in ("MinValue", "MaxValue"))
    scale = _scale(each, low=low, high=high)
    if scale == "ReverseLogarithmic":
        raise invalid(f"ReverseLogarithmic scaling is for continuous ranges, {each['Name']!r} is an integer.")
    return Range(each["Name"], IntDistribution(low, high, log=scale == "Logarithmic"), str, int)


def _continuous(each: Mapping[str, str]) -> Range:
    low, high = (_number(each, member, kind=float) for member in ("MinValue", "MaxValue"))
    scale = _scale(each, low=low, high=high)
    if scale == "ReverseLogarithmic":
        # What is drawn on a logarithmic scale is the distance from 1.
        mirrored = FloatDistribution(1 - high, 1 - low, log=True)
        return Range(each["Name"], mirrored, lambda value: repr(1 - value), lambda text: 1 - float(text))
    return Range(each["Name"], FloatDistribution(low, high, log=scale == "Logarithmic"), repr, float)


def grid(known: list[Range]) -> dict[str, list[Any]]:
    """Every value of every range; only categorical ranges have a grid, as in AWS."""
    result = {}
    for each in known:
        if not isinstance(each.distribution, CategoricalDistribution):
            raise invalid(f"Grid search needs categorical ranges only, {each.name!r} is not one.")
        result[each.name] = list(each.distribution.choices)
    return result


def grid_size(known: list[Range]) -> int:
    """Number of combinations of a grid."""
    return math.prod(len(values) for values in grid(known).values())
