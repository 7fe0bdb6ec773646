"""Blocks of the report: shades of months, the histogram's geometry."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from algotrade.metrics import TradeHistogram, YearOfReturns
from runs.backtests.report_charts import BOTTOM, LEFT, RIGHT, TOP, histogram, month_rows


@pytest.mark.parametrize(
    ("value", "shade"), [(None, ""), (0.0, ""), (0.01, "p1"), (0.02, "p2"), (0.07, "p3"), (0.4, "p4"), (-0.03, "n2")]
)
def test_month_is_shaded_by_its_size(value, shade):
    row = month_rows([YearOfReturns(2024, (value,) * 12, value)])[0]
    assert {cell.shade for cell in row.cells} == {shade}


def test_histogram_draws_counts_to_scale():
    drawn = histogram(TradeHistogram(0.01, (-0.01, 0.0, 0.01), (1, 3), 4))
    loss, gain = drawn.bars
    assert (loss.kind, gain.kind) == ("loss", "gain")
    assert gain.height == pytest.approx(3 * loss.height, abs=0.02)


def test_outermost_bars_of_the_histogram_hold_what_lies_beyond():
    drawn = histogram(TradeHistogram(0.01, (-0.02, -0.01, 0.0, 0.01), (1, 2, 3), 6))
    assert [bar.label for bar in drawn.bars] == [
        "Below \u22121%: 1 trade",
        "\u22121% to 0%: 2 trades",
        "0% or more: 3 trades",
    ]
    assert drawn.summary == "6 trades: 3 not below 0%, 3 below."


def test_histogram_without_trades_has_no_bars():
    assert histogram(TradeHistogram(0.0, (), (), 0)).bars == ()


@given(
    st.lists(st.integers(0, 10_000), min_size=1, max_size=60).filter(any), st.sampled_from([0.0001, 0.005, 0.02, 0.5])
)
def test_histogram_stays_in_its_box(counts, width):
    edges = tuple(round(i * width, 12) for i in range(-2, len(counts) - 1))
    drawn = histogram(TradeHistogram(width, edges, tuple(counts), sum(counts)))
    for bar in drawn.bars:
        assert LEFT <= bar.x <= bar.x + bar.width <= RIGHT + 0.02
        assert TOP <= bar.y <= bar.y + bar.height <= BOTTOM + 0.02
    assert 0.0 not in edges or any(not set(mark.label) & set("123456789") for mark in drawn.marks)  # zero is named
