"""The card of a run's model as readers see it: parts with lines of text, and a table of metrics; runs on a laptop."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trainyard.client.model.observed import VersionQuality
from trainyard.client.run.artifacts import RunArtifacts
from trainyard.errors import NotFound
from trainyard.pages.formats import moment, number
from trainyard.run.files import MODEL_CARD_FILE
from trainyard.run.stage import Stage
from trainyard.stages.verify.message import in_words


@dataclass(frozen=True, kw_only=True)
class Part:
    """A part of the card: what is said by name."""

    title: str
    facts: Sequence[tuple[str, str]]


@dataclass(frozen=True, kw_only=True)
class Score:
    """A metric of the model, or of what it was set beside."""

    of: str
    metric: str
    value: str
    notes: str


@dataclass(frozen=True, kw_only=True)
class CardView:
    """What a card says."""

    parts: Sequence[Part]
    scores: Sequence[Score]


def document(run: RunArtifacts) -> Mapping[str, Any]:
    """The card in SageMaker's schema, as the gate wrote it. Raises NotFound for a run without one."""
    found: Mapping[str, Any] | None = run.json(Stage.GATE, MODEL_CARD_FILE)
    if found is None:
        raise NotFound(
            f"Expected the card of a model in {run.uri}, found none: the gate writes it, to which this run has not "
            "come, or did with an earlier version. `trainyard rerun` makes a run with one."
        )
    return found


def view(card: Mapping[str, Any], observed: Sequence[VersionQuality]) -> CardView:
    """The parts of a card in the order of a reader's questions, and what labels that came later say of the version."""
    uses, training = card.get("intended_uses", {}), card.get("training_details", {})
    job, more = training.get("training_job_details", {}), card.get("additional_information", {})
    evaluations = card.get("evaluation_details", [])
    settings = [(each["name"], each["value"]) for each in job.get("user_provided_hyper_parameters", [])]
    parts = (
        Part(
            title="What it is for",
            facts=_facts(
                ("purpose", uses.get("purpose_of_model")),
                ("limits", uses.get("factors_affecting_model_efficiency")),
                ("risk", uses.get("risk_rating")),
                ("owner", card.get("model_overview", {}).get("model_creator")),
            ),
        ),
        Part(
            title="How good it is",
            facts=_facts(
                ("in short", training.get("training_observations")),
                ("checks of the gate", "\n".join(each.get("evaluation_observation", "") for each in evaluations)),
                ("to be known", more.get("caveats_and_recommendations")),
            ),
        ),
        Part(title="How it turned out", facts=[(f"data set {each.dataset}", _told(each)) for each in observed]),
        Part(title="Where it comes from", facts=list(more.get("custom_details", {}).items())),
        Part(title="Files", facts=[("file", each) for each in job.get("training_datasets", [])]),
        Part(title="Settings", facts=settings),
    )
    return CardView(parts=[each for each in parts if each.facts], scores=list(_scores(evaluations)))


def _told(observed: VersionQuality) -> str:
    found = observed.quality
    verdict = "worse than promised" if found.worse else found.whole.verdict
    return f"as of {moment(observed.told)}, {verdict}: {in_words(found)}"


def _facts(*facts: tuple[str, str | None]) -> list[tuple[str, str]]:
    return [(name, text) for name, text in facts if text]


def _scores(evaluations: Sequence[Mapping[str, Any]]) -> Iterator[Score]:
    for evaluation in evaluations:
        for group in evaluation.get("metric_groups", []):
            for each in group["metric_data"]:
                value = each["value"]
                told = value if isinstance(value, str) else number(value)
                yield Score(of=group["name"], metric=each["name"], value=told, notes=each.get("notes", ""))
