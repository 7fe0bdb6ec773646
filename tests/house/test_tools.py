"""Linter, formatter, types, layers, migrations: what a tool can judge, it judges here."""

import re
import subprocess
import sysconfig
from collections import Counter
from pathlib import Path

import pytest
from django.core.management import call_command

from tests.environment import HOME, ROOT

BIN = Path(sysconfig.get_path("scripts"))
LONGEST_MODULE = 500
LONGEST_TEMPLATE_LINE = 160
MOST_TEMPLATES_IN_A_FOLDER = 25


@pytest.mark.parametrize("command", [("ruff", "check"), ("ruff", "format", "--check"), ("lint-imports",)], ids=" ".join)
def test_tool_finds_nothing(command):
    program, *arguments = command
    done = subprocess.run(
        [BIN / program, *arguments],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def types():
    """Return the command that checks the types; with its environment."""
    return [BIN / "mypy"], {"ALGOTRADE_HOME": str(HOME)}


@pytest.mark.beside(command=types)
@pytest.mark.timeout(600)
def test_types_are_right(done_beside):
    status, output = done_beside
    assert status == 0, output


@pytest.mark.django_db
def test_models_have_no_migration_to_be_made():
    call_command("makemigrations", check_changes=True, dry_run=True, verbosity=0)


@pytest.mark.django_db
def test_django_finds_nothing():
    call_command("check", fail_level="WARNING")


def sources(pattern, *folders):
    return [path for folder in folders for path in sorted((ROOT / folder).rglob(pattern))]


def test_no_module_has_grown_out_of_sight():
    lengths = {path: len(path.read_text().splitlines()) for path in sources("*.py", "algotrade", "runs", "tests")}
    assert len(lengths) > 100
    assert [path.name for path, n_lines in lengths.items() if n_lines > LONGEST_MODULE] == []


def test_no_page_has_inline_script_or_style():
    forbidden = re.compile(r"<style|<script>|<script [^>]*>[^<]|\sstyle=|\son(click|change|submit|load|input)=", re.I)
    found = [path.name for path in sources("*.html", "templates") if forbidden.search(path.read_text())]
    assert found == []


def test_templates_are_read_without_scrolling_sideways():
    lines = [
        (str(path.relative_to(ROOT)), number)
        for path in sources("*.html", "templates")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if len(line) > LONGEST_TEMPLATE_LINE
    ]
    assert lines == []


def test_no_folder_of_templates_is_a_heap():
    folders = Counter(path.parent for path in sources("*.html", "templates"))
    assert len(folders) > 5
    assert {folder.name: n for folder, n in folders.items() if n > MOST_TEMPLATES_IN_A_FOLDER} == {}


def test_every_package_is_pinned():
    pins = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line)
    known = {re.sub(r"[-_.]+", "-", name).lower() for name in pins}
    named = re.findall(r'^    "([A-Za-z0-9._-]+)(?:\[.*?\])?[~=>]', (ROOT / "pyproject.toml").read_text(), re.M)
    assert len(named) > 20
    assert {re.sub(r"[-_.]+", "-", name).lower() for name in named} <= known
    assert '"django-q2==' + pins["django-q2"] + '"' in (ROOT / "pyproject.toml").read_text()
