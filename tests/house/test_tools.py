"""Linter, formatter, types, layers, migrations: what a tool can judge, it judges here."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.environment import ROOT

BIN = Path(sys.executable).parent
LONGEST_MODULE = 500


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "command",
    [
        ("ruff", "check"),
        ("ruff", "format", "--check"),
        ("lint-imports",),
        ("mypy",),
        ("python", "manage.py", "makemigrations", "--check", "--dry-run"),
        ("python", "manage.py", "check", "--fail-level", "WARNING"),
    ],
    ids=" ".join,
)
def test_tool_finds_nothing(command):
    program, *arguments = command
    done = subprocess.run(
        [BIN / program, *arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHONWARNINGS": "default"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


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


def test_every_package_is_pinned():
    pins = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line)
    known = {re.sub(r"[-_.]+", "-", name).lower() for name in pins}
    named = re.findall(r'^    "([A-Za-z0-9._-]+)(?:\[.*?\])?[~=>]', (ROOT / "pyproject.toml").read_text(), re.M)
    assert len(named) > 20
    assert {re.sub(r"[-_.]+", "-", name).lower() for name in named} <= known
    assert '"django-q2==' + pins["django-q2"] + '"' in (ROOT / "pyproject.toml").read_text()
