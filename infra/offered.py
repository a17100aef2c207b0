"""What installed packages offer to the CDK app under an entry point, loaded by its name; runs during synthesis."""

from __future__ import annotations

import importlib.metadata

from trainyard.errors import ConfigError


def names(group: str) -> tuple[str, ...]:
    """The names under which something is offered in a group of entry points, sorted."""
    return tuple(sorted({each.name for each in importlib.metadata.entry_points(group=group)}))


def load(group: str, name: str) -> object:
    """What one package offers as `name`.

    Raises ConfigError where several do, and with the package's name where it cannot be loaded.
    """
    found = list(importlib.metadata.entry_points(group=group, name=name))
    sources = " and ".join(sorted(f"{each.dist.name} {each.dist.version}" for each in found if each.dist))
    if len(found) != 1:
        raise ConfigError(
            [f"Expected one {name} of the entry points {group}, found {sources or 'none'}; uninstall one."]
        )
    try:
        offered: object = found[0].load()
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
        raise ConfigError(
            [f"Expected to load {found[0].value} of {sources}, found {said}. Fix that package, or uninstall it."]
        ) from error
    return offered
