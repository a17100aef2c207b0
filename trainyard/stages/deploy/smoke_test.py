"""The first requests to a newly deployed endpoint: those kept with the model, answered as they were after training.

Runs in a Lambda. An endpoint that cannot be tested has not passed: it must not stay in service.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from trainyard.errors import TrainyardError
from trainyard.run.stage import Stage
from trainyard.serving.examples import EXAMPLES_FILE, Examples, check, parse
from trainyard.serving.inference_id import SMOKE_TEST, attribute
from trainyard.serving.wire import JSON

SHOWN_PROBLEMS = 5
MAX_SENTENCE = 300


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Whether an endpoint answers as it should; `problems` are the first few reasons why not, one sentence each.

    `changed` is the share of what it answers otherwise than the version before, None where it was not compared, and
    `compared` a sentence about that, empty where nobody asked for it.
    """

    passed: bool
    problems: tuple[str, ...]
    requests: int
    slowest_ms: float = 0.0
    changed: float | None = None
    compared: str = ""

    def to_mapping(self) -> dict[str, Any]:
        return asdict(self) | {"problems": list(self.problems)}


class _NoAnswer(TrainyardError):
    """The endpoint was asked and gave no answer that can be compared."""


def smoke_test(endpoint: str, run_prefix: str, *, bucket: str, s3: Any, runtime: Any) -> Verdict:
    """Test an endpoint with the examples that evaluation kept under `run_prefix` (`<recipe>/<run id>`)."""
    key = f"{run_prefix}/{Stage.EVALUATE}/{EXAMPLES_FILE}"
    try:
        examples = parse(s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode())
    except (ClientError, TrainyardError) as error:
        return refused(f"Expected the model's examples in {key}: {error}")
    return judge(examples, lambda body: invoke(runtime, endpoint, body=body, content_type=examples.content_type))


def invoke(runtime: Any, endpoint: str, *, body: bytes, content_type: str = JSON) -> bytes:
    """The endpoint's answer to what it does not keep; raises TrainyardError, in the model's words, for none."""
    try:
        answer = runtime.invoke_endpoint(
            EndpointName=endpoint,
            Body=body,
            ContentType=content_type,
            Accept=JSON,
            # What an endpoint keeps of its requests is about its callers.
            CustomAttributes=attribute(SMOKE_TEST),
        )
        content: bytes = answer["Body"].read()
    except ClientError as error:
        said = error.response.get("OriginalMessage") or error.response["Error"].get("Message", "")
        raise _NoAnswer(f"The endpoint refused it: {error.response['Error'].get('Code', '')}: {said}") from error
    except BotoCoreError as error:
        raise _NoAnswer(f"The endpoint could not be reached: {error}") from error
    return content


def refused(reason: str) -> Verdict:
    """The verdict on an endpoint that could not be tested at all."""
    return Verdict(passed=False, problems=(reason[:MAX_SENTENCE],), requests=0)


def judge(examples: Examples, invoke: Callable[[bytes], bytes]) -> Verdict:
    """Send every request through `invoke` (body in, body out; raises TrainyardError) and compare the answers."""
    if not examples.requests:
        return refused("Expected at least one request in the model's examples, found none.")
    problems: list[str] = []
    slowest = 0.0
    pairs = zip(examples.requests, examples.answers, strict=True)
    for number, (request, expected) in enumerate(pairs, start=1):
        started = time.perf_counter()
        problems += [f"Request {number}: {each}" for each in _differences(request, expected, invoke=invoke)]
        slowest = max(slowest, time.perf_counter() - started)
    return Verdict(
        passed=not problems,
        problems=tuple(each[:MAX_SENTENCE] for each in problems[:SHOWN_PROBLEMS]),
        requests=len(examples.requests),
        slowest_ms=round(1000 * slowest, 1),
    )


def _differences(request: Any, expected: Any, *, invoke: Callable[[bytes], bytes]) -> list[str]:
    try:
        answer = json.loads(invoke(json.dumps(request).encode()))
    except TrainyardError as error:
        return [str(error)]
    except ValueError as error:
        return [f"Expected JSON, found something else: {error}."]
    return check(answer, expected)
