"""What was acknowledged survives.

The server's process is killed (the machine goes on) right after an answer, the journal's file is harmed, or its disk is
full.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from local_cloud import lifecycle
from local_cloud.journal.store import FILE, Journal
from tests.faults.conftest import Observation
from tests.local_cloud.conftest import Cloud, start_cloud
from tests.local_cloud.journal import writes
from tests.local_cloud.journal.snapshots import write_snapshots
from tests.local_cloud.journal.writes import WRITES, Write, kill, prepare
from trainyard.errors import TrainyardError

# What every thread of a round does over and over.
REPEATED = ("DynamoDB UpdateItem", "a conditional PutItem", "StartExecution", "a secret", "log events")
DISK_MEGABYTES = 24


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    running = start_cloud(tmp_path_factory.mktemp("durable") / "state")
    prepare(running)
    yield running
    lifecycle.down(running.state_dir)


def kinds() -> list[object]:
    """A test for each kind of change."""
    return [
        pytest.param(
            write, id=write.what, marks=pytest.mark.fault(f"kill -9 right after {write.what}", "nothing is lost")
        )
        for write in WRITES
    ]


@pytest.mark.parametrize("write", kinds())
def test_a_kill_right_after_the_answer(write: Write, cloud: Cloud, observed: Observation) -> None:
    name = f"last-{WRITES.index(write)}"
    write.make(cloud, name)
    kill(cloud)
    assert write.seen(cloud, name) == write.expected
    observed("it is there after the next start")


# urllib3 leaves a socket to the garbage collector whose server is killed while the two shake hands.
LEFT_SOCKET = pytest.mark.filterwarnings(
    "ignore:Exception ignored in. <ssl.SSLSocket:pytest.PytestUnraisableExceptionWarning"
)


@LEFT_SOCKET
@pytest.mark.fault("kill -9 while five clients write, four times", "every acknowledged write is there")
def test_four_kills_under_load(cloud: Cloud, observed: Observation) -> None:
    assert _lost(cloud, rounds=4, seed=1) == []
    observed("0 acknowledged writes lost")


@LEFT_SOCKET
@pytest.mark.long
@pytest.mark.fault("kill -9 while five clients write, 200 times", "every acknowledged write is there")
def test_two_hundred_kills_under_load(cloud: Cloud, observed: Observation) -> None:
    assert _lost(cloud, rounds=200, seed=2) == []
    observed("0 acknowledged writes lost")


def _lost(cloud: Cloud, *, rounds: int, seed: int) -> list[str]:
    """What was acknowledged in a round and is not there after its kill."""
    moments = random.Random(seed)
    lost = []
    for number in range(rounds):
        made = _write_until_killed(cloud, f"round-{seed}-{number}", moments.uniform(0.05, 0.2))
        assert made, "nothing was acknowledged before the kill"
        found = [(write, name, write.seen(cloud, name)) for write, name in made]
        lost += [f"{write.what} {name}: {seen}" for write, name, seen in found if seen != write.expected]
    return lost


def _write_until_killed(cloud: Cloud, prefix: str, seconds: float) -> list[tuple[Write, str]]:
    acknowledged: list[tuple[Write, str]] = []
    killed = threading.Event()

    def go_on(write: Write) -> None:
        number = 0
        while not killed.is_set():
            number += 1
            name = f"{prefix}-{WRITES.index(write)}-{number}"
            try:
                write.make(cloud, name)
            except (BotoCoreError, ClientError):
                # What the kill interrupted is tried again by the client, and may have been done the first time.
                continue
            acknowledged.append((write, name))

    for service in ("dynamodb", "stepfunctions", "secretsmanager", "logs"):
        cloud.client(service)
    threads = [threading.Thread(target=go_on, args=(write,)) for write in WRITES if write.what in REPEATED]
    for thread in threads:
        thread.start()
    while not acknowledged:
        time.sleep(0.01)
    time.sleep(seconds)
    kill(cloud)
    killed.set()
    for thread in threads:
        thread.join()
    return acknowledged


@pytest.mark.fault("a process killed in the middle of a transaction of the journal", "all of it or nothing")
def test_a_kill_in_the_middle_of_a_transaction(tmp_path: Path, observed: Observation) -> None:
    code = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from local_cloud.journal.store import Journal\n"
        "journal = Journal(Path(sys.argv[1]))\n"
        "journal.write([('kind', 'before', 'kept')])\n"
        "def rows():\n"
        "    for number in range(20_000):\n"
        "        yield 'kind', str(number), 'x' * 1000\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "journal.along = lambda changes: None\n"
        "from local_cloud.journal.store import Transaction\n"
        "class Endless(Transaction):\n"
        "    pass\n"
        "transaction = Endless()\n"
        "transaction.entries = rows()\n"
        "journal.commit(transaction)\n"
    )
    ended = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert list(Journal(tmp_path).read("kind")) == [("before", "kept")]
    observed("nothing of it, and all that was before")


@pytest.mark.fault("the end of the journal's log is cut off", "a start with all that was before the cut")
def test_a_journal_with_a_torn_end(cloud: Cloud, observed: Observation) -> None:
    for number in range(20):
        writes._put(cloud, f"torn-{number}")
    os.kill(cloud.cloud.pid, signal.SIGKILL)
    while lifecycle.status(cloud.state_dir):
        time.sleep(0.01)
    log = cloud.state_dir / "journal" / f"{FILE}-wal"
    os.truncate(log, log.stat().st_size - 100)
    cloud.restarted()
    found = [writes._item(cloud, f"torn-{number}") for number in range(20)]
    assert found[:19] == ["new"] * 19
    observed("it starts and has every write but the one in the cut")


@pytest.mark.fault("the journal's file is overwritten with something else", "one sentence and no start")
def test_a_damaged_journal(tmp_path: Path, observed: Observation) -> None:
    (tmp_path / "journal").mkdir()
    (tmp_path / "journal" / FILE).write_text("no database " * 1000)
    with pytest.raises(TrainyardError, match=r"Expected the local cloud's journal .* found a damaged file"):
        start_cloud(tmp_path)
    observed("Expected the local cloud's journal, found a damaged file")


@pytest.mark.fault(
    "a row of the journal that is no JSON", "one sentence and no start, never a start without the service"
)
def test_a_damaged_row(tmp_path: Path, observed: Observation) -> None:
    Journal(tmp_path / "journal").write([("iam/roles", "account/000000000000/'role'", "{torn")])
    with pytest.raises(TrainyardError, match="Expected the state of iam in the journal of"):
        start_cloud(tmp_path)
    observed("Expected the state of iam in the journal, found something else")


@pytest.mark.fault("a state folder with snapshots of before there was a journal", "everything in it is there")
def test_an_old_state_folder(tmp_path: Path, observed: Observation) -> None:
    execution = write_snapshots(tmp_path / "services")
    cloud = start_cloud(tmp_path)
    try:
        kill(cloud)
        assert list((tmp_path / "services").glob("*.json")) == []
        assert cloud.client("ssm").get_parameter(Name="/old")["Parameter"]["Value"] == "value"
        assert writes._item(cloud, "old") == "kept"
        states = cloud.client("stepfunctions")
        assert [each["type"] for each in cloud.events(execution)] == ["ExecutionStarted", "ExecutionSucceeded"]
        definition = states.describe_state_machine_for_execution(executionArn=execution)["definition"]
        assert "began with" in json.loads(definition)["Comment"]
    finally:
        lifecycle.down(cloud.state_dir)
    observed("moved to the journal at the first start")


@pytest.fixture(scope="module")
def small_disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    disk = tmp_path_factory.mktemp("disk")
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MEGABYTES}m", "tmpfs", str(disk)]
    mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    if mounted.returncode != 0:
        pytest.skip(f"a small disk cannot be mounted here: {mounted.stderr.strip()}")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


@pytest.fixture(scope="module")
def full_cloud(small_disk: Path) -> Iterator[Cloud]:
    """A cloud on a disk that the tests fill."""
    running = start_cloud(small_disk / "state")
    prepare(running)
    yield running
    lifecycle.down(running.state_dir)


@pytest.fixture
def logged(full_cloud: Cloud) -> int:
    """How long the server's log is before the disk is full: the server may notice it by itself."""
    # It may have found the disk full in the test before, and nothing was written since.
    writes._put(full_cloud, "before")
    return (full_cloud.state_dir / "server.log").stat().st_size


@pytest.fixture
def full(logged: int, full_cloud: Cloud, small_disk: Path) -> Iterator[Callable[[], None]]:
    """The disk is full until this is called, or the test has ended."""
    del logged
    filler = small_disk / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue
    yield filler.unlink
    filler.unlink(missing_ok=True)


def _refused(action: Callable[[], object]) -> str:
    with pytest.raises(ClientError) as caught:
        action()
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 507
    return str(caught.value.response["Error"]["Message"])


@pytest.mark.fault("disk full: an upload", "an error, nothing stored, and it works once there is space")
def test_an_upload_to_a_full_disk(full_cloud: Cloud, full: Callable[[], None], observed: Observation) -> None:
    s3 = full_cloud.client("s3")
    for body in (b"rows", b"x" * 2_000_000):  # the second is refused while it is still being sent
        told = _refused(lambda body=body: s3.put_object(Bucket=writes.BUCKET, Key="full", Body=body))
        assert "No space left on the disk of" in told
    assert "Contents" not in s3.list_objects_v2(Bucket=writes.BUCKET)
    full()
    s3.put_object(Bucket=writes.BUCKET, Key="full", Body=b"rows")
    kill(full_cloud)
    assert full_cloud.client("s3").get_object(Bucket=writes.BUCKET, Key="full")["Body"].read() == b"rows"
    observed("507 InsufficientStorage, nothing stored; accepted without a new start")


@pytest.mark.fault("disk full: a conditional write", "an error, and the condition still holds once there is space")
def test_a_claim_on_a_full_disk(full_cloud: Cloud, full: Callable[[], None], observed: Observation) -> None:
    _refused(lambda: writes._if_new(full_cloud, "claimed"))
    assert writes._item(full_cloud, "claimed") is None
    full()
    writes._if_new(full_cloud, "claimed")
    kill(full_cloud)
    assert writes._item(full_cloud, "claimed") == "new"
    observed("507 InsufficientStorage; claimed once there was space")


@pytest.mark.fault("disk full: reads and deletes", "they work, for somebody must make room")
def test_reads_and_deletes_on_a_full_disk(full_cloud: Cloud, full: Callable[[], None], observed: Observation) -> None:
    s3 = full_cloud.client("s3")
    assert len(s3.list_buckets()["Buckets"]) == 1
    # These services have the action in the body of a POST request.
    assert full_cloud.client("iam").get_role(RoleName="machine")["Role"]["RoleName"] == "machine"
    assert full_cloud.client("cloudformation").list_stacks()["StackSummaries"] is not None
    assert full_cloud.client("sts").get_caller_identity()["Account"]
    s3.delete_object(Bucket=writes.BUCKET, Key="full")
    assert "Contents" not in s3.list_objects_v2(Bucket=writes.BUCKET)
    observed("read and deleted")


@pytest.mark.fault("disk full while an execution runs", "it goes on, and nothing of it is lost")
def test_an_execution_on_a_disk_that_fills_up(full_cloud: Cloud, small_disk: Path, observed: Observation) -> None:
    waiting = {
        "StartAt": "Wait",
        "States": {"Wait": {"Type": "Wait", "Seconds": 3, "Next": "Only"}, **writes.PASSING["States"]},
    }
    role = full_cloud.client("iam").get_role(RoleName="machine")["Role"]["Arn"]
    execution = full_cloud.start(full_cloud.machine("waiting", waiting, role))
    filler = small_disk / "filler"
    with filler.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space left"):
        while True:
            file.write(b"x" * 4096)
    assert full_cloud.finished(execution)["status"] == "SUCCEEDED"
    kill(full_cloud)
    assert full_cloud.finished(execution)["status"] == "SUCCEEDED"
    filler.unlink()
    writes._put(full_cloud, "after")
    observed("SUCCEEDED, also after a kill while the disk was still full")


@pytest.mark.fault("disk full for a while", "one line in the server's log, and one when it is over")
def test_what_the_log_says_of_a_full_disk(
    logged: int, full_cloud: Cloud, full: Callable[[], None], observed: Observation
) -> None:
    for _ in range(5):
        _refused(lambda: writes._put(full_cloud, "again"))
    full()
    writes._put(full_cloud, "again")
    lines = (full_cloud.state_dir / "server.log").read_bytes()[logged:].decode().splitlines()
    said = Counter(text for line in lines for text in ("No space left", "There is space again") if text in line)
    assert said == {"No space left": 1, "There is space again": 1}
    observed("one line each")


@pytest.mark.long
@pytest.mark.fault(
    "kill -9 as soon as `trainyard deploy` has ended", "all of the workflow is there after the next start"
)
def test_a_deployed_workflow(tmp_path: Path, observed: Observation) -> None:
    cloud = start_cloud(tmp_path / "state")
    try:
        environment = {**os.environ, **cloud.environment, "TRAINYARD_STATE_DIR": str(cloud.state_dir)}
        command = Path(sys.executable).with_name("trainyard")
        deployed = subprocess.run([command, "deploy"], env=environment, capture_output=True, text=True)
        assert deployed.returncode == 0, deployed.stderr
        before = _deployed(cloud)
        kill(cloud)
        assert _deployed(cloud) == before
        assert min(map(len, before.values())) > 0
    finally:
        lifecycle.down(cloud.state_dir)
    observed(f"nothing of {len(before)} kinds of resources is missing")


def _deployed(cloud: Cloud) -> dict[str, list[str]]:
    """What a deployment makes, by kind."""
    client = cloud.client
    rules = [each["Name"] for each in client("events").list_rules()["Rules"]]
    roles = [each["RoleName"] for each in client("iam").list_roles(MaxItems=1000)["Roles"]]
    return {
        "roles": sorted(roles),
        "policies": sorted(
            f"{each} {client('iam').list_role_policies(RoleName=each)['PolicyNames']}" for each in roles
        ),
        "functions": sorted(each["FunctionName"] for each in client("lambda").list_functions()["Functions"]),
        "jobs": sorted(each["Name"] for each in client("glue").get_jobs()["Jobs"]),
        "rules": sorted(
            f"{each} {[target['Arn'] for target in client('events').list_targets_by_rule(Rule=each)['Targets']]}"
            for each in rules
        ),
        "tables": client("dynamodb").list_tables()["TableNames"],
        "topics": [each["TopicArn"] for each in client("sns").list_topics()["Topics"]],
        "machines": [each["name"] for each in client("stepfunctions").list_state_machines()["stateMachines"]],
        "stacks": sorted(
            each["StackName"] + each["StackStatus"] for each in client("cloudformation").describe_stacks()["Stacks"]
        ),
    }
