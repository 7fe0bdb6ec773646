"""Commands that people and programs use beside a running product: what they print, and their exit status."""

import json
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from tests.contract.parts.datasets import GOOD
from tests.environment import ROOT

WHERE = ("--asset", "ACME", "--exchange", "SAMPLE", "--timeframe", "1h", "--end", "2020-01-24")
SECONDS = 120
PRUNED_BEFORE = re.compile(r"(?<=ended before )[-\d]+ [\d:]+ UTC")


def record(recorder):
    """Record the part."""
    part = recorder.part("commands")
    _backtests(part)
    _optimizations(part)
    _rest(part, recorder)


def _backtests(part):
    talk = ("backtest", "--strategy", "talkative", *WHERE)
    _run(part, "backtest as JSON", *talk, "--param", "quick=3", "--param", "mood=long", "--commission", "0.001",
         "--cash", "5000", "--slippage-ticks", "1", "--json")  # fmt: skip
    _run(part, "backtest that fails", "backtest", "--strategy", "stumbling", *WHERE, "--json")


def _optimizations(part):
    optimize = ("optimize", "--strategy", "patient", *WHERE, "--axis", "length=40:42:1", "--axis", "bad=0,41")
    _run(part, "optimization as JSON", *optimize, "--fixed", "worse=7", "--rule", "length != 40", "--objective",
         "net_profit", "--direction", "minimize", "--method", "random", "--trials", "3", "--seed", "5",
         "--min-trades", "1", "--json")  # fmt: skip


def _rest(part, recorder):
    """Record commands that do not meddle with each other, two at a time."""
    good, bad = (recorder.product.home / f"{name}.csv" for name in ("plums", "sloes"))
    good.write_bytes(GOOD)
    bad.write_bytes(GOOD.replace(b",102,", b",1,", 1))
    names = ("--asset", "PLUM", "--exchange", "FARM", "--timeframe", "1h")
    lines = {
        "backtest of nothing": ("backtest", "--strategy", "sma_cross", *WHERE, "--param", "speed=3"),
        "import": ("import_candles", str(good), *names, "--lot-size", "1", "--currency", "EUR"),
        "import of wrong prices": ("import_candles", str(bad), *names),
        "new strategy": ("new_strategy", "brand_new"),
        "new strategy that is there": ("new_strategy", "talkative"),
        "what would be pruned": ("prune_runs", "--days", "30", "--dry-run"),
    }
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda line: _done(recorder, line), lines.values()))
    for (step, line), done in zip(lines.items(), found, strict=True):
        _note(part, step, line, done, PRUNED_BEFORE.sub("<time>", done.stdout).splitlines())


def _run(part, step, *line):
    """Record a command that prints JSON; one that prints something else differs, and its errors tell why."""
    done = _done(part.recorder, line)
    try:
        printed = json.loads(done.stdout)
    except ValueError:
        printed = done.stdout.splitlines()
    _note(part, step, line, done, printed)


def _done(recorder, line):
    return subprocess.run(
        [sys.executable, "manage.py", *line], cwd=ROOT, env=recorder.product.environment, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=SECONDS,
    )  # fmt: skip


def _note(part, step, line, done, stdout):
    errors = part.recorder.normal.text(done.stderr).splitlines()
    part.note(step, {"arguments": list(line), "status": done.returncode, "stderr": errors, "stdout": stdout})
