"""The server's deliveries, and how one is made: to a rule's target, or by running a function; in the server."""

from __future__ import annotations

import math
import os

from ministack.core.responses import request_scope

from local_cloud import journal
from local_cloud.deliveries import functions, targets
from local_cloud.deliveries.delivery import Delivery
from local_cloud.deliveries.pending import Pending
from trainyard.errors import ConfigError

# AWS waits a minute before it tries again; nobody wants that on a laptop.
WAIT_VARIABLE = "TRAINYARD_RETRY_WAIT_SECONDS"
WAIT_SECONDS = 1.0


def wait_seconds() -> float:
    """How long the first wait is; raises ConfigError when the variable is no number of seconds."""
    text = os.environ.get(WAIT_VARIABLE, "").strip()
    try:
        seconds = float(text or WAIT_SECONDS)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise ConfigError(
            [f"Expected {WAIT_VARIABLE} to be a number of seconds such as 1, found {text!r}; correct it or unset it."]
        )
    return seconds


def attempt(delivery: Delivery) -> Delivery | None:
    """Make one delivery, on behalf of the account and in the region that it belongs to."""
    wait = wait_seconds()
    with request_scope(delivery.account, delivery.region):
        make = functions.invoke if delivery.to_function else targets.deliver
        return make(delivery, wait_seconds=wait)


pending = Pending(journal.current, attempt)
