"""Measures a local cloud that holds thousands of executions: start, lists, health, memory, end; runs on a laptop.

    python -m benchmarks.durability                        # 5,000 executions in a folder of its own
    python -m benchmarks.durability --size 500             # fewer
    python -m benchmarks.durability --keep DIR             # in DIR, which is kept

Fifty executions are run, of thirty states and some sixty events each, logged at level ALL, of a machine whose
definition has the size of the training machine's; the journal then gets copies of them. The server is killed before it
is started again, so that it starts from the journal.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from ssl import create_default_context
from typing import TYPE_CHECKING, Any

import boto3

from local_cloud import lifecycle
from local_cloud.journal.store import Journal, Transaction
from local_cloud.lifecycle import LocalCloud

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions.client import SFNClient
else:
    SFNClient = Any

STATES = 30
# The training machine's definition, so that what is kept for each execution is not flattered.
DEFINITION_BYTES = 89_000
MACHINE = "measured"
PORT = 4599
REAL = 50
EXECUTIONS, STREAMS = "stepfunctions/executions", "cloudwatch_logs/streams/"
LISTED = 20


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One figure beside the most that it may be."""

    name: str
    value: float
    most: float
    unit: str

    def line(self) -> str:
        """As a row of a table."""
        return f"| {self.name} | {self.value:,.2f} {self.unit} | {self.most:g} {self.unit} |"


def main() -> int:
    """Print the table; the exit code is 1 when a bar is missed."""
    arguments = _arguments()
    with _folder(arguments.keep) as folder:
        state_dir = Path(folder)
        cloud = lifecycle.up(state_dir, PORT)
        try:
            _fill(cloud)
            _kill(state_dir, cloud)
            _copy(state_dir / "journal", arguments.size)
            _kill(state_dir, lifecycle.up(state_dir, PORT))
            bars = _measured(state_dir)
        finally:
            lifecycle.down(state_dir)
    print("| Figure | Measured | At most |", "|---|---|---|", *(bar.line() for bar in bars), sep="\n")
    return 0 if all(bar.value <= bar.most for bar in bars) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=5000, help="executions")
    parser.add_argument("--keep", type=Path, help="the state folder; it is kept")
    return parser.parse_args()


def _kill(state_dir: Path, cloud: LocalCloud) -> None:
    os.kill(cloud.pid, signal.SIGKILL)
    while lifecycle.status(state_dir):
        time.sleep(0.01)


def _folder(kept: Path | None) -> AbstractContextManager[str]:
    return nullcontext(str(kept)) if kept is not None else tempfile.TemporaryDirectory()


def _measured(state_dir: Path) -> Sequence[Bar]:
    started = time.perf_counter()
    cloud = lifecycle.up(state_dir, PORT)
    up = time.perf_counter() - started
    states = _client(cloud, "stepfunctions")
    health = _seconds(lambda: _health(cloud))
    listed = _seconds(lambda: _list_latest(states))
    everything = _seconds(lambda: _list_all(states))
    memory = _resident_megabytes(cloud.pid)
    down = _seconds(lambda: lifecycle.down(state_dir))
    return (
        Bar(name="`up` after a kill", value=up, most=4, unit="s"),
        Bar(name=f"the latest {LISTED} executions", value=listed, most=1, unit="s"),
        Bar(name="all executions, page by page", value=everything, most=5, unit="s"),
        Bar(name="health", value=health, most=0.5, unit="s"),
        Bar(name="memory of the server", value=memory, most=700, unit="MB"),
        Bar(name="`down`", value=down, most=5, unit="s"),
    )


def _fill(cloud: LocalCloud) -> None:
    """Run the executions that are copied."""
    states = _client(cloud, "stepfunctions")
    machine = _machine(cloud, states)
    for number in range(_list_all(states), REAL):
        document = json.dumps({"recipe": "prod2vec", "dataset": f"number-{number}", "notes": "x" * 1000})
        states.start_execution(stateMachineArn=machine, name=_name(number), input=document)
    while states.list_executions(stateMachineArn=machine, statusFilter="RUNNING")["executions"]:
        time.sleep(0.2)


def _copy(directory: Path, size: int) -> None:
    """Add executions to the journal of a server that does not run until there are `size`."""
    journal = Journal(directory)
    executions = list(journal.read(EXECUTIONS))
    streams_kind = next(kind for kind in journal.kinds() if kind.startswith(STREAMS))
    streams = {key.rpartition("/")[2]: (key, text) for key, text in journal.read(streams_kind)}
    for number in range(len(executions), size):
        old, new = _name(number % REAL), _name(number)
        key, text = next(each for each in executions[:REAL] if each[0].endswith(f":{old}'"))
        transaction = Transaction()
        for kind, row in ((EXECUTIONS, (key, text)), (streams_kind, streams[old])):
            document = json.loads(row[1].replace(old, new))
            document["events"] = _copied_list(journal, document["events"], old=old, new=new, transaction=transaction)
            transaction.entries.append((kind, row[0].replace(old, new), json.dumps(document)))
        journal.commit(transaction)
    journal.close()


def _copied_list(journal: Journal, owner: int, *, old: str, new: str, transaction: Transaction) -> int:
    copied = journal.new_owner()
    items = journal.items(owner, start=0, stop=journal.length(owner))
    transaction.appended += [(copied, number, text.replace(old, new)) for number, text in enumerate(items)]
    return copied


def _name(number: int) -> str:
    return f"run-{number:06}"


def _machine(cloud: LocalCloud, states: SFNClient) -> str:
    """The machine, its role and its log group, made unless they are there."""
    logs, iam = _client(cloud, "logs"), _client(cloud, "iam")
    found = [
        each["stateMachineArn"] for each in states.list_state_machines()["stateMachines"] if each["name"] == MACHINE
    ]
    if found:
        return found[0]
    trust = {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = iam.create_role(RoleName=MACHINE, AssumeRolePolicyDocument=policy)["Role"]["Arn"]
    logs.create_log_group(logGroupName=MACHINE)
    group = f"arn:aws:logs:{cloud.region}:{cloud.account}:log-group:{MACHINE}:*"
    machine = states.create_state_machine(
        name=MACHINE,
        definition=json.dumps(_definition()),
        roleArn=role,
        loggingConfiguration={
            "level": "ALL",
            "includeExecutionData": True,
            "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": group}}],
        },
    )
    return machine["stateMachineArn"]


def _definition() -> dict[str, Any]:
    names = [f"Step {number}" for number in range(STATES)]
    following = [{"Next": name} for name in names[1:]] + [{"End": True}]
    steps = {name: {"Type": "Pass", **after} for name, after in zip(names, following, strict=True)}
    padding = DEFINITION_BYTES - len(json.dumps(steps))
    return {"Comment": "x" * padding, "QueryLanguage": "JSONata", "StartAt": names[0], "States": steps}


def _list_all(states: SFNClient) -> int:
    machines = states.list_state_machines()["stateMachines"]
    pages = states.get_paginator("list_executions")
    return sum(
        len(page["executions"])
        for machine in machines
        for page in pages.paginate(stateMachineArn=machine["stateMachineArn"])
    )


def _list_latest(states: SFNClient) -> None:
    machine = states.list_state_machines()["stateMachines"][0]["stateMachineArn"]
    for each in states.list_executions(stateMachineArn=machine)["executions"][:LISTED]:
        states.describe_execution(executionArn=each["executionArn"])


def _health(cloud: LocalCloud) -> None:
    context = create_default_context(cafile=cloud.ca_bundle)
    with urllib.request.urlopen(f"{cloud.endpoint}/_ministack/health", context=context) as answer:
        answer.read()


def _client(cloud: LocalCloud, service: Any) -> Any:
    environment = lifecycle.environment(cloud)
    return boto3.session.Session().client(
        service,
        endpoint_url=cloud.endpoint,
        region_name=cloud.region,
        verify=cloud.ca_bundle,
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
    )


def _seconds(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def _resident_megabytes(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1000


if __name__ == "__main__":
    sys.exit(main())
