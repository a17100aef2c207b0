"""Every expected failure of the product, raised anywhere and caught only at a shell."""

from __future__ import annotations

from collections.abc import Sequence


class TrainyardError(Exception):
    """An expected failure whose message says what was expected, what arrived and what to do."""

    exit_code = 1


class ConfigError(TrainyardError):
    """A setting that does not exist, has the wrong type or lies outside its range."""

    exit_code = 2

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__(" ".join(self.problems))


class BadRequest(TrainyardError):
    """An upload or manual start that names no recipe, no data set or no file the recipe reads."""

    exit_code = 2


class NothingToDo(TrainyardError):
    """An upload or start that is in order and begins nothing, such as one of several files; says what is waited for."""

    def __init__(self, reason: str, *, recipe: str = "", dataset: str = "") -> None:
        self.recipe, self.dataset = recipe, dataset
        super().__init__(reason)


class BadRow(BadRequest):
    """A row of a request that a model cannot answer; `unknown` when it names something the model does not know."""

    def __init__(self, row: int, problem: str, *, unknown: bool = False) -> None:
        self.row, self.problem, self.unknown = row, problem, unknown
        super().__init__(f"Row {row}: {problem}")

    def moved(self, rows: int) -> BadRow:
        """The same, counted from `rows` rows earlier."""
        return BadRow(self.row + rows, self.problem, unknown=self.unknown)


class Refused(TrainyardError):
    """A call of the service that it does not answer, with the status code that says so over HTTP."""

    def __init__(self, status: int, sentence: str) -> None:
        self.status = status
        super().__init__(sentence)


class BadData(TrainyardError):
    """Input files that the recipe cannot be trained on, with one sentence per problem."""

    exit_code = 3

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__(" ".join(self.problems))


class NotFound(TrainyardError):
    """A stack, execution, artifact or model that was asked for and does not exist."""

    exit_code = 4


class JobFailed(TrainyardError):
    """A job that could not do its work for a reason a reader can act on."""
