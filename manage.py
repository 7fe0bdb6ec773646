#!/usr/bin/env python3
"""Run a command of AlgoTrade. The first run makes the environment that it needs, `.venv` beside this file.

Nothing but Python 3.11 or newer is asked of the machine. Whether `.venv` is complete stands in its stamp: a hash of
`pyproject.toml`, `constraints.txt` and the Python version, and the extras that are installed. The stamp is written
last, so whatever ended an installation early, the same command repairs it. A virtual environment without our stamp
belongs to its maker (`uv run`, an activated one): there the command runs as it is.

`test` hands over to pytest before Django sees the arguments; everything after it is pytest's. A command that needs an
extra of `pyproject.toml` has it installed, once.

Only the standard library is imported above `main`.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - an older Python gets as far as this line, and must be told
    sys.exit("AlgoTrade needs Python 3.11 or newer; this is Python {}.{}.".format(*sys.version_info))

import hashlib
import os
import subprocess
from collections.abc import Collection
from pathlib import Path
from typing import IO, NoReturn

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / ".complete"
TORN = "installing"
"""What the stamp says while packages are being written; found at a start, it means that somebody was interrupted."""
EXTRAS = {"test": "test", "screens": "test", "download_candles": "exchange"}
"""The extra of pyproject.toml that a command needs; pictures are taken with the tests' browser driver."""
TOOLS = {"bench": "tests.bench.command", "screens": "tests.screens.command"}
"""Commands that look at the product from outside; they live with its tests, not in its app."""
SIGNS = {"test": "pytest", "exchange": "ccxt"}
"""The module that tells whether an extra is installed in somebody else's environment."""
AGAIN = "Run the same command again: it goes on from here."
VENV_MISSING = (
    "Python's venv module is missing, which makes the environment of AlgoTrade.\n"
    "On Debian and Ubuntu it is a package of its own: apt install python{0}.{1}-venv. Then run the same command again."
)


def ready_python(extras: Collection[str]) -> str:
    """Return the interpreter to run under, its environment complete.

    Args:
        extras: optional dependencies of pyproject.toml that the command needs.

    Raises:
        SystemExit: the environment cannot be made; the message says what to do.
    """
    is_inside = sys.prefix != sys.base_prefix
    if is_inside and not _is_made_here():
        for extra in extras or [""]:
            _require(SIGNS.get(extra, "django"), extra)
    elif not _is_complete(extras):
        _complete(extras)
    return sys.executable if is_inside else str(PYTHON)


def _is_made_here() -> bool:
    """Whether this interpreter's environment is the one that this file made."""
    return STAMP.exists() and os.path.samefile(sys.prefix, VENV)


def _require(module: str, extra: str) -> None:
    """End with advice when somebody else's environment lacks `module`."""
    import importlib.util

    if importlib.util.find_spec(module) is None:
        option = f"--extra {extra} " if extra else ""
        sys.exit(
            f"{module} is not installed in {sys.prefix}, an environment that manage.py did not make and does not "
            f"change.\nLeave it (deactivate) and run the same command again, or use uv run {option}manage.py."
        )


def _stamped() -> list[str]:
    """Return the words of the stamp: the hash, then the extras. One empty word when there is none."""
    try:
        return STAMP.read_text().split() or [""]
    except FileNotFoundError:
        return [""]


def _wanted() -> str:
    """Return the hash that a complete environment's stamp has."""
    version = "{}.{}".format(*sys.version_info)
    recipe = [(ROOT / name).read_bytes() for name in ("pyproject.toml", "constraints.txt")]
    return hashlib.sha256(b"\0".join([*recipe, version.encode()])).hexdigest()


def _is_complete(extras: Collection[str]) -> bool:
    stamp, *installed = _stamped()
    return stamp == _wanted() and set(extras) <= set(installed) and PYTHON.exists()


def _complete(extras: Collection[str]) -> None:
    """Make the environment, or bring it up to date in place; one process at a time."""
    import fcntl

    try:
        VENV.mkdir(exist_ok=True)
        with (VENV / ".lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                _say("Another start is installing; waiting for it.")
                fcntl.flock(lock, fcntl.LOCK_EX)
            if not _is_complete(extras):  # the other one may have done all
                _make_environment()
                _install(extras)
    except KeyboardInterrupt:
        sys.exit(f"\nInterrupted. {AGAIN}")
    except subprocess.CalledProcessError as error:
        sys.exit(f"The installation failed: {error.cmd[2]} ended with status {error.returncode}. {AGAIN}")
    except OSError as error:
        sys.exit(f"The installation failed: {error}")


def _make_environment() -> None:
    """Make a virtual environment of this Python in VENV, unless a usable one is there."""
    if _is_usable():
        return
    import importlib.util

    if not all(importlib.util.find_spec(module) for module in ("venv", "ensurepip")):
        sys.exit(VENV_MISSING.format(*sys.version_info))
    _say(f"Making the virtual environment {VENV} (once, about 10 seconds).")
    make = [sys.executable, "-m", "venv", str(VENV)]
    # In place at first: an environment that lacks only pip (uv's) keeps its packages. What is still not usable then
    # was torn or belongs to another version of Python, and is of no use to anybody.
    if subprocess.run(make, stdin=subprocess.DEVNULL, capture_output=True).returncode or not _is_usable():
        _empty(VENV)
        subprocess.run(make, stdin=subprocess.DEVNULL, stdout=sys.stderr, check=True)


def _is_usable() -> bool:
    """Whether VENV has an interpreter of this version, with pip."""
    if not PYTHON.exists():
        return False
    ask = "import sys, pip; print(*sys.version_info[:2])"
    answer = subprocess.run([PYTHON, "-c", ask], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    return answer.stdout.split() == [str(part) for part in sys.version_info[:2]]


def _empty(folder: Path) -> None:
    """Remove what is in `folder`, but for the lock that is held."""
    import shutil

    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.name != ".lock":
            path.unlink()


def _install(extras: Collection[str]) -> None:
    """Install the dependencies of pyproject.toml under constraints.txt, then write the stamp."""
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    optional = project.get("optional-dependencies", {})
    stamp, *installed = _stamped()
    # What was installed stays installed: `up` after `test` must not leave half of the packages behind the constraints.
    kept = sorted(set(optional) & (set(extras) | set(installed)))
    needs = [*project["dependencies"], *(need for extra in kept for need in optional[extra])]
    # pip takes a package for installed as soon as its metadata is there: after an interruption all is written anew.
    again = ["--force-reinstall"] if stamp == TORN else []
    if needs:
        _say(f"Installing {len(needs)} packages and what they need into {VENV} (once, one to three minutes).")
        _write_stamp(TORN, kept)
        quietly = ["--quiet", "--disable-pip-version-check", "--no-input"]
        command = [str(PYTHON), "-m", "pip", "install", *quietly, *again, "--constraint", "constraints.txt", *needs]
        subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=sys.stderr, check=True)
    _write_stamp(_wanted(), kept)


def _write_stamp(state: str, extras: Collection[str]) -> None:
    aside = STAMP.with_suffix(".new")
    aside.write_text(" ".join([state, *extras]))
    aside.replace(STAMP)


def _say(text: str) -> None:
    """Tell what takes a while; on stderr, because a command's output may be read by a program."""
    stream: IO[str] = sys.stderr
    stream.write(text + "\n")
    stream.flush()


def _become(python: str, *arguments: str) -> NoReturn:
    """Go on as another program, in this process: signals and exit status need no forwarding."""
    os.execv(python, [python, *arguments])


def main() -> None:
    """Run the command in its environment.

    Raises:
        SystemExit: the environment cannot be made, or lacks a package that its maker must bring.
    """
    command = sys.argv[1] if len(sys.argv) > 1 else ""
    python = ready_python([EXTRAS[command]] if command in EXTRAS else [])
    if command == "test":
        os.chdir(ROOT)
        _become(python, "-m", "pytest", *sys.argv[2:])
    if python != sys.executable:
        _become(python, str(ROOT / "manage.py"), *sys.argv[1:])

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "algotrade.settings")
    if command in TOOLS:
        _run_tool(TOOLS[command])
        return
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


def _run_tool(module: str) -> None:
    """Run the management command of a module that belongs to no app."""
    import importlib

    import django

    django.setup()
    importlib.import_module(module).Command().run_from_argv(sys.argv)


if __name__ == "__main__":
    main()
