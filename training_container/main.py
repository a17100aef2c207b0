"""Entry point of the training image: `train`, `evaluate`, `score` and `check_drift` jobs, and `serve`."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Mapping, Sequence

from trainyard.errors import TrainyardError
from trainyard.run import container


def _train() -> None:
    from training_container.train import main

    main()


def _evaluate() -> None:
    from training_container.evaluate import main

    main()


def _score() -> None:
    from training_container.score import main

    main()


def _check_drift() -> None:
    from training_container.check_drift import main

    main()


def _serve() -> None:
    from training_container.serve import main

    main()


COMMANDS: Mapping[str, Callable[[], None]] = {
    "train": _train,
    "evaluate": _evaluate,
    "score": _score,
    "check_drift": _check_drift,
    "serve": _serve,
}


def main(arguments: Sequence[str]) -> int:
    """Run one command; returns the exit code and leaves the reason of a failure where SageMaker looks for it."""
    command = arguments[0] if arguments else ""
    try:
        if command not in COMMANDS:
            raise TrainyardError(f"Expected one of the commands {', '.join(COMMANDS)}; found {command!r}.")
        COMMANDS[command]()
    except Exception as error:
        traceback.print_exc()
        container.leave_failure_reason(error, training=command == "train")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
