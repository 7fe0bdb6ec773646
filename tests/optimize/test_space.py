"""Axes and rules: which combinations there are, and what is refused before any is made."""

import itertools
import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from algotrade.optimize import space as spaces
from algotrade.optimize.space import Axis, AxisError, Space, parse_axis
from algotrade.strategies.base import Param
from algotrade.strategies.rules import Rule


def named(name, *args, **kwargs):
    param = Param(*args, **kwargs)
    param.name = name
    return param


FAST = named("fast", 10, low=2, high=200)
STOP = named("stop", 2.0, low=0.1, high=50.0)
SIDE = named("side", "long", choices=["long", "both"])
EXIT = named("exits", True)


@pytest.mark.parametrize(
    ("param", "given_", "values"),
    [
        (FAST, None, (10,)),
        (FAST, {"fixed": 7}, (7,)),
        (FAST, {"values": [20, 5, "20", 9]}, (20, 5, 9)),
        (FAST, {"min": 2, "max": 9, "step": 3}, (2, 5, 8)),
        (FAST, {"min": 2, "max": 8, "step": 3}, (2, 5, 8)),
        (FAST, {"min": 3, "max": 5}, (3, 4, 5)),
        (STOP, {"min": 0.1, "max": 0.5, "step": 0.1}, (0.1, 0.2, 0.3, 0.4, 0.5)),
        (STOP, {"min": 1, "max": 2, "step": 0.25}, (1.0, 1.25, 1.5, 1.75, 2.0)),
        (STOP, {"min": 0.1, "max": 0.35, "step": 0.1}, (0.1, 0.2, 0.3)),
        (SIDE, {"values": ["both", "long"]}, ("both", "long")),
        (EXIT, {"values": [False, True]}, (False, True)),
    ],
)
def test_axis_takes_the_values_that_were_asked_for(param, given_, values):
    axis = parse_axis(param, given_)
    assert axis == Axis(param.name, values)
    assert [type(value) for value in axis.values] == [type(value) for value in values]


@pytest.mark.parametrize(
    ("param", "given_", "said"),
    [
        (FAST, 5, "Must be like"),
        (FAST, {"min": 2}, "Must be like .* it has min"),
        (FAST, {"min": 2, "max": 9, "fixed": 3}, "Must be like"),
        (FAST, {"fixed": 1}, "from 2 to 200; it is 1"),
        (FAST, {"values": []}, "a list of 1 to 100,000"),
        (FAST, {"values": "2,3"}, "must be a list"),
        (FAST, {"values": [2, 3.5]}, "whole number from 2 to 200; it is 3.5"),
        (FAST, {"min": 9, "max": 2}, r"Max must be at least min\. Min is 9 and max is 2\."),
        (FAST, {"min": 2, "max": 201}, r"Max must be a whole number from 2 to 200; it is 201\."),
        (FAST, {"min": 2, "max": 9, "step": 0}, r"Step must be greater than 0\. It is 0\."),
        (FAST, {"min": 2, "max": 9, "step": 1.5}, "Step must be a whole number greater than 0. It is 1.5"),
        (FAST, {"min": 2, "max": 9, "step": "x"}, "Step must be a number greater than 0. It is 'x'"),
        (STOP, {"min": 1, "max": 2}, "Step is required for stop"),
        (STOP, {"min": 1, "max": 2, "step": -0.5}, r"Step must be greater than 0\. It is -0\.5\."),
        (STOP, {"min": 1, "max": 2, "step": 1e-9}, "at most 100,000 values"),
        (STOP, {"min": 1, "max": math.inf, "step": 1}, "it is inf"),
        (SIDE, {"min": 1, "max": 2}, "min and max are for numbers"),
    ],
)
def test_axis_refuses_with_the_value_and_what_is_allowed(param, given_, said):
    with pytest.raises(ValueError, match=said):
        parse_axis(param, given_)


@pytest.mark.parametrize(
    ("given_", "part"),
    [
        ({"min": 1, "max": 9}, "min"),
        ({"min": 2, "max": 999}, "max"),
        ({"min": 9, "max": 2}, "max"),
        ({"min": 2, "max": 9, "step": -1}, "step"),
        ({"values": [1]}, "values"),
        ({"fixed": 1}, "fixed"),
        (5, ""),
    ],
)
def test_refused_axis_tells_which_part_is_to_blame(given_, part):
    with pytest.raises(AxisError) as caught:
        parse_axis(FAST, given_)
    assert caught.value.part == part


def space_of(rules=(), **axes):
    return Space(tuple(Axis(n, tuple(v)) for n, v in axes.items()), tuple(Rule.parse(text) for text in rules))


def test_combinations_are_counted_last_axis_first_and_rules_leave_the_valid_ones():
    space = space_of(["fast < slow"], fast=(2, 3, 4), slow=(3, 4))
    assert (space.n_combinations, space.shape) == (6, (3, 2))
    # (2,3) (2,4) (3,3) (3,4) (4,3) (4,4): all but the third, fifth and sixth
    assert space.valid.tolist() == [0, 1, 3]
    assert [space.parameters(int(n)) for n in space.valid] == [
        {"fast": 2, "slow": 3},
        {"fast": 2, "slow": 4},
        {"fast": 3, "slow": 4},
    ]


def test_space_without_axes_has_one_combination():
    assert (space_of().n_combinations, space_of().valid.tolist(), space_of().parameters(0)) == (1, [0], {})


RULES = [
    "a < b",
    "a + b <= 7 or side == 'x'",
    "not (a % 3 == 1) and b / 2 > a - 1",
    "1 < a < b < 9",
    "side != 'x'",
    "-a < b",
]


@given(
    block=st.integers(1, 30),
    a=st.lists(st.integers(-5, 9), min_size=1, max_size=5, unique=True),
    b=st.lists(st.floats(-3, 9), min_size=1, max_size=4, unique=True),
    side=st.sampled_from([("x",), ("x", "y")]),
    rules=st.lists(st.sampled_from(RULES), max_size=3),
)
def test_valid_ones_agree_with_asking_each_combination(block, a, b, side, rules):
    space = space_of(rules, a=a, b=b, side=side)
    combinations = [dict(zip("ab", pair, strict=False)) for pair in itertools.product(a, b)]
    every = [{**combination, "side": choice} for combination in combinations for choice in side]
    expected = [n for n, values in enumerate(every) if all(rule.holds(values) for rule in space.rules)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spaces, "BLOCK", block)
        assert space.n_valid == len(expected)
        ranks = np.arange(len(expected))[::-1]
        assert space.valid_at(ranks).tolist() == expected[::-1]
        assert space.valid.tolist() == expected
    assert space.valid_at(ranks).tolist() == expected[::-1]
    assert [space.parameters(n) for n in range(len(every))] == every


def test_axes_that_no_rule_connects_are_counted_by_multiplying():
    space = space_of(["a < b", "c != 3"], a=range(1000), b=range(1000), c=range(10_000), d=range(10_000))
    assert space.n_combinations == 10**14
    assert space.n_connected == 10**6 + 10**4
    # of 1,000 x 1,000 pairs half are ordered but for the 1,000 equal ones; c loses one value
    assert space.n_valid == (10**6 - 10**3) // 2 * 9_999 * 10_000


def test_many_combinations_are_looked_at_in_the_memory_of_a_block():
    space = space_of(["a != b"], a=range(3_000), b=range(3_000))
    ranks = np.array([8_996_999, 0, 3_000])
    tracemalloc.start()
    found = space.valid_at(ranks)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # Rank 0 is (0, 1); each row has 2,999 valid pairs, so rank 3,000 is the second of row 1, (1, 2).
    assert [space.parameters(int(n)) for n in found] == [{"a": 2999, "b": 2998}, {"a": 0, "b": 1}, {"a": 1, "b": 2}]
    assert peak < 60e6


@pytest.mark.parametrize(
    ("rule", "said"),
    [("a < slow", "'slow', which is not"), ("a / 0 > 1", "cannot be evaluated"), ("a + 'x' > 1", "computed")],
)
def test_rule_that_cannot_be_worked_out_is_refused(rule, said):
    with pytest.raises(ValueError, match=said):
        _ = space_of([rule], a=(1, 2)).valid
