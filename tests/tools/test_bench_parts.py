"""The benchmarks: what they compare does the same work, and each part ends with figures."""

import math
import re
import sys
from collections import Counter

import numpy as np
import pytest

from algotrade.engine.backtest import run_backtest
from algotrade.strategies.sma_cross import SmaCross
from runs.models import Note, Run, RunState, all_kinds
from tests.bench import engine, pages
from tests.bench.candles import COMMISSION, INSTRUMENT, random_walk, spec_of
from tests.bench.chromium import CHROMIUMS
from tests.bench.goals import Goal
from tests.bench.minimal import run_minimal_loop
from tests.bench.paint import Paint
from tests.builders import make_user
from tests.runs.many import make_many


@pytest.mark.parametrize(
    ("goal", "line"),
    [
        (Goal("speed", 1234.5, 1000.0, note="well"), "1,234  >= 1,000       met      well"),
        (Goal("time", 0.71, 0.6, is_at_least=False, unit=" s"), "0.71 s  <= 0.60 s      not met"),
        (Goal("peer", None, 5.0, unit="x", note="no network"), "—  >= 5.00x       skipped  no network"),
        (Goal("share", 25.0, unit=" %"), "25.00 %"),
    ],
)
def test_goal_is_told_in_one_line(goal, line):
    assert goal.line().endswith(line)


def test_minimal_loop_trades_as_the_engine_does(tmp_path):
    bars = random_walk(3_000)
    spec = spec_of(bars, {"fast": 5, "slow": 20, "side": "long"})
    result = run_backtest(SmaCross, spec, bars, INSTRUMENT, cache_dir=tmp_path, compiled=False)
    equity = np.empty(len(bars))
    n_trades = run_minimal_loop(bars.open, bars.close, 5, 20, spec.initial_cash, COMMISSION, equity)
    assert n_trades == np.count_nonzero(result.trades["exit_reason"])
    np.testing.assert_allclose(equity, result.equity, rtol=1e-6)  # lots of 1e-8 units


@pytest.mark.tools
def test_engine_is_measured_to_the_end():
    goals = list(engine.measure(lambda _text: None, n_bars=5_000, rounds=1, peers=False))
    assert len(goals) == 5
    assert all(goal.figure is not None and math.isfinite(goal.figure) for goal in goals)


def refuse(*_args, **_options):
    raise AssertionError("Nothing may be started.")


def measured_pages():
    """Return the goals of `bench pages` where no product may be started."""
    return list(pages.measure(lambda _text: None, make=refuse))


def test_pages_without_chromium_are_skipped_and_say_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    goals = measured_pages()
    assert {goal.verdict for goal in goals} == {"skipped"}
    assert {goal.note for goal in goals} == {
        f"There is no Chromium on the PATH, by any of the names {', '.join(CHROMIUMS)}. "
        "On Debian: apt install chromium-headless-shell"
    }


def test_pages_without_playwright_are_skipped_and_say_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "playwright.sync_api", None)
    goals = measured_pages()
    assert {goal.verdict for goal in goals} == {"skipped"}
    assert all("pip install playwright" in goal.note for goal in goals)


def test_pages_with_a_chromium_that_does_not_start_are_skipped(tmp_path, monkeypatch):
    broken = tmp_path / "chromium-headless-shell"
    broken.write_text("#!/bin/sh\necho '[1:2/3:FATAL:socket.cc:3] Socket path too long: /home' >&2; exit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    goals = measured_pages()
    assert {goal.verdict for goal in goals} == {"skipped"}
    assert re.fullmatch(f"{broken} does not start: BrowserType.launch: .* Socket path too long: /home", goals[0].note)


def test_pages_are_the_list_in_every_order_and_the_charts(monkeypatch):
    monkeypatch.setitem(sys.modules, "playwright.sync_api", None)
    names = [goal.name for goal in measured_pages()]
    assert len(set(names)) == len(names)
    for key in ("number", "return", "sharpe", "objective", "duration"):
        assert f"runs list, sorted by {key}: rows painted" in names
    assert {name.partition(": ")[2] for name in names if name.startswith("run over 500,000 bars")} == {
        "equity painted", "drawdown painted", "price painted", "equity and drawdown, JSON", "price, JSON",
    }  # fmt: skip


def test_pages_are_judged_by_medians_and_tell_the_worst():
    view = pages.View("page", "/", {"chart": "canvas"}, {"series.json": "curve"})
    rounds = [
        Paint({"chart": seconds}, seconds / 2, 0.1, 12_000, {"series.json": (160_000, 30_000)})
        for seconds in (3.0, 0.4, 0.6)
    ]
    chart, curve = pages._goals_of(view, rounds, "")
    assert (chart.figure, chart.verdict) == (0.6, "met")
    assert chart.note == "fastest 0.40 s, worst 3.00 s; first contentful paint 0.30 s, answer after 0.10 s, 12 kB"
    assert (curve.figure, curve.verdict, curve.note) == (160.0, "not met", "30.0 kB compressed, as sent")


@pytest.mark.django_db
def test_history_has_ended_runs_of_every_kind_in_every_state():
    make_many(make_user(), 200)
    found = Counter(Run.objects.values_list("kind", "state"))
    assert {kind for kind, _ in found} == {kind.name for kind in all_kinds()}
    assert {state for _, state in found} == {RunState.COMPLETED, RunState.FAILED, RunState.CANCELLED}
    assert sum(n for (kind, _), n in found.items() if kind == "backtest") == 160
    assert Note.objects.count() == 10


@pytest.mark.django_db
def test_history_carries_what_its_state_has():
    make_many(make_user(), 200)
    for run in Run.objects.filter(kind="backtest"):
        is_completed = run.state == RunState.COMPLETED
        assert (run.processed == run.total, run.result is not None) == (is_completed, is_completed)
        assert (run.error_message is not None) == (run.state == RunState.FAILED)
        assert (run.spec["asset"], run.spec["timeframe"]) == (run.asset, run.timeframe)
        assert run.live["curve"]
