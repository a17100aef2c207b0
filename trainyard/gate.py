"""Decides whether a scored model may be registered; runs in the gate Lambda, on plain numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trainyard.config import Gate


def decide(evaluation: Mapping[str, Any], gate: Gate) -> dict[str, Any]:
    """The decision on an evaluation (see docs/recipes.md), with its numbers and one sentence per check.

    A model must reach every absolute threshold and, where there is a champion, beat it: the whole paired bootstrap
    interval of the difference in the primary metric has to lie above zero, so that noise promotes nobody.
    """
    checks = _threshold_checks(evaluation["metrics"], gate)
    champion = evaluation.get("champion")
    if champion:
        checks.append(_champion_check(champion, gate))
    promote = all(check["passed"] for check in checks)
    primary = evaluation["metrics"][gate.primary]
    verdict = "promoted" if promote else "refused"
    summary = f"{verdict}: {gate.primary} {_number(primary['value'])}"
    if champion:
        summary += f" against the champion's {_number(champion['metrics'][gate.primary]['value'])}"
    failed = [check["sentence"] for check in checks if not check["passed"]]
    return {
        "promote": promote,
        "summary": summary,
        "reasons": failed,
        "checks": checks,
        "metrics": evaluation["metrics"],
        "references": evaluation.get("references", {}),
        "champion": champion,
        "message": _message(evaluation, verdict, checks),
    }


def _threshold_checks(metrics: Mapping[str, Any], gate: Gate) -> list[dict[str, Any]]:
    checks = []
    for name, limit, sign in [(n, v, ">=") for n, v in gate.minimum.items()] + [
        (n, v, "<=") for n, v in gate.maximum.items()
    ]:
        if name not in metrics:
            checks.append(
                {"name": name, "passed": False, "sentence": f"{name} {sign} {_number(limit)}: it was not measured."}
            )
            continue
        value = metrics[name]["value"]
        # A NaN fails both comparisons, as it should.
        passed = value >= limit if sign == ">=" else value <= limit
        checks.append(
            {"name": name, "passed": passed, "sentence": f"{name} {sign} {_number(limit)}: it is {_number(value)}."}
        )
    return checks


def _champion_check(champion: Mapping[str, Any], gate: Gate) -> dict[str, Any]:
    value, low, high = (champion["difference"][name] for name in ("value", "low", "high"))
    passed = low > 0
    sentence = (
        f"{gate.primary} better than the champion {champion['run_id']} by more than noise: the difference is "
        f"{value:+.4g}, {gate.confidence:.0%} interval {low:+.4g} to {high:+.4g}."
    )
    return {"name": "champion", "passed": passed, "sentence": sentence}


def _message(evaluation: Mapping[str, Any], verdict: str, checks: list[dict[str, Any]]) -> str:
    lines = [f"The new {evaluation['recipe']} model was {verdict}.", "", "Checks:"]
    lines += [f"* {'passed' if check['passed'] else 'FAILED'}: {check['sentence']}" for check in checks]
    lines += ["", f"Scores on {evaluation['rows']} held-out examples:"]
    lines += [
        f"* {name}: {_number(each['value'])}"
        + (f" ({_number(each['low'])} to {_number(each['high'])})" if "low" in each else "")
        for name, each in evaluation["metrics"].items()
    ]
    for reference, metrics in evaluation.get("references", {}).items():
        lines.append(f"* for comparison, {reference}: " + ", ".join(f"{k} {_number(v)}" for k, v in metrics.items()))
    return "\n".join(lines)


def _number(value: float) -> str:
    return f"{value:.4g}"
