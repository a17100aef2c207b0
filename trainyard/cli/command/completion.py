"""What a shell offers when a person asks it to complete a recipe, a setting or an execution; runs on a laptop."""

from __future__ import annotations

from itertools import islice

import typer

from trainyard.client import failures
from trainyard.errors import TrainyardError
from trainyard.run import recipe

# What cannot be loaded or asked is passed over: a shell has no place for a sentence while it completes a word.
OFFERED_EXECUTIONS = 50
Offers = list[tuple[str, str]]


def recipes(incomplete: str) -> Offers:
    """The recipes, each with its title; one that cannot be loaded without."""
    return [(name, _title(name)) for name in recipe.names() if name.startswith(incomplete)]


def _title(name: str) -> str:
    try:
        return recipe.config(name).title
    except TrainyardError:
        return ""


def settings(context: typer.Context, incomplete: str) -> Offers:
    """The settings of the recipe that the command names, as `path=`, each with its default."""
    # Here, for a shell waits for every module that is loaded.
    from trainyard.run.document import encoded
    from trainyard.run.settings.paths import by_path

    # While `--set` has no value yet, the words of a command are not told apart.
    words = (context.params.get("recipe_name"), *context.args)
    name = next((each for each in words if each in recipe.names()), None)
    if name is None:
        return []
    try:
        paths = by_path(encoded(recipe.config(name)))
    except TrainyardError:
        return []
    return [(f"{path}=", f"{value} by default") for path, value in paths if path.startswith(incomplete)]


def executions(context: typer.Context, incomplete: str) -> Offers:
    """The newest executions of the deployment that the options name; none where it cannot be asked."""
    from trainyard.cli.command import target
    from trainyard.client.execution.executions import summaries

    try:
        deployment = target.deployed(env=context.params.get("env") or "dev", aws=bool(context.params.get("aws")))
        newest = list(islice(summaries(deployment), OFFERED_EXECUTIONS))
    except Exception as error:
        if not failures.expected(error):
            raise
        return []
    return [(each["name"], each["status"].lower()) for each in newest if each["name"].startswith(incomplete)]
