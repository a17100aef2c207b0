"""The pieces that run jobs: processes, logs, metrics, archives, command lines."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import tarfile
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_cloud.glue.script import GlueScript
from local_cloud.images.registry import Image
from local_cloud.jobs.archive import pack, unpack
from local_cloud.jobs.container import Container, engine_command, process_command
from local_cloud.jobs.logs import MAX_BYTES, MAX_EVENTS, batches
from local_cloud.jobs.metrics import MetricLog
from local_cloud.jobs.process import MAX_LINE_BYTES, Command, Limits, Outcome, run
from local_cloud.jobs.settings import Settings, from_environment
from local_cloud.jobs.transfer import split_uri, within
from local_cloud.jobs.workspace import Workspace, end_leftovers, start_time
from tests.local_cloud.processes import runs
from trainyard.errors import ConfigError, JobFailed

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_SESSION_TOKEN": "c"}


def start(
    program: str, folder: Path, *, seconds: float = 30, grace: float = 5, stop: threading.Event | None = None
) -> tuple[Outcome, list[tuple[str, str]]]:
    lines: list[tuple[str, str]] = []
    command = Command(argv=[sys.executable, "-c", program], env={"PATH": os.environ["PATH"]}, cwd=folder)
    limits = Limits(max_seconds=seconds, grace_seconds=grace)
    outcome = run(command, limits, stop=stop or threading.Event(), on_line=lambda *line: lines.append(line))
    return outcome, lines


def test_lines_of_both_streams_arrive_and_the_exit_code_is_told(tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "print('out', flush=True)\n"
        "print('err', file=sys.stderr)\n"
        "sys.stdout.buffer.write(b'\\xff')\n"
        "sys.exit(3)"
    )
    outcome, lines = start(program, tmp_path)
    assert (outcome.exit_code, outcome.stopped, outcome.timed_out) == (3, False, False)
    assert sorted(lines) == [("stderr", "err"), ("stdout", "out"), ("stdout", "\ufffd")]


def test_a_command_that_does_not_exist_ends_like_in_a_shell(tmp_path: Path) -> None:
    command = Command(argv=["no-such-program"], env={"PATH": ""}, cwd=tmp_path)
    limits = Limits(max_seconds=1, grace_seconds=1)
    outcome = run(command, limits, stop=threading.Event(), on_line=lambda *_: None)
    assert outcome.exit_code == 127
    assert "no-such-program" in outcome.last_lines[0]


def test_a_process_that_ignores_the_signal_is_killed_after_the_grace(tmp_path: Path) -> None:
    program = "import signal, time; signal.signal(signal.SIGTERM, lambda *_: print('no', flush=True)); time.sleep(60)"
    begun = time.monotonic()
    outcome, lines = start(program, tmp_path, seconds=0.5, grace=0.5)
    assert outcome.timed_out
    assert not outcome.stopped
    assert outcome.exit_code == -9
    assert lines == [("stdout", "no")]
    assert 1.0 <= time.monotonic() - begun < 5


def test_a_process_may_end_itself_well_within_the_grace(tmp_path: Path) -> None:
    program = (
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: (print('saved', flush=True), sys.exit(0)))\n"
        "time.sleep(60)"
    )
    stop = threading.Event()
    threading.Timer(0.5, stop.set).start()
    outcome, lines = start(program, tmp_path, stop=stop)
    assert (outcome.exit_code, outcome.stopped, lines) == (0, True, [("stdout", "saved")])


def test_children_are_gone_with_their_parent(tmp_path: Path) -> None:
    program = (
        "import subprocess, sys\n"
        "print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']).pid, flush=True)"
    )
    begun = time.monotonic()
    _outcome, lines = start(program, tmp_path)
    assert time.monotonic() - begun < 10
    for _ in range(100):
        if not runs(int(lines[0][1])):
            break
        time.sleep(0.02)
    assert not runs(int(lines[0][1]))


def test_a_line_without_end_is_cut_to_what_cloudwatch_takes(tmp_path: Path) -> None:
    _outcome, lines = start(f"print('x' * {MAX_LINE_BYTES * 2 + 1})", tmp_path)
    assert [len(text) for _stream, text in lines] == [MAX_LINE_BYTES, MAX_LINE_BYTES, 1]


@given(st.lists(st.text(max_size=30), max_size=50))
def test_batches_keep_every_line_in_order(texts: list[str]) -> None:
    lines = list(enumerate(texts))
    assert [line for batch in batches(lines) for line in batch] == lines


def test_batches_respect_the_limits_of_put_log_events() -> None:
    assert [len(each) for each in batches([(0, "x")] * (MAX_EVENTS + 1))] == [MAX_EVENTS, 1]
    assert [len(each) for each in batches([(0, "x" * (MAX_BYTES // 2))] * 3)] == [1, 1, 1]


def test_metrics_are_found_in_lines_and_what_is_no_number_is_not() -> None:
    log = MetricLog([{"Name": "loss", "Regex": r"loss=(\S+);"}, {"Name": "acc", "Regex": r"acc=(\S+);"}])
    for line in ("loss=3;", "loss=2e-1; acc=0.5;", "loss=nan;", "loss=abc;", "nothing"):
        log.scan(line)
    assert log.values("loss") == [3.0, 0.2]
    assert {each["MetricName"]: each["Value"] for each in log.final()} == {"loss": 0.2, "acc": 0.5}
    assert log.values("other") == []


def test_archives_of_equal_contents_are_equal(tmp_path: Path) -> None:
    for number in (1, 2):
        folder = tmp_path / f"folder{number}"
        (folder / "deep").mkdir(parents=True)
        for name in ("deep/b", "a") if number == 1 else ("a", "deep/b"):
            (folder / name).write_text(name)
            os.utime(folder / name, (number, number))
        pack(folder, tmp_path / f"{number}.tar.gz")
    first, second = ((tmp_path / f"{number}.tar.gz").read_bytes() for number in (1, 2))
    assert first == second
    with tarfile.open(fileobj=gzip.open(tmp_path / "1.tar.gz")) as archive:
        assert archive.getnames() == ["a", "deep", "deep/b"]
    assert not list(tmp_path.glob(".*"))


def test_an_archive_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    (tmp_path / "written" / "deep").mkdir(parents=True)
    (tmp_path / "written" / "deep" / "file").write_text("text")
    pack(tmp_path / "written", tmp_path / "model.tar.gz")
    unpack(tmp_path / "model.tar.gz", tmp_path / "read", uri="s3://b/model.tar.gz")
    assert (tmp_path / "read" / "deep" / "file").read_text() == "text"


@pytest.mark.parametrize(
    ("name", "link"),
    [("../above", ""), ("deep/../../above", ""), ("link", "/etc/passwd"), ("link", "../above")],
)
def test_an_archive_that_leaves_its_folder_is_refused(tmp_path: Path, name: str, link: str) -> None:
    archive = hostile(tmp_path / "model.tar.gz", name=name, link=link)
    with pytest.raises(JobFailed, match=r"Expected a tar.gz archive at s3://b/k: "):
        unpack(archive, tmp_path / "folder", uri="s3://b/k")
    assert {path.name for path in tmp_path.iterdir()} <= {"model.tar.gz", "folder"}


def test_an_absolute_name_in_an_archive_stays_below_its_folder(tmp_path: Path) -> None:
    unpack(hostile(tmp_path / "model.tar.gz", name="/etc/above"), tmp_path / "folder", uri="s3://b/k")
    assert (tmp_path / "folder" / "etc" / "above").is_file()


def hostile(archive: Path, *, name: str, link: str = "") -> Path:
    """An archive with one empty file, or a link, of that name."""
    with tarfile.open(archive, "w:gz") as members:
        member = tarfile.TarInfo(name)
        member.type, member.linkname = (tarfile.SYMTYPE, link) if link else (tarfile.REGTYPE, "")
        members.addfile(member)
    return archive


@pytest.mark.parametrize("content", [b"", b"no archive", b"\x1f\x8b\x08\x00damaged"])
def test_what_is_no_archive_is_refused_with_its_uri(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.tar.gz").write_bytes(content)
    with pytest.raises(JobFailed, match=r"Expected a tar.gz archive at s3://b/k: "):
        unpack(tmp_path / "model.tar.gz", tmp_path / "folder", uri="s3://b/k")


def test_an_archive_that_ends_too_early_is_refused(tmp_path: Path) -> None:
    (tmp_path / "written").mkdir()
    (tmp_path / "written" / "file").write_bytes(os.urandom(100_000))
    pack(tmp_path / "written", tmp_path / "model.tar.gz")
    (tmp_path / "model.tar.gz").write_bytes((tmp_path / "model.tar.gz").read_bytes()[:50_000])
    with pytest.raises(JobFailed, match=r"Expected a tar.gz archive at s3://b/k: "):
        unpack(tmp_path / "model.tar.gz", tmp_path / "folder", uri="s3://b/k")


@pytest.mark.parametrize(
    ("prefix", "key", "relative"),
    [
        ("data/", "data/a/b.txt", "a/b.txt"),
        ("data", "data/a/b.txt", "a/b.txt"),
        ("data/a.txt", "data/a.txt", "a.txt"),
        ("data", "database/c.txt", "database/c.txt"),
        ("", "a.txt", "a.txt"),
    ],
)
def test_objects_go_below_their_prefix(tmp_path: Path, prefix: str, key: str, relative: str) -> None:
    assert within(tmp_path, key, prefix=prefix) == tmp_path.resolve() / relative


def test_a_key_cannot_leave_its_folder(tmp_path: Path) -> None:
    with pytest.raises(JobFailed, match="leave"):
        within(tmp_path, "data/../../x", prefix="data/")


@pytest.mark.parametrize("uri", ["http://b/k", "b/k", "s3://", "s3:/b"])
def test_only_s3_uris_are_read(uri: str) -> None:
    with pytest.raises(JobFailed, match="Expected an S3 URI"):
        split_uri(uri)


def test_keys_keep_characters_that_urls_reserve() -> None:
    assert split_uri("s3://b/a?b#c d/é") == ("b", "a?b#c d/é")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    made = Workspace(tmp_path / "jobs" / "training-job" / "name")
    made.create()
    return made


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(state_dir=tmp_path, endpoint="https://localhost:1", ca_bundle="/ca.pem", engine="docker")


def test_a_host_process_sees_its_image_and_its_folder_in_place_of_root(
    tmp_path: Path, workspace: Workspace, settings: Settings
) -> None:
    root = tmp_path / "image" / "root"
    (root / "opt" / "program").mkdir(parents=True)
    (root / "opt" / "program" / "train").write_text("")
    image = Image(
        digest="sha256:1",
        root=root,
        entrypoint=("python3", "/opt/program/train"),
        command=("ignored",),
        env={"PATH": "/opt/program:/usr/bin", "PYTHONPATH": "/opt/program", "DATA": "/opt/ml/input/data"},
        workdir="/opt/program",
    )
    container = Container(name="n", image_uri="i", arguments=("train", "/opt/ml/model"), environment={"A": "1"})
    command = process_command(container, image, workspace=workspace, settings=settings, credentials=CREDENTIALS)
    assert command.argv == [sys.executable, f"{root}/opt/program/train", "train", f"{workspace.ml}/model"]
    assert command.cwd == root / "opt/program"
    env = dict(command.env)
    assert env["PYTHONPATH"] == f"{root}/opt/program"
    assert env["PATH"].startswith(f"{root}/opt/program:{Path(sys.executable).parent}:")
    assert env["DATA"] == f"{workspace.ml}/input/data"
    assert env["TRAINYARD_ML_ROOT"] == str(workspace.ml)
    assert (env["A"], env["AWS_CA_BUNDLE"], env["AWS_SESSION_TOKEN"]) == ("1", "/ca.pem", "c")
    # One image after the other uses what Python made of installed packages.
    assert "PYTHONPYCACHEPREFIX" not in env
    # What SageMaker does not set, a job must not find here either.
    assert (env["AWS_REGION"], "AWS_DEFAULT_REGION" in env) == ("us-east-1", False)


def test_a_real_engine_gets_the_folder_and_only_the_names_of_variables(
    tmp_path: Path, workspace: Workspace, settings: Settings
) -> None:
    engine = tmp_path / "engine"
    engine.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\necho "token $AWS_SESSION_TOKEN ca $AWS_CA_BUNDLE"\n')
    engine.chmod(0o755)
    container = Container(
        name="job-1",
        image_uri="host/repo:tag",
        entrypoint=("python", "main.py"),
        arguments=("train",),
        environment={"A": "1"},
    )
    configured = Settings(**{**vars(settings), "engine": str(engine)})
    command = engine_command(container, workspace, settings=configured, credentials=CREDENTIALS)
    assert not {"b", "c"} & set(command.argv)
    lines: list[str] = []
    limits = Limits(max_seconds=10, grace_seconds=1)
    run(command, limits, stop=threading.Event(), on_line=lambda _stream, text: lines.append(text))
    assert lines[:6] == ["run", "--rm", "--name", "job-1", "--network", "host"]
    assert lines[6:10] == ["-v", f"{workspace.ml}:/opt/ml", "-v", "/ca.pem:/etc/trainyard-ca.pem:ro"]
    assert lines[-6:] == [
        "--entrypoint", "python", "host/repo:tag", "main.py", "train", "token c ca /etc/trainyard-ca.pem",
    ]  # fmt: skip
    assert [lines[index + 1] for index, each in enumerate(lines) if each == "-e"] == sorted(
        ["A", *CREDENTIALS, "AWS_REGION", "AWS_ENDPOINT_URL", "AWS_CA_BUNDLE"]
    )


@given(
    given=st.dictionaries(
        st.from_regex(r"--[A-Za-z_]{1,10}", fullmatch=True), st.text(max_size=10).filter(lambda text: "\0" not in text)
    )
)
def test_glue_arguments_are_pairs_of_key_and_value(given: dict[str, str]) -> None:
    nothing: Any = None
    script = GlueScript(
        job={"Name": "j"}, run_record={"Id": "jr_1"}, workspace=nothing, clients=nothing, settings=nothing
    )
    argv = script.arguments({**given, "--extra-py-files": "s3://b/k"})
    assert argv[:4] == ["--JOB_NAME", given.get("--JOB_NAME") or "j", "--JOB_RUN_ID", "jr_1"] or "--JOB" in str(given)
    assert "--extra-py-files" not in argv
    for name, value in given.items():
        if value:
            assert value in argv[argv.index(name) + 1 :]


def test_paths_outside_opt_ml_are_refused(workspace: Workspace) -> None:
    assert workspace.local("/opt/ml/a/b") == workspace.ml.resolve() / "a/b"
    for wrong in ("/opt/mlx", "/etc", "/opt/ml/../../x"):
        with pytest.raises(ValueError, match="below /opt/ml"):
            workspace.local(wrong)


def test_the_next_server_ends_what_a_dead_one_left(workspace: Workspace) -> None:
    left = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
    workspace.started(left.pid)
    assert end_leftovers(workspace.root.parent) == 1
    assert left.wait(5) == -9
    assert not workspace.root.exists()


def test_a_number_that_belongs_to_another_process_is_left_alone(workspace: Workspace) -> None:
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
    try:
        workspace.write_json("/opt/ml/x", {})
        (workspace.root / "process.json").write_text(f'{{"pid": {other.pid}, "started": "before"}}')
        assert end_leftovers(workspace.root.parent) == 0
        assert other.poll() is None
        assert start_time(other.pid)
    finally:
        other.kill()
        other.wait()


def test_settings_come_from_the_server_environment(tmp_path: Path) -> None:
    environ = {"TRAINYARD_STATE_DIR": str(tmp_path), "USE_SSL": "1", "GATEWAY_PORT": "99", "AWS_CA_BUNDLE": "ca"}
    settings = from_environment(environ)
    assert (settings.endpoint, settings.ca_bundle, settings.engine) == ("https://localhost:99", "ca", "")
    with pytest.raises(ConfigError, match="TRAINYARD_STATE_DIR"):
        from_environment({})
