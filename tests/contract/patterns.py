"""Addresses, commands and settings: what the product is called by, asked without a running one."""

import json
import os
import re
import subprocess
import sys
import tempfile

from tests.environment import ROOT
from tests.readme import README

LIST = r"""
import json
import re
from django.urls import URLResolver, get_resolver

UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"

def walk(patterns, before, namespace):
    for one in patterns:
        address = before + str(one.pattern)
        if isinstance(one, URLResolver):
            inner = f"{one.namespace}:" if one.namespace else ""
            yield from walk(one.url_patterns, address, namespace + inner)
        else:
            converters = getattr(one.pattern, "converters", {})
            takes = {name: how.regex.replace(UUID, "uuid") for name, how in converters.items()}
            yield {"address": re.sub(r"<\w+:", "<", address), "name": namespace + (one.name or ""), "takes": takes}

print(json.dumps(list(walk(get_resolver().url_patterns, "/", ""))))
"""
"""Lists every address with what its parts may be; run by `manage.py shell`, so it knows Django and nothing else."""
HELP = r"""
import os
import runpy
import sys

import django
from django.core.management import get_commands, load_command_class

os.environ["DJANGO_SETTINGS_MODULE"] = "algotrade.settings"
django.setup()
for name, app in get_commands().items():
    load_command_class(app, name)
for name in sys.argv[1:]:
    print(f"\0{name}", flush=True)
    process = os.fork()
    if not process:
        sys.argv = ["manage.py", name, "--help"]
        try:
            runpy.run_path("manage.py", run_name="__main__")
        finally:  # without tearing down all that was loaded, which takes longer than the help
            sys.stdout.flush()
            os._exit(0)
    os.waitpid(process, 0)
"""
"""Prints the help of commands as `manage.py NAME --help` does; forked from one process, which has all loaded."""
COMMANDS = (
    "api_token", "backtest", "backup", "bench", "download_candles", "import_candles", "login_url", "new_strategy",
    "optimize", "prune_runs", "reap", "restore", "screens", "up", "web", "worker",
)  # fmt: skip
DJANGO_OPTIONS = {
    "--help", "--version", "--verbosity", "--settings", "--pythonpath", "--traceback", "--no-color", "--force-color",
    "--skip-checks", "-h", "-v",
}  # fmt: skip
IN_DOCUMENT = re.compile(r"/api/(?!docs|openapi)")
"""Addresses of the API's routes: the OpenAPI document has them, and Django's names for them are nobody's business."""


def addresses(manage):
    """Return the address of each page, its name, and what the parts in angles may be.

    Args:
        manage: runs a command of manage.py, and returns what it prints.
    """
    found = json.loads(manage("shell", "-v", "0", "-c", LIST))
    return [one for one in found if not IN_DOCUMENT.match(one["address"])]


def options():
    """Return the options of every command; those that all commands of Django have are left out."""
    with tempfile.TemporaryDirectory(prefix="algotrade-contract-") as home:
        environment = {"PATH": os.environ["PATH"], "HOME": home, "ALGOTRADE_HOME": home, "COLUMNS": "200"}
        line = [sys.executable, "-c", HELP, *COMMANDS]
        done = subprocess.run(
            line, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120
        )
    told = dict(part.split("\n", 1) for part in done.stdout.split("\0")[1:])
    return {name: _options(text) for name, text in told.items()}


def _options(text):
    named = re.findall(r"(?<![\w-])--?[a-z][a-z-]*", text)
    _, _, section = text.partition("positional arguments:\n")
    operands = re.findall(r"^  (\S+)", section.split("\n\n")[0], re.MULTILINE)
    return {"options": sorted(set(named) - DJANGO_OPTIONS), "operands": operands}


def settings():
    """Return the documented settings with their documented defaults."""
    section = README.split("## Settings\n")[1].split("\n## ")[0]
    rows = [line.split("|")[1:3] for line in section.splitlines() if line.startswith("| `")]
    return {name.strip().strip("`"): default.strip() for name, default in rows}
