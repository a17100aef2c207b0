"""Stage gate: decides whether a scored model may be registered, and keeps the decision with the run; in a Lambda."""

from __future__ import annotations

from collections.abc import Sequence

from trainyard.contract.config import Gate
from trainyard.errors import JobFailed
from trainyard.run import recipe
from trainyard.run.documents import ChampionMetrics, Check, Comparison, Decision, Metric
from trainyard.run.stage import Stage
from trainyard.run.store import RunStore


def gate(store: RunStore, *, champion: str | None) -> Decision:
    """The decision on a run's model, also written beside it; `champion` is the run of the model in use now.

    Raises JobFailed when the evaluation compared with another champion, for then it says nothing about this one.
    """
    comparison = store.read_document(Stage.EVALUATE, Comparison)
    compared = comparison.champion.run_id if comparison.champion else None
    if compared != champion:
        raise JobFailed(f"Expected an evaluation against champion {champion}, found one against {compared}.")
    decision = decide(comparison, recipe.config(store.run.recipe, store.run.config).gate)
    store.write_document(Stage.GATE, decision)
    return decision


def decide(comparison: Comparison, rules: Gate) -> Decision:
    """The decision on an evaluation (see docs/recipes.md), with its numbers and one sentence per check.

    A model must reach every absolute threshold, but for metrics that such data do not have, and, where there is a
    champion, beat it: the whole paired bootstrap interval of the difference in the primary metric has to lie above
    zero, so that noise promotes nobody.
    """
    champion = comparison.champion
    checks = _threshold_checks(comparison, rules)
    if champion:
        checks.append(_champion_check(champion, rules))
    promote = all(check.passed for check in checks)
    verdict = "promoted" if promote else "refused"
    summary = f"{verdict}: {rules.primary} {_number(comparison.metrics[rules.primary].value)}"
    if champion:
        summary += f" against the champion's {_number(champion.metrics[rules.primary].value)}"
    return Decision(
        promote=promote,
        summary=summary,
        message=_message(comparison, verdict, checks=checks),
        reasons=tuple(check.sentence for check in checks if not check.passed),
        checks=tuple(checks),
        metrics=comparison.metrics,
        references=comparison.references,
        champion=champion,
    )


def _threshold_checks(comparison: Comparison, rules: Gate) -> list[Check]:
    limits = [(name, ">=", limit) for name, limit in rules.minimum.items()]
    limits += [(name, "<=", limit) for name, limit in rules.maximum.items()]
    return [
        _threshold_check(comparison.metrics.get(name), name, sign=sign, limit=limit)
        for name, sign, limit in limits
        if name not in comparison.not_applicable
    ]


def _threshold_check(metric: Metric | None, name: str, *, sign: str, limit: float) -> Check:
    rule = f"{name} {sign} {_number(limit)}"
    if metric is None:
        return Check(name=name, passed=False, sentence=f"{rule}: it was not measured.")
    # A NaN fails both comparisons, as it should.
    passed = metric.value >= limit if sign == ">=" else metric.value <= limit
    return Check(name=name, passed=passed, sentence=f"{rule}: it is {_number(metric.value)}.")


def _champion_check(champion: ChampionMetrics, rules: Gate) -> Check:
    difference = champion.difference
    sentence = (
        f"{rules.primary} better than the champion {champion.run_id} by more than noise: the difference is "
        f"{difference.value:+.4g}, {rules.confidence:.0%} interval {difference.low:+.4g} to {difference.high:+.4g}."
    )
    return Check(name="champion", passed=difference.low > 0, sentence=sentence)


def _message(comparison: Comparison, verdict: str, *, checks: Sequence[Check]) -> str:
    lines = [f"The new {comparison.recipe} model was {verdict}.", "", "Checks:"]
    lines += [f"* {'passed' if check.passed else 'FAILED'}: {check.sentence}" for check in checks]
    lines += ["", f"Scores on {comparison.rows} held-out examples:"]
    lines += [f"* {name}: {_with_interval(metric)}" for name, metric in comparison.metrics.items()]
    for reference, metrics in comparison.references.items():
        lines.append(f"* for comparison, {reference}: " + ", ".join(f"{k} {_number(v)}" for k, v in metrics.items()))
    return "\n".join(lines)


def _with_interval(metric: Metric) -> str:
    if metric.low is None or metric.high is None:
        return _number(metric.value)
    return f"{_number(metric.value)} ({_number(metric.low)} to {_number(metric.high)})"


def _number(value: float) -> str:
    return f"{value:.4g}"
