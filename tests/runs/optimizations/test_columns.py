"""The columns in memory: grown by what is new, read anew after a retry, few, and the same for every thread."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from django.db import connections

from algotrade.metrics.vector import METRIC_KEYS
from runs.models import Run, Trial
from runs.optimizations import columns as optimization_columns
from runs.optimizations.columns import columns_of
from runs.optimizations.plan import key_of
from tests.runs.trials import add_trials, make_optimization, make_trial, sharpes

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def forgotten():
    optimization_columns._columns_of.cache_clear()


def test_columns_of_a_run_without_trials_are_empty():
    columns = columns_of(make_optimization())
    assert (columns.n, columns.rev, len(columns.value("sharpe_ratio"))) == (0, 0, 0)


def test_columns_hold_what_the_rows_hold():
    run = sharpes(make_optimization(), [1.5, None, -0.5])
    columns = columns_of(run)
    assert columns.number.tolist() == [0, 1, 2]
    assert columns.combination.tolist() == [trial.combination for trial in run.trials.all()]
    assert columns.is_failed.tolist() == [False, True, False]
    assert columns.is_eligible.tolist() == [True, False, True]
    assert np.array_equal(columns.objective, [1.5, np.nan, -0.5], equal_nan=True)


@pytest.mark.parametrize("key", ["sharpe_ratio", "turnover", "long.trades", "duration_ms"])
def test_value_is_that_of_column_or_vector(key):
    run = make_optimization()
    metrics = {"sharpe_ratio": 1.5, "turnover": 0.1 + 0.2, "long.trades": 7}
    add_trials(run, [make_trial(run, 0, metrics, duration_ms=2.5), make_trial(run, 1), make_trial(run, 2, {})])
    expected = {**metrics, "duration_ms": 2.5}[key]
    others = [0.0, 0.0] if key == "duration_ms" else [np.nan, np.nan]
    assert np.array_equal(columns_of(run).value(key), [expected, *others], equal_nan=True)


def test_value_of_a_metric_that_came_after_the_trial_is_undefined():
    run = make_optimization()
    old, new = make_trial(run, 0, {METRIC_KEYS[-1]: 1.5}), make_trial(run, 1, {METRIC_KEYS[-1]: 2.5})
    old.metrics = old.metrics[:-8]
    add_trials(run, [old, new])
    assert np.array_equal(columns_of(run).value(METRIC_KEYS[-1]), [np.nan, 2.5], equal_nan=True)


def test_value_of_an_unknown_key_is_refused():
    with pytest.raises(KeyError):
        columns_of(make_optimization()).value("sharp")


def test_later_look_reads_only_newer_trials(django_assert_num_queries):
    run = sharpes(make_optimization(), [1.0, 2.0])
    columns_of(run, ["trades"])
    sharpes(run, [3.0], first=2, rev=2)
    with django_assert_num_queries(2) as queries:  # the count of known trials, and newer ones with their metric
        columns = columns_of(run)
        values = columns.value("trades")
    assert values.tolist() == [0.0, 10.0, 20.0]
    assert all('"rev" > 1' in query["sql"] for query in queries.captured_queries[1:])


def test_metrics_that_are_named_before_come_with_the_first_look(django_assert_num_queries):
    run = sharpes(make_optimization(), [1.0, 2.0])
    with django_assert_num_queries(2):
        columns = columns_of(run, ["trades", "turnover", "fast", "nothing"])
        assert columns.value("trades").tolist() == [0.0, 10.0]
        assert np.isnan(columns.value("turnover")).all()


def test_look_keeps_its_trials_when_newer_ones_come():
    run = sharpes(make_optimization(), [1.0])
    before = columns_of(run)
    sharpes(run, [2.0], first=1, rev=2)
    assert columns_of(run).n == 2
    assert (before.n, before.value("trades").tolist()) == (1, [0.0])


def test_look_after_a_retry_has_the_new_outcomes():
    run = sharpes(make_optimization(), [1.0, None, None])
    columns_of(run).value("sharpe_ratio")
    run.forget_failed_trials()
    sharpes(run, [5.0], first=1, rev=9)
    columns = columns_of(run)
    assert (columns.number.tolist(), columns.value("sharpe_ratio").tolist()) == ([0, 1], [1.0, 5.0])


def test_look_that_a_retry_overtook_tells_what_is_gone_as_undefined():
    run = sharpes(make_optimization(), [1.0, 2.0, 3.0])
    before = columns_of(run)
    Trial.objects.filter(number=1).delete()
    columns_of(run).value("sharpe_ratio")
    assert np.array_equal(before.value("sharpe_ratio"), [1.0, np.nan, 3.0], equal_nan=True)


def test_look_after_all_rows_are_gone_is_empty():
    run = sharpes(make_optimization(), [1.0])
    columns_of(run)
    Trial.objects.all().delete()
    assert columns_of(run).n == 0


def test_columns_of_few_runs_and_few_metrics_are_kept(monkeypatch):
    monkeypatch.setattr(optimization_columns, "MOST_VALUES", 2)
    runs = [sharpes(make_optimization(), [1.0]) for _ in range(optimization_columns.MOST_RUNS + 1)]
    for run in runs:
        for key in ("trades", "cagr", "turnover"):
            columns_of(run).value(key)
    kept = optimization_columns._columns_of.cache
    assert [key[0] for key in kept] == [run.pk for run in runs[1:]]
    assert list(kept[key_of(runs[-1])]._values) == ["cagr", "turnover"]


@pytest.mark.django_db(transaction=True)
def test_threads_see_every_trial_once():
    run = make_optimization(spec={"axes": [["fast", list(range(2, 42))]], "rules": []})

    def look(n):
        try:
            columns = columns_of(Run.objects.get(pk=run.pk))
            return columns.number.tolist(), columns.value("trades").tolist()
        finally:
            connections.close_all()

    for n in range(10):
        sharpes(run, [1.0, 2.0], first=2 * n, rev=n + 1)
        with ThreadPoolExecutor(4) as pool:
            for numbers, values in pool.map(look, range(4)):
                assert numbers == list(range(2 * n + 2))
                assert values == [10.0 * number for number in numbers]
