"""Stage gate: decides whether a scored model may be registered, and keeps the decision with the run; in a Lambda."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from trainyard.contract.config import ALL_BASELINES, Gate
from trainyard.contract.meaning import Meanings
from trainyard.errors import JobFailed, NotFound
from trainyard.run import recipe
from trainyard.run.documents import ChampionMetrics, Check, Comparison, Decision, Difference, JobTimes, Metric
from trainyard.run.files import MODEL_CARD_FILE
from trainyard.run.stage import Stage
from trainyard.run.store import RunStore
from trainyard.run.watch.drift import drift
from trainyard.run.watch.profile import DataProfile
from trainyard.stages import model_card


def gate(store: RunStore, *, champion: str | None, waits: bool = False, jobs: JobTimes | None = None) -> Decision:
    """The decision on a run's model, also written beside it; `champion` is the run of the model in use now.

    With `waits` a model that passes is not promoted before a person has approved it. What `jobs` came before is kept
    beside the decision, for the report's job cannot ask.
    Raises JobFailed when the evaluation compared with another champion, for then it says nothing about this one.
    """
    comparison = store.read_document(Stage.EVALUATE, Comparison)
    compared = comparison.champion.run_id if comparison.champion else None
    if compared != champion:
        raise JobFailed(f"Expected an evaluation against champion {champion}, found one against {compared}.")
    config = recipe.config(store.run.recipe, store.run.config)
    profile = _profile(store)
    reference = _profile(store.of_run(champion)) if champion else None
    # Either run may be from before data were profiled.
    found = drift(reference, profile, of=champion, limits=config.drift) if champion and reference and profile else None
    moves = found.in_message(show_cells=store.run.show_cells, rest="in the report.") if found else ()
    decision = decide(comparison, config.gate, waits=waits, moves=moves)
    for document in (each for each in (jobs, found, decision) if each is not None):
        store.write_document(Stage.GATE, document)
    known = model_card.Known(
        run=store.run,
        config=config,
        comparison=comparison,
        decision=decision,
        meanings=_meanings(store.run.recipe),
        profile=profile,
        drift=found,
        jobs=jobs,
    )
    store.write_text(Stage.GATE, MODEL_CARD_FILE, text=model_card.model_card(known))
    return decision


def _meanings(recipe_name: str) -> Meanings:
    """What the metrics mean; nothing where a recipe says it with a library that functions do not have."""
    try:
        return recipe.meanings(recipe_name)
    except ImportError:
        return {}


def _profile(store: RunStore) -> DataProfile | None:
    try:
        return store.read_document(Stage.INGEST, DataProfile)
    except NotFound:
        return None


def decide(comparison: Comparison, rules: Gate, *, waits: bool = False, moves: Sequence[str] = ()) -> Decision:
    """The decision on an evaluation (see docs/recipes.md), with its numbers and one sentence per check.

    A model must reach every absolute threshold, but for metrics that such data do not have; no simple baseline may be
    better by more than noise; and where there is a champion, the model must beat it: the whole paired interval
    of the difference in the primary metric has to lie above zero, so that noise promotes nobody. What moved in the data
    since that one was trained (`moves`) is told, and decides nothing.
    """
    champion = comparison.champion
    checks = _threshold_checks(comparison, rules)
    standing = _standing(comparison, rules)
    if standing:
        checks.append(_baseline_check(standing, rules))
    checks += _unknown_baselines(comparison, rules)
    if champion:
        checks.append(_champion_check(champion, rules))
    promote = all(check.passed for check in checks)
    waits = waits and promote
    verdict = ("passed by the gate" if waits else "promoted") if promote else "refused"
    summary = f"{verdict}: {rules.primary} {_number(comparison.metrics[rules.primary].value)}"
    if standing:
        summary += f", {standing.text}"
    if champion:
        summary += f"{',' if standing else ''} against the champion's {_number(champion.metrics[rules.primary].value)}"
    return Decision(
        promote=promote,
        summary=summary,
        message=_message(comparison, verdict, checks=checks, moves=moves),
        reasons=tuple(check.sentence for check in checks if not check.passed),
        checks=tuple(checks),
        metrics=comparison.metrics,
        references=comparison.references,
        differences=comparison.differences,
        standing=standing.text if standing else "",
        champion=champion,
        waits=waits,
    )


@dataclass(frozen=True, kw_only=True)
class _Standing:
    """Beside the best of the baselines that count: how much the model exceeds it."""

    baseline: str
    difference: Difference
    margin: float

    @property
    def worse(self) -> bool:
        """Whether the model is worse by more than noise and by more than counts."""
        # A NaN passes no comparison: what cannot be compared is not known to be good enough.
        return not self.difference.high >= -self.margin

    @property
    def text(self) -> str:
        if self.worse:
            return f"worse than {self.baseline}"
        return f"{'better' if self.difference.low > 0 else 'not better'} than {self.baseline}"


def _standing(comparison: Comparison, rules: Gate) -> _Standing | None:
    """Beside the baseline that the model exceeds least; None where none counts or can be compared."""
    counted = {
        name: each for name, each in comparison.differences.items() if ALL_BASELINES in rules.beat or name in rules.beat
    }
    if not counted:
        return None
    best = min(counted, key=lambda name: counted[name].value)
    return _Standing(baseline=best, difference=counted[best], margin=rules.margin)


def _baseline_check(standing: _Standing, rules: Gate) -> Check:
    allowed = f"noise and {_number(rules.margin)}" if rules.margin else "noise"
    sentence = (
        f"{rules.primary} not worse than the best baseline by more than {allowed}: the model is {standing.text}; "
        f"{_difference(standing.difference, rules)}."
    )
    return Check(name="baselines", passed=not standing.worse, sentence=sentence)


def _unknown_baselines(comparison: Comparison, rules: Gate) -> list[Check]:
    """A failed check for each name in `gate.beat` that is no baseline which can be compared."""
    known = ", ".join(comparison.differences) or "none"
    return [
        Check(name="baselines", passed=False, sentence=f"gate.beat: expected one of {known}, or all; found {name!r}.")
        for name in rules.beat
        if name != ALL_BASELINES and name not in comparison.differences
    ]


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
    sentence = (
        f"{rules.primary} better than the champion {champion.run_id} by more than noise: "
        f"{_difference(champion.difference, rules)}."
    )
    return Check(name="champion", passed=champion.difference.low > 0, sentence=sentence)


def _difference(difference: Difference, rules: Gate) -> str:
    if difference.low == difference.high == 0:
        return "no held-out example tells the two apart"
    return f"the difference is {difference.value:+.4g}, {rules.confidence:.0%} interval {difference.interval}"


def _message(comparison: Comparison, verdict: str, *, checks: Sequence[Check], moves: Sequence[str]) -> str:
    lines = [f"The new {comparison.recipe} model was {verdict}.", "", "Checks:"]
    lines += [f"* {'passed' if check.passed else 'FAILED'}: {check.sentence}" for check in checks]
    lines += ["", f"Scores on {comparison.rows} held-out examples:"]
    lines += [f"* {name}: {metric.text}" for name, metric in comparison.metrics.items()]
    for reference, metrics in comparison.references.items():
        lines.append(f"* for comparison, {reference}: " + ", ".join(f"{k} {_number(v)}" for k, v in metrics.items()))
        if difference := comparison.differences.get(reference):
            lines.append(f"  (the model is {difference.value:+.4g} apart, {difference.interval})")
    if moves:
        lines += ["", "Columns that moved since the model in use was trained, beyond chance:", *moves]
    return "\n".join(lines)


def _number(value: float) -> str:
    return f"{value:.4g}"
