"""Samplers: every trial's parameter set depends on its number alone."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from algotrade.optimize.samplers import METHODS, make_sampler
from algotrade.optimize.space import Axis, Space
from algotrade.strategies.rules import Rule

SPACE = Space((Axis("a", tuple(range(1, 8))), Axis("b", tuple(range(1, 9)))), (Rule.parse("a < b"),))
"""28 of 56 combinations are valid."""


def test_grid_gives_every_valid_combination_in_order():
    sampler = make_sampler("grid", SPACE, None, 0)
    assert sampler.n_trials == 28
    assert sampler.ask(0, 28) == [{"a": a, "b": b} for a in range(1, 8) for b in range(1, 9) if a < b]


def test_random_gives_distinct_valid_combinations():
    trials = make_sampler("random", SPACE, 20, 7).ask(0, 100)
    assert len(trials) == len({(t["a"], t["b"]) for t in trials}) == 20
    assert all(t["a"] < t["b"] for t in trials)
    assert trials == make_sampler("random", SPACE, 20, 7).ask(0, 100)
    assert trials != make_sampler("random", SPACE, 20, 8).ask(0, 100)


def test_random_order_is_the_same_in_every_version():
    assert make_sampler("random", SPACE, 4, 1).ask(0, 4) == [
        {"a": 1, "b": 6}, {"a": 4, "b": 5}, {"a": 7, "b": 8}, {"a": 6, "b": 7},
    ]  # fmt: skip


@given(
    method=st.sampled_from(METHODS),
    seed=st.integers(0, 5),
    cuts=st.lists(st.integers(0, 28), max_size=5),
    limit=st.integers(1, 40),
)
def test_trials_do_not_depend_on_how_they_are_asked_for(method, seed, cuts, limit):
    whole = make_sampler(method, SPACE, limit, seed).ask(0, 28)
    assert len(whole) == min(28, limit)
    edges = sorted({0, 28, *cuts})
    parts = [make_sampler(method, SPACE, limit, seed).ask(a, b - a) for a, b in itertools.pairwise(edges)]
    assert [trial for part in parts for trial in part] == whole


@pytest.mark.parametrize("method", METHODS)
def test_space_of_which_rules_leave_nothing_has_no_trials(method):
    assert make_sampler(method, Space((Axis("a", (1, 2)),), (Rule.parse("a > 5"),)), None, 0).n_trials == 0
