"""The cache of indicators: computed once, read-only, bounded."""

import numpy as np
import pytest

from algotrade.indicators import IndicatorCache, bollinger, ema, shared, sma, supertrend, wma

CLOSE = np.linspace(1.0, 50.0, 1_000)
CLOSE.flags.writeable = False  # as prices are


def test_same_indicator_is_computed_once_for_all_trials():
    cache = IndicatorCache()
    with shared(cache):
        first = sma(CLOSE, 10)
    with shared(cache):
        assert sma(CLOSE, 10) is first
        assert sma(CLOSE, 11) is not first
        assert ema(CLOSE, 10) is not first
        assert sma(CLOSE.copy(), 10) is not first
        assert sma(CLOSE, length=10) is not first


def test_shared_indicator_cannot_be_changed_by_one_trial_for_the_next():
    with shared(IndicatorCache()):
        average, bands = sma(CLOSE, 10), bollinger(CLOSE, 20)
        for array in (average, *bands):
            with pytest.raises(ValueError, match="read-only"):
                array[0] = 1.0


def test_indicator_of_an_array_that_was_changed_in_place_is_computed_anew():
    with shared(IndicatorCache()):
        values = CLOSE.copy()
        before = sma(values, 5)
        values *= 2.0
        np.testing.assert_allclose(sma(values, 5)[4:], 2.0 * before[4:])


@pytest.mark.parametrize("average", [sma, ema, wma])
def test_average_of_one_bar_leaves_the_authors_array_writeable_and_apart(average):
    with shared(IndicatorCache()):
        values = CLOSE.copy()
        same = average(values, 1)
        values[0] = 99.0
        assert same[0] == CLOSE[0]
        np.testing.assert_array_equal(average(CLOSE, 1), CLOSE)


def test_cache_forgets_what_was_not_used_for_longest():
    cache = IndicatorCache(max_bytes=6 * CLOSE.nbytes)  # an entry counts its input and its output
    with shared(cache):
        first = sma(CLOSE, 2)
        second = sma(CLOSE, 3)
        sma(CLOSE, 4)
        assert sma(CLOSE, 2) is first
        sma(CLOSE, 5)
        assert sma(CLOSE, 2) is first
        assert sma(CLOSE, 3) is not second


def test_indicator_larger_than_the_room_is_kept_until_another_comes():
    cache = IndicatorCache(max_bytes=CLOSE.nbytes)
    with shared(cache):
        first = sma(CLOSE, 2)
        assert sma(CLOSE, 2) is first
        sma(CLOSE, 3)
        assert sma(CLOSE, 2) is not first


def test_inputs_that_are_computed_anew_do_not_pile_up():
    cache = IndicatorCache(max_bytes=10 * CLOSE.nbytes)
    with shared(cache):
        for _ in range(100):
            values = sma(CLOSE * 2.0, 5)
            assert values[4] == pytest.approx(2.0 * CLOSE[:5].mean())
    assert len(cache._entries) <= 5


def test_supertrend_trails_the_price_and_changes_over_when_it_is_crossed():
    middle = np.array([10.0, 10.0, 11.0, 12.0, 15.0, 15.5, 15.0, 12.0])
    line = supertrend(middle + 0.5, middle - 0.5, middle, length=1, width=1.0)
    # True ranges of one bar, from the close before to the far end: -, 1, 1.5, 1.5, 3.5, 1, 1, 3.5
    # Down: 10 + 1 = 11; the close 11 is not above min(11, 11 + 1.5); the close 12 is: up, at max(9, 9.5, 12 - 1.5).
    # Up: max(10.5, 15 - 3.5) = 11.5; 15.5 - 1 = 14.5; max(14.5, 15 - 1); the close 12 is below: down, at 12 + 3.5.
    assert line[1:].tolist() == [11.0, 11.0, 10.5, 11.5, 14.5, 14.5, 15.5]
    assert np.isnan(line[0])
