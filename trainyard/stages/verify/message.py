"""Says in words what labels say of predictions, for the message; pure."""

from __future__ import annotations

from collections.abc import Iterator

from trainyard.run.watch.observed import ModelQuality, ObservedQuality, Period

# Of more models, the one in use and the newest are told.
MOST_TOLD = 10


def message(found: ObservedQuality) -> str:
    """A few lines: whether the model in use keeps its promise, what the figures are, and which labels were left out."""
    return "\n".join(_lines(found))


def _lines(found: ObservedQuality) -> Iterator[str]:
    if found.later_run:
        yield (
            f"Run {found.later_run} began later and has told of data set {found.dataset} already: what it found stays "
            "the newest, and no alarm follows from this."
        )
    yield _headline(found)
    yield ""
    for each in _told(found):
        yield f"* {_model(each, in_use=each.run_id == found.in_use)}"
    for pair in found.same_rows:
        difference = pair.difference
        yield (
            f"* On the same {pair.rows:,} labels, the model of run {pair.first} is {difference.verdict} that of run "
            f"{pair.second}: {difference.text}."
        )
    if found.early:
        yield f"* {found.early:,} labels are older than every prediction of their id, so that they were left out."
    if found.unknown:
        yield f"* {found.unknown:,} labels have an id that nothing was predicted for before the newest label."
    if found.unread:
        yield f"* {found.unread:,} files of scores have other columns than the recipe has now: they were left out."


def _told(found: ObservedQuality) -> list[ModelQuality]:
    newest = {each.run_id for each in found.models[-MOST_TOLD:]} | {found.in_use}
    return [each for each in found.models if each.run_id in newest]


def _headline(found: ObservedQuality) -> str:
    what = f"{found.judged:,} of {found.labels:,} labels of data set {found.dataset} have a prediction from before them"
    if not found.judged:
        return (
            f"{what}: nothing can be said. Labels are joined by their id with bulk scores of the data set "
            f"{found.dataset} and with requests that the endpoint of {found.model} kept."
        )
    if found.used is None:
        return f"{what}, but none of the model that is in use now."
    if found.worse:
        return f"The model {found.model} in use is worse than its evaluation promised: {_worst(found)}. {what}."
    said = {"better than promised": "better than its evaluation promised", "as promised": "as good as promised"}
    if words := said.get(found.used.whole.verdict):
        return f"The model {found.model} in use is {words}. {what}."
    if found.used.whole.verdict == "not compared":
        return (
            f"{what}; they are measured and not compared, and no alarm can ring, for no interval of "
            f"{found.used.primary} is known from the evaluation of {found.model}."
        )
    return f"{what}; that is too few, or there is too little known of what was promised, to judge {found.model} by."


def _worst(found: ObservedQuality) -> str:
    if found.used is None:
        return ""
    whole = found.used.whole
    return " and ".join(
        "all in all" if each is whole else f"in the {found.unit} from {each.start}" for each in found.used.worse
    )


def _model(model: ModelQuality, *, in_use: bool) -> str:
    return f"run {model.run_id}{' (in use)' if in_use else ''}: {in_words(model)}."


def in_words(model: ModelQuality) -> str:
    """What labels say of a model's predictions, all in all and lately, beside what was promised."""
    promised = f"promised {model.promised.text}" if model.promised else "nothing was promised"
    newest = f"; newest {_period(model.newest)} from {model.newest.start}" if model.newest else ""
    return f"{model.primary or 'quality'} {_period(model.whole)}, {promised}{newest}"


def _period(period: Period) -> str:
    if period.quality is None:
        return f"unknown, for {period.rows:,} labels are too few"
    return f"{period.quality.text} by {period.rows:,} labels"
