"""manage.py on a machine with nothing but Python: it makes its environment, repairs it, and leaves others' alone.

Each test runs the real manage.py in a small project of its own: no dependencies but a wheel made here, and a package
`django` that says what it was called with. So nothing is downloaded.
"""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.environment import ROOT

pytestmark = pytest.mark.timeout(300)

DJANGO = """
import json, sys
def execute_from_command_line(arguments):
    print(json.dumps({"arguments": arguments[1:], "prefix": sys.prefix}))
"""
PYPROJECT = """
[project]
name = "small"
version = "1"
dependencies = ["greeting @ {wheel}"]
[project.optional-dependencies]
test = []
exchange = []
"""
BASE_PYTHON = Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"


def make_wheel(folder, version):
    """Return a wheel of the package `greeting`."""
    path = folder / f"greeting-{version}-py3-none-any.whl"
    about = f"greeting-{version}.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("greeting.py", f"VERSION = {version!r}\n")
        wheel.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: greeting\nVersion: {version}\n")
        wheel.writestr(
            f"{about}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{about}/RECORD", "")
    return path


class Project:
    """A folder with manage.py, and what it prints."""

    def __init__(self, folder):
        """Make the folder."""
        self.folder = folder
        (folder / "django/core/management").mkdir(parents=True)
        (folder / "django/__init__.py").write_text("")
        (folder / "django/core/__init__.py").write_text("")
        (folder / "django/core/management/__init__.py").write_text(DJANGO)
        shutil.copy(ROOT / "manage.py", folder)
        self.depend_on("1.0")

    def depend_on(self, version):
        """Declare the dependency on a version of `greeting`."""
        wheel = make_wheel(self.folder, version)
        (self.folder / "pyproject.toml").write_text(PYPROJECT.format(wheel=wheel.as_uri()))
        (self.folder / "constraints.txt").write_text(f"greeting @ {wheel.as_uri()}\n")

    def run(self, *arguments, python=BASE_PYTHON, **environment):
        """Return the finished process of `python manage.py ...`."""
        return self.start(*arguments, python=python, **environment).finished()

    def start(self, *arguments, python=BASE_PYTHON, **environment):
        """Return the running process."""
        clean = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "PIP_NO_INDEX": "1"}
        return Run([python, "manage.py", *arguments], self.folder, clean | environment)

    @property
    def python(self):
        """The interpreter of the environment that was made."""
        return self.folder / ".venv/bin/python"

    def installed(self):
        """Return the version of `greeting` in the environment."""
        ask = [self.python, "-c", "import greeting; print(greeting.VERSION)"]
        return subprocess.run(ask, capture_output=True, text=True, check=True).stdout.strip()


class Run:
    """One run of manage.py."""

    def __init__(self, command, folder, environment):
        """Start it."""
        self._process = subprocess.Popen(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def finished(self):
        """Wait for its end."""
        self.out, self.err = self._process.communicate(timeout=120)
        self.status = self._process.returncode
        return self

    @property
    def said(self):
        """What the package `django` was called with."""
        assert self.status == 0, self.err
        return json.loads(self.out.splitlines()[-1])


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Return a project after its first run, and that run."""
    project = Project(tmp_path_factory.mktemp("project"))
    return project, project.run("up", "--port", "0")


def test_first_run_makes_the_environment_says_so_and_goes_on_inside_it(made):
    project, first = made
    assert first.said == {"arguments": ["up", "--port", "0"], "prefix": str(project.folder / ".venv")}
    assert "Making the virtual environment" in first.err
    assert "Installing 1 packages" in first.err
    assert project.installed() == "1.0"


def test_later_run_says_nothing_and_installs_nothing(made):
    project, _ = made
    again = project.run("check")
    assert again.said["arguments"] == ["check"]
    assert again.err == ""


def test_test_hands_its_arguments_to_pytest(made):
    project, _ = made
    packages = next((project.folder / ".venv/lib").glob("python*/site-packages"))
    (packages / "pytest.py").write_text("import sys, os\nprint('PYTEST', sys.argv[1:], os.getcwd())\n")
    done = project.run("test", "-k", "some thing", "--lf")
    assert done.out.strip() == f"PYTEST ['-k', 'some thing', '--lf'] {project.folder}"
    assert done.status == 0


def test_command_that_needs_an_extra_has_it_installed_once(made):
    project, _ = made
    stamp = project.folder / ".venv/.complete"
    assert "exchange" not in stamp.read_text().split()
    first = project.run("download_candles", "--exchanges")
    assert first.said["arguments"] == ["download_candles", "--exchanges"]
    assert "exchange" in stamp.read_text().split()
    assert project.run("download_candles").err == ""
    assert project.run("check").err == ""


def test_changed_constraints_are_installed_in_place(made):
    project, _ = made
    project.depend_on("2.0")
    changed = project.run("check")
    assert "Making the virtual environment" not in changed.err
    assert changed.said["prefix"] == str(project.folder / ".venv")
    assert project.installed() == "2.0"


def test_interrupted_installation_is_done_again(made):
    project, _ = made
    stamp = project.folder / ".venv/.complete"
    stamp.write_text("installing")
    next((project.folder / ".venv/lib").glob("python*/site-packages/greeting.py")).unlink()
    assert project.run("check").said["arguments"] == ["check"]
    assert project.installed() == "2.0"


def test_environment_without_interpreter_is_made_anew(made):
    project, _ = made
    for name in (project.folder / ".venv/bin").glob("python*"):
        name.unlink()
    assert project.run("check").said["prefix"] == str(project.folder / ".venv")
    assert project.installed() == "2.0"


def test_two_first_runs_at_once_both_succeed(tmp_path):
    project = Project(tmp_path)
    runs = [project.start("check", str(n)) for n in range(2)]
    assert [run.finished().said["arguments"] for run in runs] == [["check", "0"], ["check", "1"]]
    assert sum("Installing" in run.err for run in runs) == 1
    assert project.installed() == "1.0"


def test_environment_of_another_maker_is_used_as_it_is(tmp_path):
    project = Project(tmp_path / "project")
    foreign = tmp_path / "foreign"
    subprocess.run([BASE_PYTHON, "-m", "venv", "--without-pip", foreign], check=True, stdin=subprocess.DEVNULL)
    done = project.run("check", python=foreign / "bin/python")
    assert done.said["prefix"] == str(foreign)
    assert not (project.folder / ".venv").exists()
    shutil.rmtree(project.folder / "django")
    for command, module, advice in (
        ("check", "django", "uv run manage"),
        ("download_candles", "ccxt", "--extra exchange"),
    ):
        refused = project.run(command, python=foreign / "bin/python")
        assert refused.status == 1
        assert f"{module} is not installed in {foreign}" in refused.err
        assert advice in refused.err


def run_as(project, prelude):
    """Return the run of manage.py after some lines that change what Python it seems to be."""
    code = f"""
{prelude}
import sys
sys.argv = ["manage.py", "check"]
__file__ = "manage.py"
exec(compile(open("manage.py").read(), "manage.py", "exec"))
"""
    return Run([BASE_PYTHON, "-c", code], project.folder, {"PATH": os.environ["PATH"]}).finished()


def test_too_old_a_python_is_told_what_is_needed(tmp_path):
    done = run_as(Project(tmp_path), "import sys\nsys.version_info = (3, 10, 4)")
    assert (done.status, done.err) == (1, "AlgoTrade needs Python 3.11 or newer; this is Python 3.10.\n")


def test_missing_venv_module_is_told_with_its_cure(tmp_path):
    done = run_as(Project(tmp_path), "import sys\nsys.modules['ensurepip'] = None")
    assert done.status == 1
    assert "apt install python3." in done.err
    assert "Traceback" not in done.err
