"""Every template of the package escapes what it is given, and is read only when a page is asked for."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from jinja2 import UndefinedError, nodes

from trainyard.pages.environment import environment, render

ROOT = Path(__file__).parents[2]
TEMPLATES = environment().list_templates(extensions=["j2", "css"])
UNESCAPED = (nodes.MarkSafe, nodes.MarkSafeIfAutoescape, nodes.EvalContextModifier, nodes.ScopedEvalContextModifier)


@dataclass(frozen=True, kw_only=True)
class Titled:
    title: str


def test_every_page_has_its_template_beside_its_code():
    assert {"pages/frame.html.j2", "stages/report/page.html.j2", "serving/page.html.j2"} <= set(TEMPLATES)
    for name in TEMPLATES:
        folder = (ROOT / "trainyard" / name).parent
        # The many of the console have folders of their own.
        beside = folder.parent if folder.name in ("templates", "static") else folder
        assert list(beside.glob("*.py")), name


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_escapes_everything(name):
    assert environment().get_template(name).environment.autoescape is True
    tree = environment().parse(environment().loader.get_source(environment(), name)[0])
    assert not [*tree.find_all(UNESCAPED)]
    assert not [each for each in tree.find_all(nodes.Filter) if each.name in {"safe", "forceescape", "xmlattr"}]


@pytest.mark.parametrize("name", [each for each in TEMPLATES if each.endswith(".css")])
def test_a_stylesheet_holds_rules_alone(name):
    text = (ROOT / "trainyard" / name).read_text(encoding="utf-8")
    assert not [each for each in ("{{", "{%", "{#", "<", "url(", "@import") if each in text]
    assert environment().get_template(name).render() == text.removesuffix("\n")


def test_no_code_marks_text_as_markup():
    sources = {path: path.read_text(encoding="utf-8") for path in (ROOT / "trainyard").rglob("*.py")}
    assert not [path for path, text in sources.items() if "markupsafe" in text.lower() or "Markup(" in text]


def test_text_is_escaped_whatever_the_name_of_its_template():
    assert environment().from_string("{{ page }}").render(page="<'&\">") == "&lt;&#39;&amp;&#34;&gt;"


@pytest.mark.parametrize("name", ["stages/report/page.html.j2", "serving/page.html.j2"])
def test_a_value_that_is_missing_is_an_error_and_no_gap(name):
    with pytest.raises(UndefinedError, match=r"'.*Titled object' has no attribute"):
        render(name, Titled(title="A page without the rest"))


def test_programs_start_without_the_template_engine():
    modules = "trainyard.serving.application, trainyard.stages.report.page"
    code = f"import sys, {modules}; sys.exit('jinja2' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
