"""What the README says is there: commands, options, settings, states, files. What it tells to do: tests/integration."""

import ast
import re
from importlib import import_module

from django.core.management import load_command_class

import runs.models
from algotrade.strategies.catalog import BUILTIN_FOLDER
from algotrade.strategies.sources import read_source
from manage import TOOLS
from tests.environment import ROOT
from tests.readme import README, blocks

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PNG_END = b"IEND"
MOST_PICTURE_BYTES = 250_000


def rows(title):
    section = README.split(f"## {title}\n")[1].split("\n## ")[0]
    return [line.split("|")[1].strip() for line in section.splitlines() if line.startswith("| `")]


def test_readme_names_every_command_and_no_other():
    there = {path.stem for path in (ROOT / "runs/management/commands").glob("*.py")} - {"__init__"}
    named = {name for row in rows("Commands") for name in re.findall(r"`(\w+)`", row)}
    assert named == there | {"test", *TOOLS}


def test_readme_names_the_options_that_commands_have():
    section = README.split("## Commands\n")[1].split("\n## ")[0]
    for line in section.splitlines():
        for name in re.findall(r"^\| `(\w+)`", line):
            assert set(re.findall(r"--[a-z-]+", line)) <= options_of(name), name


def options_of(command):
    if command == "test":
        return set()
    loaded = import_module(TOOLS[command]).Command() if command in TOOLS else load_command_class("runs", command)
    parser = loaded.create_parser("manage.py", command)
    return {option for action in parser._actions for option in action.option_strings}


def test_readme_names_every_strategy_and_no_other():
    there = {path.stem for path in BUILTIN_FOLDER.glob("*.py") if read_source(path, builtin=True)}
    assert {name for row in rows("Strategies that come with it") for name in re.findall(r"`(\w+)`", row)} == there


def test_readme_names_every_setting_and_no_other():
    source = (ROOT / "algotrade/settings.py").read_text()
    read = {
        node.args[0].value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant)
        if re.fullmatch(r"[A-Z_]{4,}", str(node.args[0].value))
    }
    assert {row.strip("`") for row in rows("Settings")} == read


def test_readme_draws_the_states_as_the_models_do():
    drawn = [" ".join(line.split()) for line in blocks("")[0].splitlines()]
    assert len(drawn) == 5
    assert all(line.rstrip(")") in " ".join(runs.models.__doc__.split()) for line in drawn)


def test_readme_points_at_files_that_are_there():
    named = re.findall(r"`((?:algotrade|runs|tests)/[\w/.]+)`", README) + re.findall(r"\]\((.*?)\)", README)
    assert len(named) >= 4
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_readme_shows_pictures_that_are_pictures():
    shown = re.findall(r"!\[[^]]+\]\((.*?)\)", README)
    assert shown
    for path in shown:
        content = (ROOT / path).read_bytes()
        assert content.startswith(PNG_SIGNATURE), path
        assert PNG_END in content[-16:], path
        assert len(content) < MOST_PICTURE_BYTES, path


def test_readme_names_what_lies_in_the_tree():
    tree = next(block for block in blocks("") if "manage.py " in block)
    rooms = re.findall(r"(?:^| )(\w+/|\w+\.py)(?= )", tree, re.M)
    assert len(rooms) >= 10
    for room in rooms:
        assert any((ROOT / folder / room).exists() for folder in (".", "algotrade", "tests")), room
