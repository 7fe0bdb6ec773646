"""What is told of an optimization before it starts: counts, seconds, memory, warnings."""

import threading

import pytest

from algotrade.errors import AlgotradeError
from algotrade.indicators import MAX_CACHE_BYTES
from algotrade.resolve import resolve_optimization
from runs import artifacts, estimates, evaluation, speeds
from runs.models import Run, Trial
from tests.runs.pages import N_BARS

REQUEST = {"strategy_name": "sma_cross", "asset": "ACME", "exchange": "TEST", "timeframe": "1h"}
AXES = {"fast": {"min": 4, "max": 60, "step": 2}, "slow": {"min": 20, "max": 100, "step": 4}}


@pytest.fixture
def resolve(site, monkeypatch):
    monkeypatch.setattr(speeds, "_samples", type(speeds._samples)())

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

    monkeypatch.setattr(speeds, "_measured", measure)
    yield may_end
    may_end.set()


def test_counts_and_bars(resolve, measured, settings):
    settings.ALGOTRADE_WORKERS = 2
    measured.set()
    found = evaluation.evaluate(resolve(), wait_seconds=20)
    assert (found.total, found.excluded, found.trials, found.known, found.not_drawn) == (609, 121, 488, 0, 0)
    assert (found.bars_per_trial, found.bars, found.n_workers) == (N_BARS, 488 * N_BARS, 2)
    # 244 rounds of 600 bars of a microsecond, a fifth more for storing
    assert found.seconds == pytest.approx(estimates.START_SECONDS + 244 * 600e-6 * 1.2)


def test_random_search_counts_what_is_drawn(resolve, measured):
    found = evaluation.evaluate(resolve(method="random", max_trials=100))
    assert (found.excluded, found.trials, found.not_drawn) == (121, 100, 388)


def test_known_trials_take_no_time(resolve, measured, monkeypatch):
    measured.set()
    monkeypatch.setattr("runs.known.n_known", lambda _resolved: 488)
    found = evaluation.evaluate(resolve(), wait_seconds=20)
    assert (found.known, found.bars, found.seconds) == (488, 0, estimates.START_SECONDS)


def test_seconds_are_unknown_while_they_are_measured(resolve, measured):
    first = evaluation.evaluate(resolve())
    assert (first.seconds, first.is_measuring) == (None, True)
    measured.set()
    second = evaluation.evaluate(resolve(), wait_seconds=20)
    assert second.seconds is not None
    assert not second.is_measuring


def test_failed_measurement_is_not_repeated(resolve, monkeypatch):
    n_times = []

    def fail(_resolved):
        n_times.append(1)
        raise AlgotradeError("It cannot run.")

    monkeypatch.setattr(speeds, "_measured", fail)
    for _ in range(3):
        found = evaluation.evaluate(resolve(), wait_seconds=20)
        assert (found.seconds, found.is_measuring) == (None, False)
    assert len(n_times) == 1


def test_speed_of_earlier_trials_of_the_same_source_is_used(resolve, user):
    resolved = resolve(axes={"fast": {"values": [5, 6]}})
    run, _ = Run.objects.submit(resolved, user)
    Run.objects.filter(pk=run.pk).update(processed=2)
    for number in (0, 1):
        Trial.objects.create(run=run, number=number, combination=number, rev=1, duration_ms=6.0)
    # 6 ms for 600 bars are 10 microseconds a bar
    seconds = estimates.search_seconds(resolve(), n_trials=100, n_workers=1)
    assert seconds == pytest.approx(estimates.START_SECONDS + 100 * 6e-3 * 1.2)


def test_what_people_should_know_is_told(resolve, measured):
    found = evaluation.evaluate(resolve(filters={}, start="2024-01-02", end="2024-01-03"))
    told = " ".join(found.warnings)
    assert "48 bars only" in told
    assert "one lucky trade" in told
    assert "No worker is running" in told


def test_memory_grows_with_workers_and_trials(resolve, measured, settings):
    settings.ALGOTRADE_WORKERS = 1
    one = evaluation.evaluate(resolve()).memory_bytes
    settings.ALGOTRADE_WORKERS = 2
    assert one < evaluation.evaluate(resolve()).memory_bytes < 2 * one
    assert evaluation.INDICATOR_BYTES == MAX_CACHE_BYTES
