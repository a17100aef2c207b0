"""What one large request does to others, and how its cost grows: `python -m benchmarks.serving --busy`, `--unknown`."""

from __future__ import annotations

import contextlib
import statistics
import threading
import time
from http.client import HTTPConnection
from pathlib import Path

LINES = 1_000_000
# SageMaker takes a container for ill that does not answer /ping within this time.
PING_S = 2.0
FEW, MANY, GROWTH = 2_500, 10_000, 8.0
ROUNDS = 5
# What the service allows while a million lines are worked on.
ROOMY = {
    "TRAINYARD_MAX_ROWS": str(LINES),
    "TRAINYARD_MAX_SECONDS": "600",
    "TRAINYARD_MAX_BODY_BYTES": str(2**30),
    "TRAINYARD_MAX_ANSWER_BYTES": str(2**30),
}


def busy(port: int, *, row: bytes, head: bytes) -> int:
    """Ask /ping again and again while a CSV body of a million lines is worked on; 1 if one answer takes too long."""
    alone = [_ping(port) for _ in range(300)]
    answered: list[int] = []
    body = head + b"\n" + (row + b"\n") * LINES
    worker = threading.Thread(target=lambda: answered.append(_post(port, body)))
    start = time.perf_counter()
    worker.start()
    during = []
    while worker.is_alive():
        during.append(_ping(port))
        time.sleep(0.01)
    took = time.perf_counter() - start
    longest = max(during)
    print(
        f"{LINES:,} lines of CSV: {answered[0]:,} answers in {took:.1f} s; {len(during):,} times /ping meanwhile, "
        f"median {1000 * statistics.median(during):.1f} ms (alone {1000 * statistics.median(alone):.1f} ms), longest "
        f"{1000 * longest:.0f} ms, which is {longest / took:.4f} of the time of the work (bar: {PING_S:.0f} s)",
        flush=True,
    )
    return int(longest > PING_S or answered[0] != LINES)


def unknown(model: Path) -> int:
    """CPU time of two_tower for ratings of movies that it does not know: 1 if it grows faster than their number."""
    from recipes.two_tower import serve

    predictor = serve.load(model)
    seconds = {count: _seconds(predictor, count) for count in (FEW, MANY)}
    growth = seconds[MANY] / seconds[FEW]
    print(
        f"two_tower, movies nobody knows: {1000 * seconds[FEW]:.1f} ms for {FEW:,}, {1000 * seconds[MANY]:.1f} ms for "
        f"{MANY:,}: {growth:.1f} times as much for {MANY / FEW:.0f} times as many (bar: {GROWTH:.0f})",
        flush=True,
    )
    return int(growth > GROWTH)


def _seconds(predictor: object, count: int) -> float:
    ratings = [{"movie_id": 10**9 + number, "rating": 3} for number in range(count)]
    took = []
    for _ in range(ROUNDS):
        start = time.process_time()
        predictor.predict([{"ratings": ratings}])  # type: ignore[attr-defined]
        took.append(time.process_time() - start)
    return statistics.median(took)


def _ping(port: int) -> float:
    start = time.perf_counter()
    with contextlib.closing(HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        connection.request("GET", "/ping")
        connection.getresponse().read()
    return time.perf_counter() - start


def _post(port: int, body: bytes) -> int:
    """How many answers come to a body of CSV."""
    with contextlib.closing(HTTPConnection("127.0.0.1", port, timeout=600)) as connection:
        connection.request(
            "POST", "/invocations", body, {"Content-Type": "text/csv", "Accept": "application/jsonlines"}
        )
        return connection.getresponse().read().count(b"\n")
