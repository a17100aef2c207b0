"""How an execution can end: the names that the state machine ends with, that commands and messages read; pure."""

from __future__ import annotations

from enum import StrEnum


class Outcome(StrEnum):
    """The end of an execution: what its output says, or, in capitals, the error of a Fail state.

    A test holds these against the ends of the state machine.
    """

    NOTHING = "nothing"
    REGISTERED = "registered"
    REFUSED = "refused"
    SCORED = "scored"
    VERIFIED = "verified"
    DEPLOYED = "deployed"
    CHECKED = "checked"
    SUPERSEDED = "superseded"
    CHILDREN = "children"
    WAITING = "waiting"
    REVERTED = "reverted"
    BAD_REQUEST = "BadRequest"
    BAD_DATA = "BadData"
    NO_MODEL = "NoModel"
    CHILDREN_FAILED = "ChildrenFailed"
    ROLLED_BACK = "DeploymentRolledBack"


# Ends that count as failed. A state has told people about each already: it is no accident.
FAILURES = frozenset(
    {
        Outcome.BAD_REQUEST,
        Outcome.BAD_DATA,
        Outcome.NO_MODEL,
        Outcome.CHILDREN_FAILED,
        Outcome.ROLLED_BACK,
    }
)
