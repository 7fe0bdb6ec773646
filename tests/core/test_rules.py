"""Rules between parameters: what they say, what they refuse."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from algotrade.strategies.rules import MAX_LENGTH, Rule


@pytest.mark.parametrize(
    ("text", "values", "holds"),
    [
        ("fast < slow", {"fast": 10, "slow": 30}, True),
        ("fast < slow", {"fast": 30, "slow": 30}, False),
        ("1 < fast < slow", {"fast": 1, "slow": 30}, False),
        ("fast * 2 <= slow and side == 'long'", {"fast": 10, "slow": 20, "side": "long"}, True),
        ("not (fast > slow or -fast > 0)", {"fast": 1, "slow": 2}, True),
        ("slow % fast == 0", {"fast": 7, "slow": 21}, True),
    ],
)
def test_rule_holds_as_python_would(text, values, holds):
    assert Rule.parse(text).holds(values) is holds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "fast",
        "fast +",
        "__import__('os')",
        "fast.real > 1",
        "[1][0] < fast",
        "fast ** 9 > 1",
        "(x := 3) > 1",
        "fast if 1 else 2",
    ],
)
def test_rule_refuses_what_is_no_comparison_of_parameters(text):
    with pytest.raises(ValueError, match="rule"):
        Rule.parse(text)


def test_rule_refuses_a_long_text():
    with pytest.raises(ValueError, match=str(MAX_LENGTH)):
        Rule.parse("fast < " + "9" * MAX_LENGTH)


def test_rule_knows_its_names():
    assert Rule.parse("fast < slow and fast > 1").names == {"fast", "slow"}


def test_rule_names_an_unknown_parameter():
    with pytest.raises(ValueError, match=r"'slow'.*not a parameter"):
        Rule.parse("fast < slow").holds({"fast": 1})


def test_rule_does_not_multiply_texts():
    with pytest.raises(ValueError, match="cannot be evaluated"):
        Rule.parse("side * 999999999 == 'x'").holds({"side": "long"})


def test_rule_tells_a_division_by_zero():
    with pytest.raises(ValueError, match="cannot be evaluated"):
        Rule.parse("1 / fast > 2").holds({"fast": 0})


@given(st.text(max_size=40))
def test_rule_parsing_raises_nothing_but_value_error(text):
    try:
        Rule.parse(text)
    except ValueError:
        return
