"""Values as people type them: read as meant, or not at all."""

import math
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from algotrade.text_values import point_number, to_flag, to_number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0.0), ("17", 17.0), ("-3", -3.0), ("+3", 3.0), (" 5 ", 5.0), ("5.", 5.0), (".5", 0.5), (",5", 0.5),
        ("1.70", 1.7), ("1,70", 1.7), ("0,1", 0.1), ("0,5", 0.5), ("0,125", 0.125), ("-0,05", -0.05),
        ("1234,567", 1234.567),
        ("10,000", 10_000.0), ("1,234,567", 1_234_567.0), ("10,000.50", 10_000.5), ("1,234,567.8", 1_234_567.8),
        ("10.000,50", 10_000.5), ("1.234.567", 1_234_567.0), ("1.234.567,8", 1_234_567.8), ("10.000", 10.0),
        ("10 000", 10_000.0), ("10 000,50", 10_000.5), ("10\u202f000,50", 10_000.5), ("10\u00a0000.5", 10_000.5),
        ("10'000.50", 10_000.5), ("10\u2019000", 10_000.0), ("1_000_000", 1_000_000.0), ("\u22122,5", -2.5),
        ("1e5", 1e5), ("1,5e3", 1_500.0), ("1.5E-3", 0.0015), ("007", 7.0), ("00,5", 0.5),
    ],
)  # fmt: skip
def test_number_is_read_as_meant(text, number):
    assert to_number(text) == number


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "-", ".", ",", "5,", "1 7", "1,2,3", "1.2.3", "12,34.5", "12.34,5", "1,234.567,8", "1.234,567.8",
        "1,23,456", "1_70", "1__000", "10 00", "1 000'000", "1'00", "0,000,5", "0,123,456", "1,7 0", "nan", "inf",
        "-inf", "1e999", "1e", "0x10", "１２", "5 %", "5%", "$5", "five", "1-2", "--1", "1\n000", "1,000,", "1.000.",
    ],
)  # fmt: skip
def test_text_that_might_be_another_number_is_none(text):
    assert to_number(text) is None


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_what_programs_write_is_read_to_the_bit(number):
    assert to_number(repr(number)) == number


@given(
    st.integers(0, 10**12), st.integers(0, 99_999), st.integers(1, 5),
    st.sampled_from([(".", ","), (".", " "), (".", "'"), (".", ""), (",", "."), (",", " "), (",", "'"), (",", "")]),
)  # fmt: skip
def test_every_way_of_writing_a_number_reads_as_that_number(whole, decimals, width, marks):
    decimal, thousands = marks
    fraction = f"{decimals % 10**width:0{width}d}"
    text = f"{whole:,}".replace(",", thousands) + decimal + fraction
    if decimal == "," and width == 3 and 0 < whole < 1_000:  # thousands in English
        assert to_number(text) == float(f"{whole}{fraction}")
    else:
        assert to_number(text) == float(f"{whole}.{fraction}")


@given(st.text(string.digits + ".,' _+-e", max_size=12))
def test_what_is_read_has_the_digits_that_were_typed(text):
    plain = point_number(text)
    if plain is not None:
        assert math.isfinite(float(plain)) or "e" in plain
        assert [c for c in plain if c.isdecimal()] == [c for c in text if c.isdecimal()] or plain.startswith(
            ("0", "-0", "+0")
        )


@pytest.mark.parametrize(
    ("value", "flag"),
    [(True, True), (False, False), ("true", True), ("False", False), ("True", True), ("off", False), ("on", True)],
)
def test_flag_is_read_as_json_python_and_forms_write_it(value, flag):
    assert to_flag(value) is flag


@pytest.mark.parametrize("value", ["yes", "", "0", 1, 0, None, [], "TRUE "])
def test_anything_else_is_no_flag(value):
    assert to_flag(value) is None
