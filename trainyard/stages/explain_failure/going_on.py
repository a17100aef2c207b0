"""Says how to go on from a failure: by a redrive, or, where that would run old code, by starting again; pure.

A redrive keeps the definition that the execution began with. The address of a container's image is part of that: its
jobs run the old image whatever was deployed since. A Glue job's script and a Lambda function's code are looked up by
name when they run: a redrive runs those that are deployed by then.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Definition = Mapping[str, Any]
# Both ways keep settings and the versions of files.
NEW_RUN = "Other settings or files take a new run: upload again, or use `trainyard run` with --set."
IMAGES = {"Image", "ImageUri", "TrainingImage"}


def outdated(state: str, *, began: Definition, deployed: Definition) -> str:
    """What a redrive at `state` would run that a newer version has changed; empty where it can help.

    `began` is the definition that the execution runs, `deployed` that of the machine now.
    """
    before, now = _state(began, state), _state(deployed, state)
    if before is None or before == now:
        return ""
    if now is None:
        return f"the state {state!r} is no longer part of the workflow"
    changed = sorted(_images(before) ^ _images(now))
    what = "the container image" if changed else "the definition"
    return f"a redrive would run the state {state!r} with {what} from before"


def advice(name: str, *, state: str, began: Definition, deployed: Definition, redrive: str, rerun: str) -> list[str]:
    """The lines that tell how to go on with the execution `name`; `redrive` and `rerun` are the commands to show."""
    old = outdated(state, began=began, deployed=deployed)
    if old:
        return [
            f"A new version was deployed after {name} began, and {old}: your fix is not in this execution. "
            "Start it again:",
            f"  {rerun}",
        ]
    lines = ["Once the reason is fixed, go on from the failed state (within 14 days):", f"  {redrive}"]
    code = _code(_state(began, state) or {})
    again = f"{code} Where that is what you change, deploy it and start again:"
    return [*lines, again, f"  {rerun}", NEW_RUN]


def _code(state: Mapping[str, Any]) -> str:
    """What of the code a redrive of this state does not renew."""
    resource = str(state.get("Resource", ""))
    if _images(state):
        return "A redrive keeps the container image and the workflow that the execution began with."
    if ":glue:" in resource or ":lambda:" in resource:
        return (
            "A redrive runs this state's code as it is deployed by then, but keeps the workflow and, for later states, "
            "the container images that the execution began with."
        )
    return "A redrive keeps the workflow and the container images that the execution began with."


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


def _images(value: Any) -> set[str]:
    """The addresses of images anywhere in a state."""
    if isinstance(value, list):
        return {each for item in value for each in _images(item)}
    if not isinstance(value, Mapping):
        return set()
    own = {each for name, each in value.items() if name in IMAGES and isinstance(each, str)}
    return own | {each for item in value.values() for each in _images(item)}
