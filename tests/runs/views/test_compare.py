"""Side by side: what an address may name, what is equal, what is best, and who may see it."""

import re

import pytest

from runs.models import Run, RunState
from runs.views.comparison import UnknownReferenceError, differing, groups_of, subject_of
from tests.builders import RESULT, SPEC, make_run
from tests.runs.trials import add_trials, make_optimization, make_trial


@pytest.fixture
def optimization(user):
    """Return a completed optimization: trial 1 has a Sharpe ratio of 1.0, trial 2 of 2.0, trial 3 failed."""
    run = make_optimization(RunState.COMPLETED, user=user)
    done = [make_trial(run, n, {"sharpe_ratio": n + 1.0, "trades": 40.0, "max_drawdown": -0.1}) for n in range(2)]
    return add_trials(run, [*done, make_trial(run, 2)])


@pytest.fixture
def backtest(user):
    """Return a completed backtest with a Sharpe ratio of 2.41."""
    return make_run(RunState.COMPLETED, user=user, result=RESULT)


def rows(groups):
    return {row.label: row for group in groups for row in group.rows}


def subjects(*references):
    return [subject_of(one, Run.objects.all()) for one in references]


def test_columns_are_backtests_and_trials(optimization, backtest):
    one, two, best = subjects(f"b{backtest.number}", f"o{optimization.number}.1", f"o{optimization.number}")
    assert (one.name, one.spec.parameters["fast"], one.metrics["sharpe_ratio"]) == (str(backtest), 10, 2.41)
    assert (two.name, two.of, two.metrics["sharpe_ratio"]) == ("Trial 1", str(optimization), 1.0)
    assert best.reference == f"o{optimization.number}.2"


@pytest.mark.parametrize("wrong", ["", "b", "7", "o1.x", "b1.2", "b0x1", "b99999", "o99999.1", "b1 or 2"])
def test_reference_that_names_nothing_is_refused(optimization, wrong):
    with pytest.raises(UnknownReferenceError, match=r"is not a run|There is no"):
        subjects(wrong)


def test_kind_and_trial_must_be_right(optimization, backtest):
    for wrong in (
        f"o{backtest.number}.1",
        f"b{optimization.number}",
        f"o{optimization.number}.0",
        f"o{optimization.number}.99",
    ):
        with pytest.raises(UnknownReferenceError, match=r"There is no|has no trial"):
            subjects(wrong)


def test_equal_rows_are_told_and_left_out(optimization):
    groups = groups_of(subjects(f"o{optimization.number}.1", f"o{optimization.number}.2"), is_whole=False)
    assert rows(groups)["Max drawdown"].is_equal
    assert not rows(groups)["Sharpe ratio"].is_equal
    parameters = {optimization.spec["axes"][n][0] for n in range(3)} & set(rows(differing(groups)))
    assert set(rows(differing(groups))) == parameters | {"Sharpe ratio"}


def test_best_of_a_judged_metric_is_marked_and_of_nothing_else(optimization, backtest):
    groups = groups_of(
        subjects(f"o{optimization.number}.1", f"b{backtest.number}", f"o{optimization.number}.3"), is_whole=True
    )
    assert [is_best for _, is_best in rows(groups)["Sharpe ratio"].cells] == [False, True, False]
    assert [is_best for _, is_best in rows(groups)["Max drawdown"].cells] == [False, True, False]
    assert not any(is_best for _, is_best in rows(groups)["Closed trades"].cells)


def test_parameter_that_one_column_lacks_is_a_difference(backtest, user):
    other = make_run(RunState.COMPLETED, user=user, result=RESULT, spec=SPEC | {"parameters": {"length": 3}})
    shown = rows(differing(groups_of(subjects(f"b{backtest.number}", f"b{other.number}"), is_whole=False)))
    assert [figure and figure.value for figure, _ in shown["length"].cells] == [None, 3]


def test_page_shows_columns_and_narrows_to_the_differences(site, optimization, backtest):
    address = f"/compare?r=b{backtest.number}&r=o{optimization.number}.2"
    page, narrow = (site.get(address + more).content.decode() for more in ("", "&differences=1"))
    assert page.count('<th scope="col"') == 3
    assert 'class="same"' in page
    assert 'class="same"' not in narrow
    assert re.search(r"\d+ rows with the same values are hidden", narrow)
    assert f"/compare?r=b{backtest.number}&amp;r=o{optimization.number}.2&amp;differences=1" in page


def test_page_tells_what_an_address_lacks(site, optimization):
    assert "Nothing to compare yet." in site.get("/compare").content.decode()
    answer = site.get(f"/compare?r=o{optimization.number}.1&r=<b>x")
    assert answer.status_code == 400
    assert "&#x27;&lt;b&gt;x&#x27; is not a run" in answer.content.decode()
    assert "Add a second run" in site.get(f"/compare?r=o{optimization.number}.1").content.decode()


def test_seventh_column_is_told_and_left_out(site, user):
    runs = [make_run(RunState.COMPLETED, user=user, result=RESULT) for _ in range(7)]
    answer = site.get("/compare?" + "&".join(f"r=b{run.number}" for run in runs))
    assert "the first 6 of 7 are shown" in answer.content.decode()
    assert answer.content.decode().count('<th scope="col"') == 7


def test_missing_curves_are_computed_once(site, optimization, any_candles):
    references = [f"o{optimization.number}.1", f"o{optimization.number}.2", f"o{optimization.number}.3"]
    answer = site.post("/compare/curves", {"r": references, "differences": "1"})
    assert answer["Location"] == "/compare?" + "&".join(f"r={one}" for one in references) + "&differences=1"
    assert Run.objects.filter(repeated_run=optimization).count() == 2
    site.post("/compare/curves", {"r": references})
    assert Run.objects.filter(repeated_run=optimization).count() == 2
    assert "2 curves to come" in site.get(answer["Location"]).content.decode()


def test_trial_leads_to_its_comparison_with_the_best(site, optimization):
    link = f"/compare?r=o{optimization.number}.1&amp;r=o{optimization.number}.2"
    shown = [link in site.get(f"/optimizations/{optimization.id}/trials/{n}").content.decode() for n in (1, 2, 3)]
    assert shown == [True, False, False]


def test_stranger_sees_nothing(client, optimization):
    assert client.get(f"/compare?r=o{optimization.number}.1", HTTP_HOST="127.0.0.1").status_code in (301, 302)
    assert client.post("/compare/curves", HTTP_HOST="127.0.0.1").status_code in (301, 302)
