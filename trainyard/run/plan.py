"""The small JSON that Resolve hands to the state machine, in the terms that SageMaker's requests need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from trainyard.run.document import decoded, encoded


class NextStep(StrEnum):
    """What Resolve decided: which way the state machine takes."""

    TRAIN = "train"
    SCORE = "score"
    VERIFY = "verify"
    DEPLOY = "deploy"
    CHECK_DRIFT = "check_drift"
    NONE_KEPT = "none_kept"
    FAN_OUT = "fan_out"
    NOTHING = "nothing"
    SETTLE = "settle"
    PROMOTE = "promote"
    ROLL_BACK = "roll_back"
    REFUSED = "refused"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What an execution will do, and why; what is None has no part in it and is left out of the JSON.

    `model` names the champion pointer, and `short_name` is that as a part of the endpoint's name; the versions of
    models are registered in the group of `group_name`, which is `own_group` where the deployment made none. `objects`
    are versions of files by name, of a large set the first; `tuning` holds the parts of CreateHyperParameterTuningJob
    that depend on the recipe; `tags` are those of every job. At most `most_children` can be trained in time, and
    `children_rule` says why. A set that is still being uploaded is looked at again in `wait_seconds`, and compared with
    what was `seen`; `waited_seconds` it was waited for already. With `approval` a model that passes the gate waits for
    a person before it comes into use. `version` is a registered one to put into use (`package`, `data`, `model_name`,
    `run_id`, `image`): that of this run, which was approved and was `compared` with the champion of another, or an
    earlier one in place of this run's; a version that a release puts into the shadow is the `challenger` of `deploy`. A
    `fresh` run takes over no stage of another.
    """

    outcome: NextStep
    reason: str
    recipe: str = ""
    dataset: str = ""
    model: str | None = None
    short_name: str | None = None
    group_name: str | None = None
    own_group: bool | None = None
    run_id: str | None = None
    fingerprint: str | None = None
    uri: str | None = None
    prefix: str | None = None
    tune: bool | None = None
    deploy: Mapping[str, Any] | None = None
    score: bool | None = None
    register: bool | None = None
    jobs: Mapping[str, Any] | None = None
    hyperparameters: Mapping[str, str] | None = None
    tuning: Mapping[str, Any] | None = None
    tags: tuple[Mapping[str, str], ...] | None = None
    objects: Mapping[str, str] | None = None
    most_children: int | None = None
    children_rule: str | None = None
    wait_seconds: int | None = None
    waited_seconds: int = 0
    seen: str | None = None
    approval: bool | None = None
    fresh: bool | None = None
    version: Mapping[str, str] | None = None
    compared: str | None = None

    def to_mapping(self) -> dict[str, Any]:
        plan: dict[str, Any] = encoded(self)
        return plan

    @classmethod
    def from_mapping(cls, document: Mapping[str, Any]) -> Plan:
        """The plan in the output of an execution's first state. Raises JobFailed for another document."""
        return decoded(cls, document)
