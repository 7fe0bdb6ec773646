"""Failed trials in groups: alike by kind and line, the largest first."""

import pytest

from runs.optimizations import trials
from runs.optimizations.trials import failure_groups, trials_of_group
from tests.runs.trials import add_trials, make_optimization, make_trial

pytestmark = pytest.mark.django_db

OTHER = {"error_type": "ValueError", "error_message": "no <b>13</b>", "error_place": "sma_cross.py:40"}


def failed_run():
    """Return a run of which trials 1, 3 and 4 fail alike, 2 otherwise, and 0 completes."""
    run = make_optimization()
    others = {2: OTHER}
    failed = [make_trial(run, n, **others.get(n, {})) for n in range(1, 5)]
    return add_trials(run, [make_trial(run, 0, {"sharpe_ratio": 1.0}), *failed])


def test_groups_are_by_kind_and_place_and_the_largest_first():
    groups = failure_groups(failed_run())
    assert [(g.error_type, g.message, g.place, g.count, g.trial.number) for g in groups] == [
        ("ZeroDivisionError", "division by zero", "sma_cross.py:31", 3, 1),
        ("ValueError", "no <b>13</b>", "sma_cross.py:40", 1, 2),
    ]


def test_groups_of_equal_size_are_in_the_order_of_their_trials():
    run = make_optimization()
    add_trials(run, [make_trial(run, 3), make_trial(run, 1, **OTHER)])
    assert [group.trial.number for group in failure_groups(run)] == [1, 3]


def test_same_error_at_two_lines_is_two_groups():
    run = make_optimization()
    add_trials(run, [make_trial(run, 0), make_trial(run, 1, error_place="sma_cross.py:32")])
    assert [group.place for group in failure_groups(run)] == ["sma_cross.py:31", "sma_cross.py:32"]


def test_group_has_the_whole_trial(django_assert_num_queries):
    group = failure_groups(failed_run())[0]
    with django_assert_num_queries(0):
        assert group.trial.error_stack_trace.startswith("Traceback")
        assert group.trial.error_detail["bar"] == 41


def test_run_without_failures_has_no_groups():
    assert failure_groups(make_optimization()) == []


def test_groups_are_told_up_to_a_limit(monkeypatch):
    monkeypatch.setattr(trials, "MOST_GROUPS", 1)
    assert [group.count for group in failure_groups(failed_run())] == [3]


def test_trials_of_a_group_are_those_that_failed_alike():
    run = failed_run()
    group = failure_groups(run)[0]
    assert [trial.number for trial in trials_of_group(run, group.error_type, group.place)] == [1, 3, 4]
