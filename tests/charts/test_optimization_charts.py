"""The charts of an optimization: no extreme lost, every cell the best of its trials."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from algotrade.charts import optimization

SIGNS = st.sampled_from([1.0, -1.0])
VALUES = st.one_of(st.just(math.nan), st.sampled_from([-2.0, -0.5, 0.0, 1.0, 3.5]))


@st.composite
def trials(draw, n_x=4, n_y=3):
    """Return columns of trials on a grid of 4 by 3: x, y, number, value, is_failed."""
    rows = draw(st.lists(st.tuples(st.integers(0, n_x - 1), st.integers(0, n_y - 1), VALUES, st.booleans())))
    x, y, value, failed = (np.array([row[i] for row in rows]) for i in range(4))
    number = np.array(draw(st.permutations(range(len(rows)))), dtype=np.int64)
    failed = failed.astype(bool)
    value = np.where(failed, np.nan, value.astype(float))
    return x.astype(np.int64), y.astype(np.int64), number, value, failed


@given(data=trials(), sign=SIGNS, is_mean=st.booleans())
def test_heatmap_cell_is_what_brute_force_finds(data, sign, is_mean):
    x, y, number, value, failed = data
    planned = np.zeros((3, 4), dtype=np.int64)
    np.add.at(planned, (y, x), 1)
    planned[0, 0] += 1
    found = optimization.heatmap(x, y, (4, 3), number, value, failed, planned, sign, is_mean=is_mean)
    for row in range(3):
        for column in range(4):
            here = [n for n in range(len(x)) if (x[n], y[n]) == (column, row)]
            defined = [n for n in here if not math.isnan(value[n])]
            if defined:
                best = min(defined, key=lambda n: (-sign * value[n], number[n]))
                expected = sum(value[n] for n in defined) / len(defined) if is_mean else value[best]
                assert math.isclose(found.value[row, column], expected)
                assert (found.trial[row, column], found.state[row, column]) == (number[best], optimization.VALUE)
                continue
            assert math.isnan(found.value[row, column])
            if not here:
                state = optimization.PENDING if planned[row, column] else optimization.EXCLUDED
            else:
                state = optimization.FAILED if all(failed[n] for n in here) else optimization.UNDEFINED
            assert found.state[row, column] == state


@given(data=trials(), sign=SIGNS)
def test_heatmap_rings_its_best_cell(data, sign):
    x, y, number, value, failed = data
    found = optimization.heatmap(x, y, (4, 3), number, value, failed, np.ones((3, 4), dtype=np.int64), sign)
    if np.isnan(value).all():
        assert found.best is None
    else:
        column, row = found.best
        assert sign * found.value[row, column] == np.nanmax(sign * value)


@given(values=st.lists(VALUES, max_size=300), sign=SIGNS, most=st.sampled_from([4, 10, 50]), seed=st.integers(0, 99))
def test_objective_keeps_the_extremes_in_order_and_within_the_limit(values, sign, most, seed):
    number = np.random.default_rng(seed).permutation(len(values)).astype(np.int64)
    objective = np.array(values, dtype=float)
    kept, _ = optimization.objective_series(number, objective, np.ones(len(values), dtype=bool), sign, most)
    defined = objective[~np.isnan(objective)]
    assert len(kept) == len(defined) if len(defined) <= most else len(kept) <= most
    assert np.all(np.diff(number[kept]) > 0)
    if len(defined):
        assert (objective[kept].min(), objective[kept].max()) == (defined.min(), defined.max())


@given(values=st.lists(st.tuples(VALUES, st.booleans()), max_size=40), sign=SIGNS)
def test_best_line_steps_where_an_eligible_trial_beats_all_before(values, sign):
    objective = np.array([value for value, _ in values], dtype=float)
    eligible = np.array([is_eligible for _, is_eligible in values], dtype=bool)
    _, best = optimization.objective_series(np.arange(len(values)), objective, eligible, sign)
    expected = []
    for number, (value, is_eligible) in enumerate(values):
        if is_eligible and not math.isnan(value) and (not expected or sign * value > sign * expected[-1][1]):
            expected.append((number, value))
    assert best == expected


@given(data=trials(), sign=SIGNS)
def test_slice_is_best_median_and_worst_of_each_place(data, sign):
    x, _, _, value, _ = data
    found = optimization.slices(x, 4, value, sign)
    for place in range(4):
        here = sorted(
            (value[n] for n in range(len(x)) if x[n] == place and not math.isnan(value[n])), key=lambda v: sign * v
        )
        assert found.count[place] == len(here)
        if here:
            assert (found.worst[place], found.best[place]) == (here[0], here[-1])
            assert found.median[place] == np.median(here)
        else:
            assert np.isnan([found.best[place], found.median[place], found.worst[place]]).all()


@given(n=st.integers(1, 1_000), most=st.sampled_from([1, 7, 120]))
def test_bins_hold_every_value_and_are_few(n, most):
    place, first = optimization.bins(n, most)
    assert len(first) <= most
    assert place[first].tolist() == list(range(len(first)))
    assert (place[0], place[-1]) == (0, len(first) - 1)
    assert np.all(np.diff(place) >= 0)


def test_parallels_are_the_best_and_some_of_the_others_the_same_ones_each_time():
    objective = np.arange(100.0)
    objective[7] = np.nan
    number, eligible = np.arange(100), np.arange(100) < 50
    drawn = optimization.parallels(number, objective, eligible, 1.0, n_best=10, n_other=20)
    assert drawn[:10].tolist() == list(range(49, 39, -1))
    assert len(set(drawn.tolist())) == 30
    assert 7 not in drawn
    assert np.array_equal(drawn, optimization.parallels(number, objective, eligible, 1.0, n_best=10, n_other=20))


def test_charts_of_no_trials_are_empty():
    none, numbers, no = np.empty(0), np.empty(0, dtype=np.int64), np.empty(0, dtype=bool)
    kept, best = optimization.objective_series(numbers, none, no, 1.0)
    assert (len(kept), best) == (0, [])
    assert len(optimization.parallels(numbers, none, no, 1.0)) == 0


def test_json_has_null_for_what_is_no_number():
    assert optimization.json_list(np.array([[1.5, np.nan], [np.inf, -0.5]])) == [[1.5, None], [None, -0.5]]
    assert optimization.json_list(np.array([1, 2])) == [1, 2]
