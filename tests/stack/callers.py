"""Calls an endpoint of the stack all the while something else happens to it."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tests.stack.conftest import Stack

ONCE = Config(retries={"total_max_attempts": 1})


class Callers:
    """Connections that call the endpoint all the time and remember what went wrong."""

    def __init__(self, stack: Stack, endpoint: str, request: dict[str, Any], *, count: int = 4) -> None:
        self.failures: list[str] = []
        self.calls = 0
        self._endpoint = endpoint
        self._stop = threading.Event()
        self._body = json.dumps(request).encode()
        # A client that tried again would hide what failed.
        runtime = stack.session.client(
            "sagemaker-runtime", endpoint_url=stack.endpoint, verify=stack.ca_bundle, config=ONCE
        )
        self._threads = [threading.Thread(target=self._call, args=(runtime,)) for _ in range(count)]

    def _call(self, runtime: Any) -> None:
        while not self._stop.is_set():
            try:
                runtime.invoke_endpoint(EndpointName=self._endpoint, Body=self._body, ContentType="application/json")
            except (ClientError, BotoCoreError) as error:
                self.failures.append(str(error))
            self.calls += 1
            time.sleep(0.05)

    def __enter__(self) -> Callers:
        for each in self._threads:
            each.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for each in self._threads:
            each.join()
