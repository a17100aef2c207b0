"""Measures the service against a trivial route of the same framework and server: `python -m benchmarks.serving`.

Trains a model per recipe on generated data once (`--folder` keeps them), and on real data where they are at hand,
serves each by the real process of the training image on loopback, and asks each of its routes and the trivial one in
turns, so that whatever else the machine does hits both. `--soak 100000` sends that many requests, one in a hundred
malformed; `--capture` keeps every request on one of two services and asks both in turns; `--knn` searches a million
vectors; `--cold-start` times the way to the first answer; `--busy` asks /ping while a million lines are worked on,
`--unknown` asks two_tower about ever more movies that nobody knows. Client and server need a core each; the client's
share is printed.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

import numpy as np

from benchmarks import served_models, served_requests, serving_work
from benchmarks.load import Measured, drive, request
from recipes.prod2vec.basket_scorer import BasketScorer
from recipes.prod2vec.features import Vocabulary
from recipes.prod2vec.inference import ProductVectors
from recipes.prod2vec.precomputed_neighbours import NEIGHBOURS_PER_PRODUCT, PrecomputedNeighbours
from trainyard.run.model_archive import ModelCard
from trainyard.run.watch.capture import VARIABLE
from trainyard.stages.train import keep_examples

ROOT = Path(__file__).resolve().parents[1]
ROUNDS, REQUESTS = 7, 1000
CONNECTIONS = 8
SHARE_OF_RATE = 0.5
COLD_START_S = 5.0
CAPTURE_ADDED_MS = 0.1
KNN_ITEMS, KNN_SIZE, KNN_SHARE = 1_000_000, 32, 0.9
SOAK_CONNECTIONS, SOAK_WARM = 16, 10_000
# Memory that comes and goes by itself between two looks.
SOAK_NOISE = 0.03
PRODUCTS, PRODUCT_SIZE = 50_000, 100
WEIGHTS_PER_PRODUCT = 50

TRIVIAL = """
import sys, uvicorn
from fastapi import FastAPI
from pydantic import BaseModel
class Asked(BaseModel):
    item: int
    count: int = 10
app = FastAPI()
@app.get("/ping")
async def ping() -> dict[str, str]: return {}
@app.post("/trivial")
async def trivial(asked: Asked) -> dict[str, int]: return {"item": asked.item}
uvicorn.run(app, port=int(sys.argv[1]), http="httptools", access_log=False, log_level="warning")
"""
# Takes what is put, as S3 does, and keeps nothing.
BUCKET = """
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Bucket(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def log_message(self, *_): pass
    def do_PUT(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.do_GET()
    def do_GET(self):
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()
ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Bucket).serve_forever()
"""


@dataclass
class Server:
    """A server process on loopback."""

    port: int
    process: subprocess.Popen[str]

    @property
    def cpu_s(self) -> float:
        """User and system time so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def resident_mib(self) -> float:
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def main() -> int:
    """Print what was asked for; the exit code is 1 when a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipe", action="append", choices=list(served_models.SIZES), help="only this one")
    parser.add_argument("--folder", type=Path, help="where models are kept")
    parser.add_argument("--soak", type=int, default=0, metavar="REQUESTS")
    parser.add_argument("--capture", action="store_true")
    parser.add_argument("--knn", action="store_true")
    parser.add_argument("--cold-start", action="store_true")
    parser.add_argument("--busy", action="store_true")
    parser.add_argument("--unknown", action="store_true")
    arguments = parser.parse_args()
    names = arguments.recipe or list(served_models.SIZES)
    with contextlib.ExitStack() as stack:
        folder = arguments.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        if arguments.knn:
            return _knn()
        if arguments.busy:
            return _busy(_full_vocabulary(folder / "prod2vec_full"))
        if arguments.unknown:
            return serving_work.unknown(_model("two_tower", folder))
        models = {name: _model(name, folder) for name in names}
        for label in (each for each in served_models.REAL if each.partition(",")[0] in names):
            with contextlib.redirect_stdout(sys.stderr):
                if model := served_models.train_on_real(label, folder / label):
                    models[label] = model
        if "prod2vec" in names:
            models[f"prod2vec, {PRODUCTS:,}"] = _full_vocabulary(folder / "prod2vec_full")
        if arguments.cold_start:
            return max(_cold_start(name, model) for name, model in models.items())
        if arguments.soak:
            return max(_soak(name, model, count=arguments.soak) for name, model in models.items())
        return _captured(models) if arguments.capture else _beside_trivial(models)


def _model(name: str, folder: Path) -> Path:
    size, hyperparameters = served_models.SIZES[name]
    with contextlib.redirect_stdout(sys.stderr):
        return served_models.train(name, folder / name, size=size, hyperparameters=hyperparameters)


@contextlib.contextmanager
def _server(command: Sequence[str], port: int, **environment: str) -> Iterator[Server]:
    variables = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    process = subprocess.Popen(
        [sys.executable, *command], env=variables, cwd=ROOT, text=True, stdout=subprocess.DEVNULL
    )
    try:
        _await_ping(port, process)
        yield Server(port, process)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def _busy(model: Path) -> int:
    port = _free_port()
    with _service(model, port, **serving_work.ROOMY):
        return serving_work.busy(port, head=b"product_id,count", row=b"3,1")


def _service(model: Path, port: int, **environment: str) -> contextlib.AbstractContextManager[Server]:
    """The training image's entry point on a model folder."""
    command = ["-m", "training_container.main", "serve"]
    own = {"TRAINYARD_ML_ROOT": str(model.parent), "SAGEMAKER_BIND_TO_PORT": str(port)}
    return _server(command, port, **own, **environment)


def _await_ping(port: int, process: subprocess.Popen[str]) -> None:
    while True:
        try:
            with contextlib.closing(HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
                connection.request("GET", "/ping")
                if connection.getresponse().status == 200:
                    return
        except OSError:
            if process.poll() is not None:
                raise RuntimeError("The server ended before it answered.") from None
            time.sleep(0.01)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _beside_trivial(models: dict[str, Path]) -> int:
    print(
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; medians of {ROUNDS} rounds in turns; ms and requests/s"
    )
    head = "p50  (trivial) added |  p99 (trivial) |  rate (trivial) share | cpu us (trivial) share | client"
    print(f"{'request':58}{head}")
    missed = 0
    port = _free_port()
    with _server(["-c", TRIVIAL, str(port)], port) as trivial:
        for label, model in models.items():
            other = _free_port()
            with _service(model, other) as service:
                for asked in served_requests.asked(label.partition(",")[0], model):
                    missed |= _line(label, service, trivial=trivial, asked=asked)
    return missed


def _captured(models: dict[str, Path]) -> int:
    """Each recipe's service that keeps every request beside one that keeps none; 1 if it misses the bar."""
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; medians of {ROUNDS} rounds in turns")
    print(f"{'request':58}p50 ms (off) added | p99 ms (off) | requests/s (off) | cpu us (off)")
    missed, sink = 0, _free_port()
    with _server(["-c", BUCKET, str(sink)], sink):
        keys = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_REGION": "us-east-1"}
        plan = json.dumps({"uri": "s3://bucket/captured", "share": 1.0, "never_kept": ["email"], "seconds": 5})
        keeping = {**keys, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{sink}", VARIABLE: plan}
        for label, model in models.items():
            on, off = _free_port(), _free_port()
            with _service(model, on, **keeping) as kept, _service(model, off) as plain:
                for asked in served_requests.asked(label.partition(",")[0], model):
                    missed |= _both(f"{label}: {asked.label}", kept, plain=plain, content=asked.content)
    return missed


def _both(label: str, kept: Server, *, plain: Server, content: bytes) -> int:
    rounds = [[_round(kept, content), _round(plain, content)] for _ in range(ROUNDS)]
    p50, p99 = (
        [statistics.median(pair[side][0].percentile(p) for pair in rounds) for side in (0, 1)] for p in (50, 99)
    )
    rate = [statistics.median(pair[side][1] for pair in rounds) for side in (0, 1)]
    cpu = [statistics.median(pair[side][2] for pair in rounds) for side in (0, 1)]
    added = statistics.median(pair[0][0].percentile(50) - pair[1][0].percentile(50) for pair in rounds)
    print(
        f"{label:58}{p50[0]:.3f} ({p50[1]:.3f}) {added:+.3f} | {p99[0]:6.2f} ({p99[1]:.2f}) | "
        f"{rate[0]:6.0f} ({rate[1]:.0f}) | {cpu[0]:5.0f} ({cpu[1]:.0f})",
        flush=True,
    )
    return int(added > CAPTURE_ADDED_MS)


def _line(name: str, service: Server, *, trivial: Server, asked: served_requests.Asked) -> int:
    """One row of the table; 1 if it misses a bar."""
    plain = request("/trivial", b'{"item": 3, "count": 10}')
    rounds = [[_round(service, asked.content), _round(trivial, plain)] for _ in range(ROUNDS)]
    single = [[pair[side][0] for pair in rounds] for side in (0, 1)]
    p50, p99 = ([statistics.median(m.percentile(p) for m in side) for side in single] for p in (50, 99))
    rates = [statistics.median(pair[side][1] for pair in rounds) for side in (0, 1)]
    cpu = [statistics.median(pair[side][2] for pair in rounds) for side in (0, 1)]
    share = statistics.median(pair[0][1] / pair[1][1] for pair in rounds)
    client = statistics.median(m.client_cpu_s / m.wall_s for side in single for m in side)
    print(
        f"{f'{name}: {asked.label}':58}{p50[0]:.3f} ({p50[1]:.3f}) {p50[0] - p50[1]:+.3f} | "
        f"{p99[0]:6.2f} ({p99[1]:.2f}) | {rates[0]:6.0f} ({rates[1]:.0f}) {share:.2f} | "
        f"{cpu[0]:5.0f} ({cpu[1]:.0f}) {cpu[1] / cpu[0]:.2f} | {client:.2f}",
        flush=True,
    )
    return int(p50[0] - p50[1] > asked.added_ms or (asked.rate and share < SHARE_OF_RATE))


def _round(server: Server, content: bytes) -> tuple[Measured, float, float]:
    """Latency of one connection, rate of several, and the server's CPU microseconds per request."""
    drive(server.port, [content] * 100, connections=1)
    alone = drive(server.port, [content] * (REQUESTS // 2), connections=1)
    before = server.cpu_s
    together = drive(server.port, [content] * REQUESTS, connections=CONNECTIONS)
    if set(together.statuses) != {200}:
        raise RuntimeError(f"Expected answers with status 200, found {dict(together.statuses)}.")
    return alone, together.rate, (server.cpu_s - before) / REQUESTS * 1e6


def _cold_start(name: str, model: Path) -> int:
    """Seconds from the start of the process to the first 200 of /ping, three times; the first one fills caches."""
    seconds, cpu = [], []
    for _ in range(3):
        port, start = _free_port(), time.perf_counter()
        with _service(model, port) as service:
            seconds.append(time.perf_counter() - start)
            cpu.append(service.cpu_s)
    print(
        f"{name}: first 200 after {', '.join(f'{each:.2f}' for each in seconds)} s (bar {COLD_START_S:.0f} s), "
        f"{statistics.median(cpu):.1f} s of CPU at load {os.getloadavg()[0]:.0f}",
        flush=True,
    )
    return int(seconds[0] > COLD_START_S)


def _malformed(bodies: Sequence[bytes]) -> list[bytes]:
    """Rows that do not fit, made from those that do, each in one field."""
    row = json.loads(bodies[0])["instances"][0]
    field = next(iter(row))
    others: list[object] = [{**row, field: {"deep": [1]}}, {**row, "no_such_field": 1}, {field: [None]}]
    return [json.dumps({"instances": [each]}).encode() for each in others]


def _soak(name: str, model: Path, *, count: int) -> int:
    """Many requests over some connections, one in a hundred malformed, in tenths between which memory is read."""
    bodies = served_requests.bodies(model)
    bad = _malformed(bodies)
    good = [request("/invocations", each) for each in bodies]
    wrong = [request("/invocations", each) for each in bad]
    contents = [wrong[i // 100 % len(wrong)] if i % 100 == 99 else good[i % len(good)] for i in range(count)]
    port, memory, unnamed = _free_port(), [], 0
    statuses: dict[int, int] = {}
    with _service(model, port) as service:
        for start in range(0, count, SOAK_WARM):
            part = contents[start : start + SOAK_WARM]
            measured = drive(port, part, connections=SOAK_CONNECTIONS, keep=True)
            memory.append(service.resident_mib)
            for status, times in measured.statuses.items():
                statuses[status] = statuses.get(status, 0) + times
            refused = [measured.bodies[i] for i in range(99, len(part), 100)]
            field = next(iter(json.loads(bodies[0])["instances"][0])).encode()
            unnamed += sum(field not in each and b"no_such_field" not in each for each in refused)
    refusals = sum(times for status, times in statuses.items() if 400 <= status < 500)
    grown = max(memory[1:], default=memory[0]) / memory[0] - 1
    flat = grown <= SOAK_NOISE
    print(
        f"{name}: {count:,} requests, statuses {statuses}, {refusals} refused of {count // 100} malformed, "
        f"{unnamed} without the field; resident {memory[0]:.0f} MiB after {SOAK_WARM:,}, {memory[-1]:.0f} at the end "
        f"({grown:+.1%} at most)",
        flush=True,
    )
    return int(any(status >= 500 for status in statuses) or refusals != count // 100 or unnamed > 0 or not flat)


def _knn() -> int:
    """Top ten of a million vectors and of prod2vec's default vocabulary: this service's search beside faiss alone."""
    import faiss
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    from trainyard.contract.nearest import Neighbours

    # As in the service.
    threadpool_limits(1)
    random = np.random.default_rng(0)
    missed = 0
    for items, size in ((KNN_ITEMS, KNN_SIZE), (PRODUCTS, PRODUCT_SIZE)):
        vectors = random.normal(size=(items, size)).astype(np.float32)
        queries = random.normal(size=(40, size)).astype(np.float32)
        flat = faiss.IndexFlatIP(size)
        flat.add(vectors)
        own = Neighbours(vectors, approximate=False)
        ratios, rates = [], []
        for _ in range(5):
            start = time.process_time()
            for each in queries:
                flat.search(each[None], 10)
            middle = time.process_time()
            for each in queries:
                own.best(each, 10)
            end = time.process_time()
            ratios.append((middle - start) / (end - middle))
            rates.append((len(queries) / (middle - start), len(queries) / (end - middle)))
        share = statistics.median(ratios)
        missed |= int(items == KNN_ITEMS and share < KNN_SHARE)
        theirs, ours = (statistics.median(each[side] for each in rates) for side in (0, 1))
        print(
            f"{items:,} x {size}: {ours:.0f} searches per CPU s, faiss {theirs:.0f}: {share:.2f} of its rate",
            flush=True,
        )
    return missed | _approximate(random)


def _approximate(random: np.random.Generator) -> int:
    """What the approximate setting gives up and gains, on vectors in groups, as products lie."""
    from trainyard.contract.nearest import Neighbours

    centres = random.normal(size=(500, PRODUCT_SIZE))
    noise = random.normal(size=(PRODUCTS, PRODUCT_SIZE)) * 0.7
    vectors = (centres[random.integers(0, 500, PRODUCTS)] + noise).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    start = time.process_time()
    codes = Neighbours(vectors, approximate=True)
    built = time.process_time() - start
    seconds = {}
    for name, index in (("exact", Neighbours(vectors, approximate=False)), ("approximate", codes)):
        start = time.process_time()
        for each in vectors[:300]:
            index.best(each, 10)
        seconds[name] = (time.process_time() - start) / 300
    print(
        f"approximate, {PRODUCTS:,} x {PRODUCT_SIZE}: recall at ten {codes.recall():.3f}, "
        f"{seconds['approximate'] * 1e6:.0f} us a search (exact {seconds['exact'] * 1e6:.0f}), built in {built:.1f} s"
    )
    return 0


def _full_vocabulary(folder: Path) -> Path:
    """A prod2vec model with many products, for which values do not matter."""
    model = folder / "model"
    if (model / ModelCard.FILE).is_file():
        return model
    model.mkdir(parents=True)
    random = np.random.default_rng(0)
    ids = np.arange(PRODUCTS) + 1
    vocabulary = Vocabulary(
        product_ids=ids.astype(str).astype(object),
        frequencies=ids[::-1].copy(),
        names=tuple(f"product {each}" for each in ids),
        departments=("",) * PRODUCTS,
    )
    target, context = random.normal(size=(2, PRODUCTS, PRODUCT_SIZE)).astype(np.float32)
    vectors = ProductVectors(vocabulary=vocabulary, target=target, context=context)
    vectors.save(model)
    PrecomputedNeighbours(
        indices=random.integers(0, PRODUCTS, (PRODUCTS, NEIGHBOURS_PER_PRODUCT)).astype(np.int32),
        cosines=random.random((PRODUCTS, NEIGHBOURS_PER_PRODUCT)).astype(np.float32),
    ).save(model)
    BasketScorer(
        method="ridge",
        offsets=np.arange(PRODUCTS + 1) * WEIGHTS_PER_PRODUCT,
        products=random.integers(0, PRODUCTS, PRODUCTS * WEIGHTS_PER_PRODUCT).astype(np.int32),
        weights=random.random(PRODUCTS * WEIGHTS_PER_PRODUCT).astype(np.float32),
        background=np.sort(random.random(PRODUCTS).astype(np.float32))[::-1] / 100,
        memory=10.0,
    ).save(model)
    keep_examples("prod2vec", model)
    served_models.card("prod2vec", model, metrics={})
    return model


if __name__ == "__main__":
    sys.exit(main())
