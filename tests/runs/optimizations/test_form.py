"""What the form of an optimization proposes, and how it tells values in short."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from algotrade.optimize.space import parse_axis
from algotrade.strategies.base import Param
from runs.display.form_values import plain
from runs.optimizations.axes_form import in_short, propose


def named(default, **options):
    param = Param(default, **options)
    param.name = "x"
    return param


@pytest.mark.parametrize(
    ("param", "around", "proposed"),
    [
        (named(10, low=2, high=200), 10, ("5", "15", "1")),
        (named(30, low=5, high=400), 30, ("20", "40", "2")),  # a tenth is 3; 2 and 5 are nice, 2 is nearer
        (named(200), 200, ("100", "300", "20")),
        (named(3, low=2, high=200), 3, ("2", "12", "1")),  # one step of room below, so nine above
        (named(199, low=2, high=200), 199, ("19", "199", "20")),  # no room above
        (named(2.5, low=0, high=20), 2.5, ("1.5", "3.5", "0.2")),
        (named(0.0, low=-1, high=1), 0.0, ("-1", "1", "0.2")),
        (named(0), 0, ("-5", "5", "1")),
        (named(0.0), 0.0, ("-0.5", "0.5", "0.1")),
        (named(10.0, step=0.75), 10.0, ("6.25", "13.75", "0.75")),
        (named(5, low=5, high=5), 5, ("5", "5", "1")),
    ],
)
def test_range_is_proposed_around_a_value(param, around, proposed):
    assert tuple(plain(number) for number in propose(param, around)) == proposed


@given(
    low=st.integers(-1000, 1000),
    span=st.integers(0, 5000),
    share=st.floats(0, 1),
    is_whole=st.booleans(),
)
def test_proposed_range_is_valid_and_has_the_value(low, span, share, is_whole):
    value = low + round(share * span) if is_whole else round(low + share * span, 3)
    param = named(value if is_whole else float(value), low=low, high=low + span)
    first, last, step = (plain(number) for number in propose(param, value))
    axis = parse_axis(param, {"min": first, "max": last, "step": step})
    assert param.default in axis.values
    assert len(axis.values) <= 11


def test_text_has_no_range():
    with pytest.raises(TypeError):
        propose(named("a", choices=("a", "b")), "a")


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ((4,), "1: 4"),
        ((1, 2, 3, 4, 5), "5: 1, 2, 3, 4, 5"),
        (tuple(range(4, 61, 2)), "29: 4, 6, 8 … 60"),
        ((0.1, 0.2, 0.3), "3: 0.1, 0.2, 0.3"),
        ((True, False), "2: true, false"),
    ],
)
def test_values_are_told_in_short(values, told):
    assert in_short(values) == told


def test_plain_number_has_no_exponent():
    assert [plain(Decimal(text)) for text in ("1E+2", "0.50", "-0.0001", "0")] == ["100", "0.5", "-0.0001", "0"]
