"""Says how to go on from a failure: by a redrive, or, where that would run old code, by starting again; pure.

A redrive keeps the definition that the execution began with. The addresses of container images, the versions of Lambda
functions and the packages of Glue jobs are part of that: it runs the old ones whatever was deployed since.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Definition = Mapping[str, Any]
FIXED = "Once the reason is fixed, go on from the failed state (within 14 days):"
# Both ways keep settings and the versions of files.
NEW_RUN = "Other settings or files take a new run: upload again, or use `trainyard run` with --set."
KEPT = (
    "A redrive keeps the workflow and the code that the execution began with. Where that is what you change, deploy it "
    "and start again:"
)
# Of an execution that SageMaker's event of a decision started.
DECIDED = (
    "It followed the approval or rejection of a version, and cannot be started again. "
    "`trainyard promote RECIPE VERSION` puts a version into use without a comparison."
)
# Which arguments of a state name code, and how people call it.
IMAGES = ("Image", "ImageUri", "TrainingImage")
CODE = {
    **dict.fromkeys(IMAGES, "the container image"),
    "FunctionName": "the function's code",
    "--extra-py-files": "the job's code",
    "--additional-python-modules": "the job's modules",
}


def outdated(state: str, *, began: Definition, deployed: Definition) -> str:
    """What a redrive at `state` would run that a newer version has changed; empty where it can help.

    `began` is the definition that the execution runs, `deployed` that of the machine now.
    """
    before, now = _state(began, state), _state(deployed, state)
    if before is None or before == now:
        return ""
    if now is None:
        return f"the state {state!r} is no longer part of the workflow"
    changed = {name for name, _ in _code(before) ^ _code(now)}
    what = next((CODE[name] for name in CODE if name in changed), "the definition")
    return f"a redrive would run the state {state!r} with {what} from before"


def advice(name: str, *, state: str, began: Definition, deployed: Definition, redrive: str, rerun: str) -> list[str]:
    """The lines that tell how to go on with the execution `name`; `redrive` and `rerun` are the commands to show.

    `rerun` is empty for an execution that cannot be started again.
    """
    if not rerun:
        return [FIXED, f"  {redrive}", DECIDED]
    old = outdated(state, began=began, deployed=deployed)
    if old:
        return [
            f"A new version was deployed after {name} began, and {old}: your fix is not in this execution. "
            "Start it again:",
            f"  {rerun}",
        ]
    return [FIXED, f"  {redrive}", KEPT, f"  {rerun}", NEW_RUN]


def _state(definition: Any, name: str) -> Mapping[str, Any] | None:
    """A state by its name, also inside a Map or a Parallel state."""
    if isinstance(definition, list):
        return next((inner for each in definition if (inner := _state(each, name)) is not None), None)
    if not isinstance(definition, Mapping):
        return None
    states = definition.get("States")
    if isinstance(states, Mapping) and isinstance(states.get(name), Mapping):
        found: Mapping[str, Any] = states[name]
        return found
    return _state([each for each in definition.values() if isinstance(each, Mapping | list)], name)


def _code(value: Any) -> set[tuple[str, str]]:
    """What names code anywhere in a state: argument and value."""
    if isinstance(value, list):
        return {each for item in value for each in _code(item)}
    if not isinstance(value, Mapping):
        return set()
    own = {(name, each) for name, each in value.items() if name in CODE and isinstance(each, str)}
    return own | {each for item in value.values() for each in _code(item)}
