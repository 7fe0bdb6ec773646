"""The rooms of the house: few modules in a folder, one word for each thing, and a README that names every room."""

import ast
import re
import tomllib

import pytest

from tests.environment import ROOT
from tests.readme import README

MOST_MODULES = 20
MOST_DIRECT = 12
FOLDERS = ("algotrade", "runs", "tests")
TEXT_SEARCH = re.compile(r"re\.search|\w*pattern\w*\.search\(|searchsorted|searchbox|search_fields|search_help_text")
ABOUT_THE_LIST = (
    "runs/display/listing.py", "runs/models/note.py", "runs/server/logs.py", "algotrade/scrubbing.py",
    "runs/migrations/",
)  # fmt: skip
"""Where the list's text search lives, secrets are searched for, or history is told."""
CLAUSE = re.compile(r'^"""(What|Who|Whose|Which|How|That|Whether|From|Where|When) ')


def modules_of(folder):
    return [path for path in sorted((ROOT / folder).rglob("*.py")) if "__pycache__" not in path.parts]


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_folder_is_crowded(folder):
    counts = {}
    for path in modules_of(folder):
        if path.name != "__init__.py" and path.parent.name != "migrations":
            counts[path.parent] = counts.get(path.parent, 0) + 1
    assert len(counts) > 5
    assert {str(path.relative_to(ROOT)): n for path, n in counts.items() if n > MOST_MODULES} == {}


def test_few_modules_of_the_app_lie_outside_its_rooms():
    assert len(list((ROOT / "runs").glob("*.py"))) <= MOST_DIRECT


def test_readme_and_contract_name_the_rooms_that_there_are():
    rooms = {path.parent.name for path in (ROOT / "runs").glob("*/__init__.py")} - {"migrations"}
    named = set(re.findall(r"^\| `(\w+)/` \|", README, re.M))
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (layers,) = (contract["layers"] for contract in contracts if contract["name"] == "Rooms of runs")
    in_contract = set(re.findall(r"\w+", " ".join(layers)))
    assert named == rooms
    assert rooms <= in_contract
    assert len(layers) <= MOST_DIRECT + 1


def test_readme_names_the_modules_beside_the_rooms():
    chapter = README.split("## Architecture\n")[1].split("\n## ")[0]
    direct = {path.name for path in (ROOT / "runs").glob("*.py")} - {"__init__.py"}
    assert {name for name in direct if f"`{name}`" not in chapter} == set()


def words_of(path):
    """Return names and strings of a module, with the lines that they stand in."""
    for node in ast.walk(ast.parse(path.read_text())):
        for field in ("id", "attr", "name", "arg", "value"):
            text = getattr(node, field, None)
            if isinstance(text, str):
                yield getattr(node, "lineno", 0), text


def test_an_optimization_is_called_nothing_else():
    found = []
    for path in [*modules_of("algotrade"), *modules_of("runs")]:
        where = str(path.relative_to(ROOT))
        if where.startswith(ABOUT_THE_LIST):
            continue
        lines = path.read_text().splitlines()
        for number, text in words_of(path):
            if re.search("search", text, re.I) and not TEXT_SEARCH.search(lines[number - 1]):
                found.append(f"{where}:{number} {text[:60]}")
    assert found == []
    named = [path.name for path in (ROOT / "templates").rglob("*search*")]
    assert named + [path.name for path in (ROOT / "static/js").glob("*search*")] == []


@pytest.mark.parametrize("folder", ["algotrade", "runs"])
def test_docstrings_of_modules_begin_with_a_noun(folder):
    first_lines = {path: path.read_text().split("\n", 1)[0] for path in modules_of(folder)}
    assert [str(path) for path, line in first_lines.items() if CLAUSE.match(line)] == []
