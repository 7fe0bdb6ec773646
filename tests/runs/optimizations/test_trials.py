"""The table of trials: what a sorted, filtered list of all rows would show, without reading all rows."""

import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runs.models import RunState, Trial
from runs.optimizations import columns
from runs.optimizations.plan import metrics_of, plan_of
from runs.optimizations.trials import select_trials, trials_page
from tests.runs.trials import add_trials, make_optimization, make_trial, sharpes

pytestmark = pytest.mark.django_db

VALUES = st.one_of(st.none(), st.sampled_from([-1.5, 0.0, 0.5, 1.5, 3.0]))
OUTCOMES = st.lists(
    st.one_of(st.none(), st.fixed_dictionaries({"sharpe_ratio": VALUES, "turnover": VALUES, "trades": VALUES})),
    min_size=1,
    max_size=16,
)
SORTS = ("", "sharpe_ratio", "-sharpe_ratio", "turnover", "-turnover", "fast", "-slow", "side", "-side", "number")


@pytest.fixture(autouse=True)
def forgotten():
    columns._columns_of.cache_clear()


def numbers(page):
    return [row.trial.number for row in page.rows]


def expected_order(run, sort):
    """Return the numbers of all trials in order, sorted in Python row by row."""
    optimization = plan_of(run)
    name, sign = sort.removeprefix("-"), -1 if sort.startswith("-") else 1

    def key(trial):
        if not sort:
            value = trial.objective
            return (trial.is_failed, not trial.is_eligible, value is None, -(value or 0.0), trial.number)
        value = trial.number if name == "number" else optimization.parameters(trial.combination).get(name)
        if value is None:
            value = (metrics_of(trial) or {}).get(name)
        if isinstance(value, str):
            value = ("both", "long").index(value)
        return (value is None, sign * (value or 0), trial.number)

    return [trial.number for trial in sorted(run.trials.all(), key=key)]


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(outcomes=OUTCOMES, sort=st.sampled_from(SORTS), is_kept=st.lists(st.booleans(), min_size=16, max_size=16))
def test_table_is_the_sorted_list_of_all_rows(db, outcomes, sort, is_kept):
    run = make_optimization()
    trials = [make_trial(run, n, metrics) for n, metrics in enumerate(outcomes)]
    for trial, kept in zip(trials, is_kept, strict=False):
        trial.is_eligible &= kept
    add_trials(run, trials)
    assert numbers(trials_page(run, sort=sort)) == expected_order(run, sort)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(outcomes=OUTCOMES, low=st.sampled_from([-2.0, 0.0, 1.5]), fast=st.sampled_from([5, 10, 15]))
def test_filter_lets_in_what_each_row_says(db, outcomes, low, fast):
    run = make_optimization()
    add_trials(run, [make_trial(run, n, metrics) for n, metrics in enumerate(outcomes)])
    found = trials_page(run, query=f"sharpe_ratio > {low} and fast <= {fast} or turnover == 0.5", sort="number")
    expected = []
    for trial in run.trials.all():
        metrics = metrics_of(trial) or {}
        sharpe = metrics.get("sharpe_ratio")
        is_high = sharpe is not None and sharpe > low
        is_fast = plan_of(run).parameters(trial.combination)["fast"] <= fast
        if (is_high and is_fast) or metrics.get("turnover") == 0.5:
            expected.append(trial.number)
    assert (numbers(found), found.error) == (expected, "")


def test_default_order_of_a_minimized_objective_is_the_smallest_first():
    run = sharpes(make_optimization(spec={"direction": "minimize"}), [2.0, None, 0.5])
    page = trials_page(run)
    assert numbers(page) == [2, 0, 1]
    assert [row.is_best for row in page.rows] == [True, False, False]


def test_row_has_parameters_headlines_and_the_objectives_metric():
    run = make_optimization(spec={"objective": "turnover"})
    add_trials(run, [make_trial(run, 0, {"turnover": 4.5, "trades": 7, "sharpe_ratio": None})])
    row = trials_page(run).rows[0]
    assert list(row.parameters.items()) == [("fast", 5), ("slow", 10), ("side", "long")]
    assert (row.metrics["turnover"], row.metrics["trades"], row.metrics["sharpe_ratio"]) == (4.5, 7, None)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ('status == "failed"', [1]),
        ('status == "completed" and number > 1', [2, 3]),
        ("number == 3", [2]),
        ("objective >= 1", [0, 3]),
        ('side == "both"', [1, 3]),
        ('side != "both" and not sharpe_ratio > 2', [2]),
        ("0 < trades < 25", [2]),
        ("sharpe_ratio / trades > 0.05", [0, 3]),  # 2.5 / 0 is infinite, 1.75 / 30 is 0.058
        ("duration_ms > 4", [3]),
        ("1 < 2", [0, 1, 2, 3]),
        ("  ", [0, 1, 2, 3]),
    ],
)
def test_filter_speaks_of_everything_in_the_table(query, expected):
    run = make_optimization()
    values = [2.5, None, -0.5, 1.75]
    metrics = [None if v is None else {"sharpe_ratio": v, "trades": 10 * n} for n, v in enumerate(values)]
    add_trials(run, [make_trial(run, n, each, duration_ms=2.0 * n - 1) for n, each in enumerate(metrics)])
    page = trials_page(run, query=query, sort="number")
    assert (numbers(page), page.error, page.at.paginator.count) == (expected, "", len(expected))


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("sharp_ratio > 1", "There is no column 'sharp_ratio'. Did you mean sharpe_ratio"),
        ("xyzzy > 1", "There are number, objective"),
        ("sharpe_ratio >", "is not an expression such as 'sharpe_ratio > 1.5 and trades > 50'"),
        ("sharpe_ratio", "makes no comparison"),
        ("long.trades > 1", "may use only"),
        ("__import__('os') == 1", "may use only"),
        ("side > 3", "cannot be evaluated"),
        ("side + 'x' == 'longx'", "cannot be evaluated"),
        ("-side == 1", "cannot be evaluated"),
        ("x" * 300, "at most 200 characters"),
        ("(" * 150, "is not an expression"),
        ("fast > 1\x00", "is not an expression"),
    ],
)
def test_broken_filter_is_told_and_not_applied(query, told):
    run = sharpes(make_optimization(), [1.0, 2.0])
    page = trials_page(run, query=query)
    assert told in page.error
    assert (numbers(page), page.query) == ([1, 0], query)


@pytest.mark.parametrize("sort", ["nothing", "-", "--sharpe_ratio", "trial__run", "-number; drop", "long.nothing"])
def test_unknown_order_is_told_and_the_best_come_first(sort):
    page = trials_page(sharpes(make_optimization(), [1.0, 2.0]), sort=sort)
    assert page.error.startswith("There is no column")
    assert (numbers(page), page.sort) == ([1, 0], "")


def test_order_may_be_a_sides_metric():
    run = make_optimization()
    add_trials(run, [make_trial(run, n, {"long.trades": value}) for n, value in enumerate([3, 9, None, 5])])
    assert numbers(trials_page(run, sort="-long.trades")) == [1, 3, 0, 2]


def test_page_as_of_a_revision_leaves_newer_trials_out_and_counts_them():
    run = sharpes(make_optimization(), [1.0, 2.0])
    before = trials_page(run)
    sharpes(run, [9.0, None, 3.0], first=2, rev=7)
    page = trials_page(run, as_of=before.as_of)
    assert (numbers(page), page.at.paginator.count, page.n_new, page.as_of) == ([1, 0], 2, 3, before.as_of)
    assert trials_page(run, as_of=before.as_of, query="sharpe_ratio > 5").n_new == 1
    assert (trials_page(run).as_of, trials_page(run).n_new) == (7, 0)


@pytest.mark.parametrize(("asked", "shown"), [(1, [0, 1]), (3, [4]), (99, [4]), (0, [0, 1]), (-5, [0, 1])])
def test_page_beyond_either_end_is_the_end(asked, shown):
    run = sharpes(make_optimization(), [1.0] * 5)
    page = trials_page(run, page=asked, size=2)
    assert (numbers(page), page.at.paginator.num_pages) == (shown, 3)
    assert (page.at.start_index(), page.at.end_index()) == (shown[0] + 1, shown[-1] + 1)


def test_table_without_trials_is_one_empty_page():
    page = trials_page(make_optimization(RunState.PENDING))
    assert (page.rows, page.at.number, page.at.paginator.num_pages, page.at.paginator.count) == ([], 1, 1, 0)
    assert (page.at.start_index(), page.at.end_index()) == (0, 0)


def test_page_reads_no_more_rows_than_it_shows(django_assert_num_queries):
    run = sharpes(make_optimization(), [1.0] * 12)
    with django_assert_num_queries(3) as queries:  # the count, the columns, the rows of the page
        page = trials_page(run, sort="-trades", size=3)
        assert numbers(page) == [11, 10, 9]
    assert "error_stack_trace" not in queries.captured_queries[-1]["sql"]


def test_row_whose_trial_is_deleted_meanwhile_is_left_out(monkeypatch):
    run = sharpes(make_optimization(), [1.0, None])
    found = select_trials(run)
    Trial.objects.filter(number=1).delete()
    monkeypatch.setattr("runs.optimizations.trials.select_trials", lambda *_args, **_named: found)
    assert numbers(trials_page(run)) == [0]


def test_datasets_that_are_varied_can_be_sorted_and_filtered_by():
    spec = {"axes": [["asset", ["SPY", "QQQ"]], ["fast", [5, 10]]], "rules": []}
    run = sharpes(make_optimization(spec=spec), [1.0, 2.0, 3.0, math.inf])
    assert numbers(trials_page(run, sort="asset")) == [2, 3, 0, 1]
    assert numbers(trials_page(run, query='asset == "SPY"', sort="number")) == [0, 1]
