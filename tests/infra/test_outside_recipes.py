"""Recipes and environments of installed packages are deployed with what they need, or refused in a sentence."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra import sources
from infra.settings import settings
from local_cloud.images.build import BuildRequest, build
from tests import outside
from trainyard.errors import TrainyardError

ENVIRONMENT = """from infra.settings import Settings

PROD = Settings(name="prod", alarm_email="people@example.com", account="111122223333")
WRONG = Settings(name="wrong")
"""
LOCKED = "acme-numbers==2.0 \\\n    --hash=sha256:00\n"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of installed packages."""
    monkeypatch.syspath_prepend(tmp_path / "site")
    outside.forget(monkeypatch)
    yield tmp_path / "site"
    for name in [each for each in sys.modules if each.startswith("acme")]:
        del sys.modules[name]


def deployed(tmp_path: Path, *folders: str) -> Path:
    sources.copy(tmp_path / "deployed", *sources.SHARED, *folders)
    return tmp_path / "deployed"


def test_without_any_the_list_is_empty(tmp_path: Path) -> None:
    found = deployed(tmp_path, "lambdas")
    assert (found / "recipes" / "deployed.py").read_text().endswith("PACKAGES = {}\n")
    assert not re.search(r"^\w", (found / "recipes" / "requirements.txt").read_text(), re.MULTILINE)


def test_their_packages_are_deployed_whole_and_found_where_nothing_is_installed(site: Path, tmp_path: Path) -> None:
    before = sources.code_version()
    outside.install(site, "acme-plain", files=outside.PLAIN, entry_points={"plain": "acme_plain.plain"})
    assert sources.code_version() != before
    found = deployed(tmp_path)
    packages = {each.relative_to(found).as_posix() for each in (found / "acme_plain").rglob("*") if each.is_file()}
    assert packages == {each for each in outside.PLAIN if not each.endswith(".md")}
    code = "from trainyard.run import recipe; print(*recipe.names()); print(recipe.config('plain').title)"
    done = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path[:0] = [{str(found)!r}, *{sys.path!r}]; {code}"],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    names, title = done.stdout.splitlines()
    assert "plain" in names.split()
    assert "prod2vec" in names.split()
    assert title == "Plain"


@pytest.mark.parametrize("folder", ["processing_container", "training_container"])
def test_an_image_is_built_from_what_is_deployed_and_has_their_packages(
    folder: str, site: Path, tmp_path: Path
) -> None:
    outside.install(site, "acme-plain", files=outside.PLAIN, entry_points={"plain": "acme_plain.plain"})
    command = [sys.executable, "-m", "infra.sources", str(tmp_path / "context"), folder]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(site), str(sources.ROOT)])}
    subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, check=True)
    built = build(BuildRequest(context=tmp_path / "context", dockerfile=f"{folder}/Dockerfile"), tmp_path / "image")
    program = built.root / "opt" / "program"
    assert {each.name for each in program.iterdir()} == {"trainyard", "recipes", folder, "acme_plain"}
    assert (program / "acme_plain" / "words" / "stop.csv").is_file()


def test_code_version_changes_with_what_the_package_imports(site: Path) -> None:
    outside.install(site, "acme-plain", files=outside.PLAIN, entry_points={"plain": "acme_plain.plain"})
    before = sources.code_version()
    (site / "acme_plain" / "README.md").write_text("More about it.")
    assert sources.code_version() == before
    (site / "acme_plain" / "words" / "stop.csv").write_text("the\na\n")
    assert sources.code_version() != before


def test_of_a_shared_namespace_only_the_recipes_own_part_is_deployed(site: Path, tmp_path: Path) -> None:
    files = {f"acme/{each}": text.replace("acme_plain.", "acme.acme_plain.") for each, text in outside.PLAIN.items()}
    outside.install(site, "acme-plain", files=files, entry_points={"plain": "acme.acme_plain.plain"})
    (site / "acme" / "billing").mkdir()
    (site / "acme" / "billing" / "__init__.py").touch()
    found = deployed(tmp_path)
    assert [each.name for each in (found / "acme").iterdir()] == ["acme_plain"]


def test_a_lock_of_its_own_is_installed_in_the_images(site: Path, tmp_path: Path) -> None:
    files = {**outside.PLAIN, "acme_plain/requirements.txt": f"# made by uv\n{LOCKED}"}
    needs = ("acme-numbers>=1", "trainyard", "numpy>=1.26", "tensorflow>=2", "win-only; sys_platform == 'win32'")
    outside.install(site, "acme-plain", files=files, entry_points={"plain": "acme_plain.plain"}, requires=needs)
    lines = (deployed(tmp_path) / "recipes" / "requirements.txt").read_text().splitlines()
    assert lines[1:] == ["acme-numbers==2.0 --hash=sha256:00"]
    for each in ("processing_container", "training_container"):
        text = (sources.ROOT / each / "Dockerfile").read_text()
        assert (
            text.index("COPY recipes/requirements.txt")
            < text.index("-r recipes/requirements.txt")
            < text.index("COPY . .")
        )


@pytest.mark.parametrize(
    ("requires", "lock", "sentence"),
    [
        (("acme-numbers",), "", "Expected the images to have acme-numbers for acme-plain, found none"),
        (("numpy<1",), "", "Expected the images to have numpy<1 for acme-plain, found "),
        (("acme-numbers>2",), LOCKED, "Expected the images to have acme-numbers>2 for acme-plain, found 2.0"),
        ((), "acme-numbers>=2\n", "Expected lines NAME==VERSION --hash=... in "),
        ((), "numpy==1.0 --hash=sha256:00\n", "Expected one version of numpy, found "),
    ],
)
def test_what_the_images_do_not_have_is_refused(
    requires: tuple[str, ...], lock: str, sentence: str, site: Path
) -> None:
    files = {**outside.PLAIN, "acme_plain/requirements.txt": lock}
    outside.install(site, "acme-plain", files=files, entry_points={"plain": "acme_plain.plain"}, requires=requires)
    with pytest.raises(TrainyardError, match=re.escape(sentence)):
        sources.code_version()


@pytest.mark.parametrize(
    ("files", "package", "sentence"),
    [
        ({}, "acme_gone", "Expected to load the recipe plain of acme-plain 1.0 from acme_gone"),
        ({"recipes/plain/config.py": ""}, "recipes.plain", "found ModuleNotFoundError"),
        (outside.PLAIN, "lambdas", "Expected to load the recipe plain"),
    ],
)
def test_what_cannot_be_loaded_is_not_deployed(files: dict[str, str], package: str, sentence: str, site: Path) -> None:
    outside.install(site, "acme-plain", files=files, entry_points={"plain": package})
    with pytest.raises(TrainyardError, match=re.escape(sentence)):
        sources.code_version()


def test_a_package_of_this_projects_name_is_refused(site: Path) -> None:
    outside.install(site, "acme-plain", files={}, entry_points={"plain": "recipes.two_tower"})
    with pytest.raises(TrainyardError, match="packages of other names than recipes"):
        sources.code_version()


def test_a_package_offers_environments_of_its_own_and_may_replace_ours(site: Path) -> None:
    offered = {"prod": "acme_places:PROD", "test": "acme_places:WRONG", "gone": "acme_places:GONE"}
    outside.install(
        site, "acme-places", files={"acme_places.py": ENVIRONMENT}, entry_points=offered, group="trainyard.environments"
    )
    assert settings("prod").account == "111122223333"
    assert settings("dev").account is None
    for name, sentence in {
        "test": "to lead to Settings of test, found those of wrong",
        "gone": "Expected to load acme_places:GONE of acme-places 1.0, found AttributeError",
        "none": "Expected env to be one of dev, prod, gone, test, found 'none'",
    }.items():
        with pytest.raises(TrainyardError, match=re.escape(sentence)):
            settings(name)
