"""Entry point of the processing image: `process`, `analyse`, `report`, `verify` and `log_mlflow` jobs."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Mapping, Sequence

from trainyard.errors import TrainyardError
from trainyard.run import container


def _process(_arguments: Sequence[str]) -> None:
    from processing_container.process import main

    main()


def _analyse(arguments: Sequence[str]) -> None:
    from processing_container.analyse import main

    main(arguments)


def _report(_arguments: Sequence[str]) -> None:
    from processing_container.report import main

    main()


def _verify(arguments: Sequence[str]) -> None:
    from processing_container.verify import main

    main(arguments)


def _log_mlflow(_arguments: Sequence[str]) -> None:
    from processing_container.log_mlflow import main

    main()


COMMANDS: Mapping[str, Callable[[Sequence[str]], None]] = {
    "process": _process,
    "analyse": _analyse,
    "report": _report,
    "verify": _verify,
    "log_mlflow": _log_mlflow,
}


def main(arguments: Sequence[str]) -> int:
    """Run one command; returns the exit code and leaves the reason of a failure where SageMaker looks for it."""
    command = arguments[0] if arguments else ""
    try:
        if command not in COMMANDS:
            raise TrainyardError(f"Expected one of the commands {', '.join(COMMANDS)}; found {command!r}.")
        COMMANDS[command](arguments[1:])
    except Exception as error:
        traceback.print_exc()
        container.leave_failure_reason(error, training=False)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
