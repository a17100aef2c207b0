"""Images without an engine: Dockerfiles are read as Docker reads them, snapshots are exact, the CDK's calls work."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_cloud.images.build import BuildRequest
from local_cloud.images.docker import executable, main
from local_cloud.images.dockerfile import Instruction, assignments, expand, parse
from local_cloud.images.ignore import IgnoreRules
from local_cloud.images.registry import Image, Registry, canonical, repository_and_tag
from local_cloud.state import images_directory
from trainyard.errors import BadRequest, NotFound

from .conftest import Cloud
from .tiny_images import HOST, docker, unique

TEXT = st.text(st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters="\\$\u2028\u2029\x85"), min_size=1)


@given(words=st.lists(TEXT, min_size=1, max_size=5))
def test_the_exec_form_is_read_back_exactly(words: list[str]) -> None:
    (instruction,) = parse("ENTRYPOINT " + json.dumps(words))
    assert instruction.command() == words


@given(pairs=st.dictionaries(st.from_regex(r"[A-Z_]{1,8}", fullmatch=True), TEXT, min_size=1, max_size=4))
def test_environment_pairs_are_read_back_exactly(pairs: dict[str, str]) -> None:
    line = "ENV " + " ".join(f"{name}={shlex.quote(value)}" for name, value in pairs.items())
    (instruction,) = parse(line)
    assert assignments(instruction) == pairs


@given(text=st.text(max_size=200))
def test_any_text_is_parsed_or_refused_with_a_sentence(text: str) -> None:
    try:
        parse(text)
    except BadRequest as error:
        assert "Dockerfile line" in str(error)


def test_continuations_comments_and_flags() -> None:
    text = "# first\nfrom base\n\nRUN a && \\\n  # inside\n\n  b\nCOPY --chown=1:1 --from=x a b\n"
    assert parse(text) == [
        Instruction("FROM", (), "base", 2),
        Instruction("RUN", (), "a && b", 4),
        Instruction("COPY", (("chown", "1:1"), ("from", "x")), "a b", 8),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$A/${B}", "1/2"),
        ("${C:-three}", "three"),
        ("${A:-three}", "1"),
        ("${A:+set}${C:+set}", "set"),
        ("\\$A", "$A"),
        ("$C", ""),
    ],
)
def test_variables(text: str, expected: str) -> None:
    assert expand(text, {"A": "1", "B": "2"}) == expected


@pytest.mark.parametrize("text", ["FETCH x", "RUN <<EOF", "ENV a=1 b", "COPY", 'ENV a="'])
def test_what_docker_does_not_know_is_refused(text: str) -> None:
    with pytest.raises(BadRequest, match="Dockerfile line 1"):
        for each in parse(text):
            assignments(each)


@pytest.mark.parametrize(
    ("rules", "path", "ignored"),
    [
        (["*.pyc"], "a.pyc", True),
        (["*.pyc"], "deep/a.pyc", False),
        (["**/*.pyc"], "deep/er/a.pyc", True),
        (["**/*.pyc"], "a.pyc", True),
        (["tests"], "tests/a.py", True),
        (["/tests/"], "tests/a.py", True),
        (["**", "!recipes/**"], "recipes/x/a.py", False),
        (["**", "!recipes/**"], "infra/a.py", True),
        (["a?c"], "abc", True),
        (["# comment", ""], "a", False),
    ],
)
def test_ignore_rules(rules: list[str], path: str, ignored: bool) -> None:
    assert IgnoreRules(rules).ignores(path) is ignored


Build = Callable[..., Image]


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """Build a Dockerfile over a small context."""
    context = tmp_path / "context"
    (context / "package" / "inner").mkdir(parents=True)
    (context / "package" / "a.py").write_text("a = 1")
    (context / "package" / "inner" / "b.py").write_text("b = 2")
    (context / "package" / "junk.pyc").write_text("junk")
    (context / "run.sh").write_text("#!/bin/sh\n")
    (context / "run.sh").chmod(0o755)
    (context / ".dockerignore").write_text("**/*.pyc\n")

    def from_text(text: str, **more: object) -> Image:
        (context / "Dockerfile").write_text(text)
        return Registry(tmp_path / "images").build(BuildRequest(context=context, **more))

    return from_text


def files(image: Image) -> list[str]:
    return sorted(path.relative_to(image.root).as_posix() for path in image.root.rglob("*") if path.is_file())


def test_copied_files_lie_where_docker_puts_them(build: Build) -> None:
    image = build(
        "ARG BASE=python\nFROM ${BASE}\nARG WHERE=/opt\nENV HOME_DIR=${WHERE}/program A=1\nWORKDIR $HOME_DIR\n"
        "COPY package ./package\nCOPY package/a.py run.sh bin/\nCOPY run.sh train\nRUN pip install nothing\n"
        'ENTRYPOINT ["python", "-m", "package.a"]\nCMD ["x"]\n',
    )
    assert files(image) == [
        "opt/program/bin/a.py",
        "opt/program/bin/run.sh",
        "opt/program/package/a.py",
        "opt/program/package/inner/b.py",
        "opt/program/train",
    ]
    assert (image.workdir, image.env) == ("/opt/program", {"HOME_DIR": "/opt/program", "A": "1"})
    assert (image.entrypoint, image.command) == (("python", "-m", "package.a"), ("x",))
    assert os.access(image.root / "opt/program/train", os.X_OK)


def test_build_arguments_and_stages(build: Build) -> None:
    text = (
        "FROM base AS first\nARG NAME=one\nCOPY package/a.py /made/${NAME}.py\n"
        "FROM base\nCOPY --from=first /made /kept\n"
    )
    assert files(build(text)) == ["kept/one.py"]
    assert files(build(text, build_args={"NAME": "two"})) == ["kept/two.py"]
    assert files(build(text, target="first")) == ["made/one.py"]


def test_equal_contents_are_one_image_and_others_another(build: Build) -> None:
    first, again = build("FROM x\nCOPY run.sh /\n"), build("FROM x\n# comment\nCOPY run.sh /\n")
    assert first == again
    assert build("FROM x\nCOPY run.sh /other\n").digest != first.digest
    assert build("FROM x\nCOPY run.sh /\nENV A=1\n").digest != first.digest


@pytest.mark.parametrize(
    "text", ["COPY a b", "FROM x\nCOPY missing /", "FROM x\nCOPY ../a /", "FROM x\nCOPY --from=y a b", ""]
)
def test_impossible_builds_are_refused(build: Build, text: str) -> None:
    with pytest.raises(BadRequest):
        build(text)


def test_names() -> None:
    assert canonical(f"{HOST}/repo/name:tag") == canonical("localhost:4566/repo/name:tag") == "repo/name:tag"
    assert canonical("repo") == "repo:latest"
    assert repository_and_tag(f"{HOST}/repo/name:tag") == ("repo/name", "tag")


def test_an_image_nobody_pushed_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="nothing was pushed"):
        Registry(tmp_path).resolve("repo:tag")


def numbered(registry: Registry, folder: Path, number: int) -> str:
    """Build, tag and make look old an image of its own content; the higher the number the newer."""
    (folder / "Dockerfile").write_text(f"FROM x\nENV NUMBER={number}\n")
    digest = registry.build(BuildRequest(context=folder)).digest
    registry.tag(f"cdkasset-{number}", digest)
    registry.tag(f"{HOST}/assets:tag{number}", digest)
    os.utime(registry.load(digest).root.parent, (number, number))
    return digest


def test_images_that_nothing_uses_are_removed_but_for_the_newest(tmp_path: Path) -> None:
    registry, context = Registry(tmp_path / "images"), tmp_path / "context"
    context.mkdir()
    digests = [numbered(registry, context, number) for number in range(6)]
    cut_off = tmp_path / "images" / ".build-abc"
    cut_off.mkdir()
    os.utime(cut_off, (0, 0))
    removed = registry.remove_unused({"tag1", digests[2].removeprefix("sha256:")}, newest=2)
    assert sorted(removed) == sorted([digests[0], digests[3]])
    assert registry.tags() == sorted(
        f"{name}" for number in (1, 2, 4, 5) for name in (f"cdkasset-{number}:latest", f"assets:tag{number}")
    )
    for digest in (digests[1], digests[2], digests[4], digests[5]):
        registry.load(digest)
    assert len([*(tmp_path / "images").glob("sha256-*")]) == 4
    assert not cut_off.exists()
    assert registry.remove_unused((), newest=4) == []


def test_nothing_is_made_where_there_are_no_images(tmp_path: Path) -> None:
    assert Registry(tmp_path / "images").remove_unused((), newest=0) == []
    assert [*tmp_path.iterdir()] == []


def test_the_calls_of_the_cdk_cli(local_cloud: Cloud, tmp_path: Path) -> None:
    repository = unique("assets")
    ecr = local_cloud.client("ecr")
    ecr.create_repository(repositoryName=repository, imageTagMutability="IMMUTABLE")
    (tmp_path / "Dockerfile").write_text("FROM x\nCOPY Dockerfile /\n")
    local, remote = "cdkasset-abc", f"{HOST}/{repository}:abc"

    def call(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return docker(local_cloud, *arguments, cwd=tmp_path, stdin=stdin)

    with pytest.raises(ecr.exceptions.ImageNotFoundException):
        ecr.describe_images(repositoryName=repository, imageIds=[{"imageTag": "abc"}])
    assert call("inspect", local).returncode == 1
    built = call("build", "--build-arg", "BASE=x", "--tag", local, "--platform", "linux/amd64", ".")
    assert built.returncode == 0, built.stderr
    assert json.loads(call("inspect", local).stdout)[0]["Id"].startswith("sha256:")
    assert call("login", "--username", "AWS", "--password-stdin", HOST, stdin="secret").returncode == 0
    assert call("tag", local, remote).returncode == 0
    listed = call("images", "--format", "{{.Repository}}:{{.Tag}}", "--filter", "reference=*/*:abc")
    assert f"{repository}:abc" in listed.stdout.split()
    for _ in range(2):
        pushed = call("--config", "/nowhere", "push", remote)
        assert pushed.returncode == 0, pushed.stderr
    found = ecr.describe_images(repositoryName=repository, imageIds=[{"imageTag": "abc"}])["imageDetails"]
    assert found[0]["imageTags"] == ["abc"]
    Registry(images_directory(local_cloud.state_dir)).remove_unused((), newest=0)
    with pytest.raises(ecr.exceptions.ImageNotFoundException):
        ecr.describe_images(repositoryName=repository, imageIds=[{"imageTag": "abc"}])
    assert call("build", "--tag", local, ".").returncode == 0
    assert call("tag", local, remote).returncode == 0
    assert call("push", remote).returncode == 0
    assert ecr.describe_images(repositoryName=repository, imageIds=[{"imageTag": "abc"}])["imageDetails"]


def test_anything_else_is_refused_with_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRAINYARD_STATE_DIR", str(tmp_path))
    for arguments in (["run", "x"], [], ["build", "--squash", "."], ["build"], ["tag", "one"], ["push"]):
        assert main(arguments) == 2
        assert capsys.readouterr().err.startswith("docker (local cloud): ")
    assert main(["push", "nothing:here"]) == 1


def test_the_program_for_cdk_docker_needs_no_environment(tmp_path: Path) -> None:
    script = executable(tmp_path / "state dir")
    done = subprocess.run([script, "inspect", "x"], env={"PATH": os.environ["PATH"]}, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (1, "docker (local cloud): No such object: x\n")
    assert sys.executable in script.read_text()
