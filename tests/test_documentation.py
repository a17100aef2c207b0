"""The commands in the documents exist: every `trainyard` line parses, every make target and file is there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from benchmarks import newcomer
from trainyard.cli.main import COMMANDS, app
from trainyard.run import recipe

ROOT = Path(__file__).parents[1]
DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "local_cloud/sagemaker/README.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "recipes").glob("*/README.md")),
]
SOURCES = ("trainyard", "local_cloud", "recipes", "infra", "lambdas", "state_machines")
COMMAND = re.compile(r"^\s*(?:\$ )?(trainyard [^#\n]*)", re.MULTILINE)
TARGET = re.compile(r"(?:^|`)make ([a-z-]+)\b", re.MULTILINE)
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")


def lines(pattern: re.Pattern[str]) -> list[tuple[str, str]]:
    return [
        (path.relative_to(ROOT).as_posix(), each) for path in DOCUMENTS for each in pattern.findall(path.read_text())
    ]


@pytest.mark.parametrize(("document", "line"), lines(COMMAND))
def test_documented_commands_and_their_options_exist(document, line):
    words = shlex.split(line)[1:]
    shown = CliRunner().invoke(app, [words[0], "--help"], env={"COLUMNS": "200"})
    assert shown.exit_code == 0, f"{document}: no command {words[0]}"
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown.output)
    for option in (word for word in words if word.startswith("--")):
        assert option in plain, f"{document}: {words[0]} has no {option}"


def test_every_command_is_documented():
    """In a line that somebody can type: `trainyard COMMAND`, in the README or one of the documents beside it."""
    documents = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    documented = {line.split()[1] for path in documents for line in COMMAND.findall(path.read_text(encoding="utf-8"))}
    assert {name for panel in COMMANDS.values() for name in panel} <= documented


def test_documented_make_targets_exist():
    rules = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    documented = {target for _, target in lines(TARGET)}
    assert documented
    assert documented <= rules


@pytest.mark.parametrize(("document", "target"), lines(LINK))
def test_links_between_documents_lead_somewhere(document, target):
    assert ((ROOT / document).parent / target).exists()


def test_the_readme_has_the_commands_of_a_newcomer():
    """In the order that `benchmarks.newcomer` types them in."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "make test" in text
    typed = [" ".join(each.split()[:2]) for each in newcomer.commands(text)]
    verbs = ("open", "rerun", "compare", "rollback", "new", "try", "run")
    path = ["make demo", *(f"trainyard {each}" for each in verbs)]
    assert [each for each in dict.fromkeys(typed[::-1]) if each in path][::-1] == path


@pytest.mark.parametrize("name", recipe.names())
def test_the_gallery_shows_a_small_picture_of_each_recipes_report(name):
    picture = ROOT / "docs" / "reports" / f"{name}.webp"
    assert f"(reports/{picture.name})" in (ROOT / "docs" / "gallery.md").read_text(encoding="utf-8")
    assert 10_000 < picture.stat().st_size <= 150_000


@pytest.mark.parametrize("name", recipe.names())
def test_the_originals_and_the_figures_name_each_recipe(name):
    for document in ("originals.md", "figures.md"):
        assert name in (ROOT / "docs" / document).read_text(encoding="utf-8"), document


def test_files_named_in_the_table_of_originals_exist():
    """Names with a folder are below the root; bare names are below the recipe of their section."""
    text = (ROOT / "docs" / "originals.md").read_text(encoding="utf-8")
    for section in text.split("\n## ")[1:]:
        folder = re.search(r"`(recipes/\w+)`", section)
        assert folder
        for name in re.findall(r"`([\w/]+\.py)`", section):
            path = ROOT / name if "/" in name else ROOT / folder[1] / name
            assert path.exists(), f"{folder[1]}: {name}"


def test_files_named_in_the_architecture_exist():
    """Whole paths are below the root; a bare name is somewhere in it."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([\w/]+\.(?:py|json|css|html\.j2))`", text))
    made = {"request.json", "quality.json", "run.json"}
    known = {path.name for folder in SOURCES for path in (ROOT / folder).rglob("*")}
    assert len(named) > 40
    for name in named:
        if (ROOT / name).exists() or (ROOT / "trainyard" / name).exists():
            continue
        file = name.rpartition("/")[2]
        assert file in known or file in made or _is_document(file), name


def _is_document(name: str) -> bool:
    """Whether a stage writes a file of this name: it is spelt out somewhere in the shared package."""
    sources = (ROOT / "trainyard").rglob("*.py")
    return any(f'"{name}"' in path.read_text(encoding="utf-8") for path in sources)
