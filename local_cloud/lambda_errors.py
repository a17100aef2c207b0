"""Lets a failed Lambda function report its exception's class, as AWS does; installed in the local cloud's server.

MiniStack reports `Runtime.HandlerError` whatever was raised, so that a state machine's Retry and Catch could never
name the error.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

# What the worker script writes when a handler raises, and the same with the class of the exception.
REPORT = '{"status": "error", "error": str(e), "trace": traceback.format_exc()}'
FULL_REPORT = REPORT.replace("}", ', "type": type(e).__name__}')

_failed: ContextVar[dict[str, Any] | None] = ContextVar("trainyard_lambda_failure", default=None)


def install() -> None:
    """Make the Python worker tell the class, and the answer carry it with the stack trace."""
    lambda_runtime._PYTHON_WORKER_SCRIPT = lambda_runtime._PYTHON_WORKER_SCRIPT.replace(REPORT, FULL_REPORT)
    invoke, execute = lambda_runtime.Worker.invoke, lambda_svc._execute_function_warm

    def remember(worker: Any, *arguments: Any, **options: Any) -> Any:
        result = invoke(worker, *arguments, **options)
        _failed.set(result if "type" in result else None)
        return result

    def explain(func: dict[str, Any], event: Any, request_id: str) -> Any:  # noqa: PLR0917 - MiniStack's signature
        _failed.set(None)
        return explained(execute(func, event, request_id), _failed.get())

    lambda_runtime.Worker.invoke = remember
    lambda_svc._execute_function_warm = explain


def explained(answer: dict[str, Any], failed: dict[str, Any] | None) -> dict[str, Any]:
    """The invocation's answer with errorType and stackTrace of the exception that ended it, if one did."""
    if failed is None or not answer.get("error"):
        return answer
    trace = failed.get("trace", "").splitlines()
    frames = [line for line in trace[1:] if line.startswith(" ")]
    return {**answer, "body": {**answer["body"], "errorType": failed["type"], "stackTrace": frames}}
