"""What is told of an optimization before it starts: counts, seconds, memory, warnings."""

import threading

import pytest
from cachetools import LRUCache

from algotrade.errors import AlgotradeError
from algotrade.indicators import MAX_CACHE_BYTES
from algotrade.resolve import resolve_optimization
from runs import artifacts
from runs.backtests.duration import START_SECONDS
from runs.models import Run, Trial
from runs.optimizations import estimate, speed
from tests.runs.pages import N_BARS

REQUEST = {"strategy_name": "sma_cross", "asset": "ACME", "exchange": "TEST", "timeframe": "1h"}
AXES = {"fast": {"min": 4, "max": 60, "step": 2}, "slow": {"min": 20, "max": 100, "step": 4}}


@pytest.fixture
def resolve(site, monkeypatch):
    monkeypatch.setattr(speed, "_samples", LRUCache(speed.MOST_KEPT))

    def resolve_(**changes):
        request = {**REQUEST, "axes": AXES, "filters": {"min_trades": 30}} | changes
        return resolve_optimization(request, artifacts.catalog(), artifacts.candle_store(), max_combinations=10**6)

    return resolve_


@pytest.fixture
def measured(monkeypatch):
    """Let a bar take a microsecond, once the returned event is set."""
    may_end = threading.Event()

    def measure(_resolved):
        may_end.wait(20)
        return 1e-6

    monkeypatch.setattr(speed, "_measured", measure)
    yield may_end
    may_end.set()


def test_counts_and_bars(resolve, measured, settings):
    settings.ALGOTRADE_WORKERS = 2
    measured.set()
    found = estimate.evaluate(resolve(), wait_seconds=20)
    assert (found.total, found.excluded, found.trials, found.known, found.not_drawn) == (609, 121, 488, 0, 0)
    assert (found.bars_per_trial, found.bars, found.n_workers) == (N_BARS, 488 * N_BARS, 2)
    # 244 rounds of 600 bars of a microsecond, a fifth more for storing
    assert found.seconds == pytest.approx(START_SECONDS + 244 * 600e-6 * 1.2)


def test_random_method_counts_what_is_drawn(resolve, measured):
    found = estimate.evaluate(resolve(method="random", max_trials=100))
    assert (found.excluded, found.trials, found.not_drawn) == (121, 100, 388)


def test_known_trials_take_no_time(resolve, measured, monkeypatch):
    measured.set()
    monkeypatch.setattr("runs.optimizations.reuse.n_known", lambda _resolved: 488)
    found = estimate.evaluate(resolve(), wait_seconds=20)
    assert (found.known, found.bars, found.seconds) == (488, 0, START_SECONDS)


def test_seconds_are_unknown_while_they_are_measured(resolve, measured):
    first = estimate.evaluate(resolve())
    assert (first.seconds, first.is_measuring) == (None, True)
    measured.set()
    second = estimate.evaluate(resolve(), wait_seconds=20)
    assert second.seconds is not None
    assert not second.is_measuring


def test_failed_measurement_is_not_repeated(resolve, monkeypatch):
    n_times = []

    def fail(_resolved):
        n_times.append(1)
        raise AlgotradeError("It cannot run.")

    monkeypatch.setattr(speed, "_measured", fail)
    for _ in range(3):
        found = estimate.evaluate(resolve(), wait_seconds=20)
        assert (found.seconds, found.is_measuring) == (None, False)
    assert len(n_times) == 1


def test_speed_of_earlier_trials_of_the_same_source_is_used(resolve, user):
    resolved = resolve(axes={"fast": {"values": [5, 6]}})
    run, _ = Run.objects.submit(resolved, user)
    Run.objects.filter(pk=run.pk).update(processed=2)
    for number in (0, 1):
        Trial.objects.create(run=run, number=number, combination=number, rev=1, duration_ms=6.0)
    # 6 ms for 600 bars are 10 microseconds a bar
    seconds = estimate.optimization_seconds(resolve(), n_trials=100, n_workers=1)
    assert seconds == pytest.approx(START_SECONDS + 100 * 6e-3 * 1.2)


def test_what_people_should_know_is_told(resolve, measured):
    found = estimate.evaluate(resolve(filters={}, start="2024-01-02", end="2024-01-03"))
    warnings = " ".join(found.warnings)
    assert "only 48 bars" in warnings
    assert "one lucky trade" in warnings
    assert "No worker is running" in warnings


def test_memory_grows_with_workers_and_trials(resolve, measured, settings):
    settings.ALGOTRADE_WORKERS = 1
    one = estimate.evaluate(resolve()).memory_bytes
    settings.ALGOTRADE_WORKERS = 2
    assert one < estimate.evaluate(resolve()).memory_bytes < 2 * one
    assert estimate.INDICATOR_BYTES == MAX_CACHE_BYTES
