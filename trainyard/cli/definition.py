"""`trainyard definition`: the complete state machine, for Workflow Studio; runs on a laptop."""

from __future__ import annotations

from trainyard.errors import NotFound


def definition() -> None:
    """Print the complete state machine in Amazon States Language, as Workflow Studio opens it.

    Names that the deployment fills in appear as `${...}`.

    Examples:

    * `trainyard definition`

    * `trainyard definition > training.asl.json`
    """
    try:
        from state_machines.definition import definition_text
    except ModuleNotFoundError as error:
        raise NotFound(
            "Expected the project's folder state_machines, found none: only the project itself has the state machine. "
            "Change to the project's folder, and install it with `make setup`."
        ) from error
    print(definition_text(), end="")
