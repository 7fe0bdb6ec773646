"""Views of the past: compiled as interpreted, and no way to a bar that has not come."""

from types import FunctionType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba import njit

from algotrade.engine.views_nb import COMPILED, past, row


def compiled(function):
    """Compile a function of this module as the loop is: with what stands for `past` and `row` in compiled code."""
    return njit(boundscheck=True)(FunctionType(function.__code__, {**globals(), **COMPILED}, function.__name__))


@compiled
def value_of_past(column, count, index):
    return past(column, count)[index]


@compiled
def shape_and_sum(column, count):
    view = past(column, count)
    return len(view), view.sum()


@compiled
def value_at_row(column, index):
    return column[row(index)]


COLUMN = np.arange(10.0, 18.0)


@given(st.integers(0, len(COLUMN)))
def test_past_is_the_slice(count):
    assert shape_and_sum(COLUMN, count) == (count, past(COLUMN, count).sum())


@given(st.integers(1, len(COLUMN)), st.integers(-len(COLUMN), len(COLUMN)))
def test_past_is_read_as_the_slice_is(count, index):
    try:
        expected = past(COLUMN, count)[index]
    except IndexError:
        with pytest.raises(IndexError):
            value_of_past(COLUMN, count, index)
    else:
        assert value_of_past(COLUMN, count, index) == expected


@pytest.mark.parametrize("index", [-1, -len(COLUMN), len(COLUMN)])
def test_row_out_of_bounds_is_refused_when_compiled(index):
    with pytest.raises(IndexError):
        value_at_row(COLUMN, index)


def test_row_is_the_index():
    assert [value_at_row(COLUMN, index) for index in range(8)] == [COLUMN[row(index)] for index in range(8)]
