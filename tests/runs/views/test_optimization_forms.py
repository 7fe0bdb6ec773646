"""The form of a new optimization: proposals, check while typing, what is refused, submission, Duplicate."""

import re

import pytest

from runs import artifacts
from runs.models import Run
from tests.builders import make_user
from tests.runs.pages import DATASET, add_dataset, make_completed, make_page_run
from tests.runs.views.test_backtest_forms import control, message

VALID = {
    "strategy_name": "sma_cross",
    "parameters_of": "sma_cross",
    "dataset": DATASET,
    "start": "2024-01-02",
    "end": "2024-01-20",
    "optimize.fast": "on",
    "min.fast": "4",
    "max.fast": "60",
    "step.fast": "2",
    "optimize.slow": "on",
    "min.slow": "20",
    "max.slow": "100",
    "step.slow": "4",
    "values.side": ["long"],
    "rules": "",
    "objective": "sharpe_ratio",
    "direction": "maximize",
    "filters.min_trades": "",
    "filters.max_drawdown": "",
    "method": "grid",
    "max_trials": "500",
    "seed": "1",
    "initial_cash": "25,000",
    "commission": "0.1",
    "slippage_ticks": "2",
    "fill": "this_close",
    "sizing.kind": "equity_fraction",
    "sizing.value": "50",
}


def without(*names):
    return {name: value for name, value in VALID.items() if name not in names}


def words(content):
    """Return the text of a page, without tags and with single blanks."""
    return " ".join(re.sub(r"<[^>]*>", " ", content).split())


def check(site, **changed):
    return site.post("/optimizations/new/check", VALID | changed).content.decode()


def row_error(content, name):
    return re.search(rf'id="field-axes-{name}-error" data-error-for="([^"]*)"[^>]*>(.*?)</p>', content, re.DOTALL)


def values_of(content, name):
    return re.search(rf'id="field-axes-{name}-values"[^>]*>(.*?)</output>', content)[1]


def typed(content):
    """Return what a browser would send of a page's form without touching it."""
    form = content[content.index('<form id="run-form"') : content.index("</form>", content.index('id="run-form"'))]
    sent = {}
    for tag in re.findall(r"<input[^>]*>", form):
        name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
        if name and (" checked" in tag or not re.search(r'type="(checkbox|radio)"', tag)):
            sent.setdefault(name[1], []).append(value[1] if value else "on" if " checked" in tag else "")
    for name, body in re.findall(r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', form, re.DOTALL):
        sent[name] = [re.search(r'value="([^"]*)" selected', body)[1]]
    for name, body in re.findall(r'<textarea[^>]*name="([^"]+)"[^>]*>(.*?)</textarea>', form, re.DOTALL):
        sent[name] = [body.removeprefix("\n")]
    sent.pop("csrfmiddlewaretoken", None)
    return sent


def test_fresh_form_proposes_ranges_around_the_defaults(site):
    content = site.get("/optimizations/new").content.decode()
    sent = typed(content)
    assert [sent[f"{part}.fast"] for part in ("min", "max", "step")] == [["5"], ["15"], ["1"]]
    assert values_of(content, "fast") == "11: 5, 6, 7 … 15"
    assert values_of(content, "slow") == "11: 20, 22, 24 … 40"
    assert " checked" in control(content, "optimize.fast")
    assert "121 combinations, 121 trials · 72,600 bars" in words(content)


def test_fresh_form_can_be_submitted_as_it_is(site):
    response = site.post("/optimizations/new", typed(site.get("/optimizations/new").content.decode()))
    run = Run.objects.get()
    assert (response.status_code, response.url) == (302, f"/optimizations/{run.id}")
    assert (run.kind, run.total, run.spec["filters"]) == ("optimization", 121, {"min_trades": 30.0})


def test_navigation_leads_to_the_form(site):
    assert 'href="/optimizations/new" aria-current="page"' in site.get("/optimizations/new").content.decode()


def test_check_counts_combinations_and_trials(site):
    content = check(site)
    assert "609 combinations, 121 skipped by rules, 488 trials · 222,528 bars" in words(content)
    assert values_of(content, "fast") == "29: 4, 6, 8 … 60"
    assert values_of(content, "slow") == "21: 20, 24, 28 … 100"
    assert not Run.objects.exists()


def test_check_of_own_rules_leaves_more_out(site):
    told = words(check(site, rules="slow - fast >= 10\nslow < 90"))
    assert "609 combinations" in told
    assert "488 trials" not in told


def test_check_tells_what_earlier_runs_know(site, monkeypatch):
    monkeypatch.setattr("runs.optimizations.reuse.n_known", lambda resolved: 100)
    assert "100 are known from earlier runs" in words(check(site))


@pytest.mark.parametrize(
    ("seconds", "is_measuring", "told"),
    [(11.4, False, "about 11 s on 3 workers"), (None, True, "Measuring…"), (None, False, "time unknown")],
)
def test_check_tells_how_long_it_takes(site, monkeypatch, settings, seconds, is_measuring, told):
    settings.ALGOTRADE_WORKERS = 3
    monkeypatch.setattr("runs.optimizations.estimate.optimization_seconds", lambda resolved, **_: seconds)
    monkeypatch.setattr("runs.optimizations.estimate.is_measuring", lambda resolved: is_measuring)
    content = check(site)
    assert told in words(content)
    assert ('hx-trigger="load' in content) == is_measuring


@pytest.mark.parametrize(
    ("changed", "field", "told", "blamed"),
    [
        ({"step.fast": "0"}, "fast", "Step must be greater than 0. It is 0.", "field-step-fast"),
        ({"max.fast": "2"}, "fast", "Max must be at least min. Min is 4 and max is 2.", "field-max-fast"),
        ({"min.fast": "1"}, "fast", "Min must be a whole number from 2 to 200", "field-min-fast"),
        ({"min.fast": ""}, "fast", "Min must be a whole number from 2 to 200", "field-min-fast"),
        ({"step.slow": "x"}, "slow", "Step must be a number greater than 0.", "field-step-slow"),
        ({"values.side": []}, "side", "Pick at least one value.", "field-values-side-0"),
    ],
)
def test_refused_axis_is_told_beside_the_control_to_blame(site, changed, field, told, blamed):
    response = site.post("/optimizations/new", VALID | changed)
    content = response.content.decode()
    error = row_error(content, field)
    assert response.status_code == 422
    assert told in error[2]
    assert error[1] == blamed
    wrong = [tag for tag in re.findall(r"<input[^>]*>", content) if ' aria-invalid="true"' in tag]
    assert [re.search(r' id="([^"]*)"', tag)[1] for tag in wrong if " autofocus" in tag] == [blamed]
    assert f"{field}: {told}" in words(content)
    assert not Run.objects.exists()


@pytest.mark.parametrize(
    ("changed", "field", "told"),
    [
        ({"rules": "fast <"}, "rules", "not an expression"),
        ({"filters.max_drawdown": "-20"}, "filters.max_drawdown", "Must be from 0% to 100%; it is -20%."),
        ({"filters.min_trades": "many"}, "filters.min_trades", "a number"),
        ({"method": "random", "max_trials": "0"}, "max_trials", "whole number from 1 to"),
        ({"method": "random", "seed": "-1"}, "seed", "at least 0"),
        ({"commission": "100"}, "commission", "below 100%"),
        ({"start": "2030-01-01", "end": "2031-01-01"}, "start", "no candles"),
    ],
)
def test_refused_field_is_marked_and_nothing_starts(site, changed, field, told):
    response = site.post("/optimizations/new", VALID | changed)
    content = response.content.decode()
    assert response.status_code == 422
    assert told in message(content, field)
    assert "aria-invalid" in content
    assert not Run.objects.exists()


def test_too_many_trials_are_refused_with_what_to_do(site, settings):
    settings.ALGOTRADE_MAX_COMBINATIONS = 400
    response = site.post("/optimizations/new", VALID)
    content = response.content.decode()
    assert response.status_code == 422
    told = "488 trials exceed the limit of 400. Increase a step or use the method random."
    assert told in re.search(r'id="field-axes-error"[^>]*>(.*?)</p>', content)[1]
    assert not Run.objects.exists()


def test_random_method_may_choose_from_more_than_the_limit(site, settings):
    settings.ALGOTRADE_MAX_COMBINATIONS = 400
    site.post("/optimizations/new", VALID | {"method": "random", "max_trials": "300", "seed": "7"})
    run = Run.objects.get()
    assert (run.total, run.spec["max_trials"], run.spec["seed"]) == (300, 300, 7)


def test_empty_form_names_what_is_missing_and_starts_nothing(site):
    response = site.post("/optimizations/new", {})
    content = response.content.decode()
    assert response.status_code == 422
    assert [message(content, field) for field in ("strategy_name", "dataset")] == ["This field is required."] * 2
    assert not Run.objects.exists()


def test_refused_form_keeps_what_was_typed(site):
    content = site.post("/optimizations/new", VALID | {"step.fast": "-1", "rules": "slow > 30"}).content.decode()
    sent = typed(content)
    kept = {name: sent[name] for name in ("step.fast", "max.slow", "rules", "initial_cash", "values.side")}
    assert kept == {
        "step.fast": ["-1"],
        "max.slow": ["100"],
        "rules": ["slow &gt; 30"],
        "initial_cash": ["25,000"],
        "values.side": ["long"],
    }


def test_valid_form_leads_to_its_run(site, user):
    changed = {"rules": "slow - fast > 10", "objective": "calmar_ratio", "filters.max_drawdown": "25"}
    response = site.post("/optimizations/new", VALID | changed | {"values.side": ["long", "both"]})
    run = Run.objects.get()
    assert (response.status_code, response.url, run.user) == (302, f"/optimizations/{run.id}", user)
    assert run.spec["axes"][1:] == [["slow", list(range(20, 101, 4))], ["side", ["long", "both"]]]
    assert run.spec["rules"] == ["fast < slow", "slow - fast > 10"]
    assert (run.spec["objective"], run.spec["filters"]) == ("calmar_ratio", {"max_drawdown": 0.25})
    assert (run.spec["account"]["initial_cash"], run.spec["account"]["commission"]) == (25_000.0, 0.001)


def test_unticked_parameter_has_its_fixed_value(site):
    site.post("/optimizations/new", without("optimize.slow") | {"parameters.slow": "70"})
    run = Run.objects.get()
    assert run.spec["axes"][1] == ["slow", [70]]
    assert run.total == 29  # every fast of 4 to 60 is below 70


def test_double_submit_makes_one_run(site):
    first, second = site.post("/optimizations/new", VALID), site.post("/optimizations/new", VALID)
    assert first.url == second.url
    assert Run.objects.count() == 1
    assert "The same optimization is active" in words(check(site))


def test_chosen_strategy_brings_its_rows(site):
    content = site.post("/optimizations/new/fields", VALID | {"strategy_name": "hold"}).content.decode()
    assert 'name="values.hedge"' in content
    assert 'name="min.fast"' not in content
    assert values_of(content, "hedge") == "2: true, false"


@pytest.mark.parametrize("changed", [{"strategy_name": "hold"}, {"range_of": "OLD|TEST|1d"}])
def test_check_that_overtakes_the_fields_brings_them(site, changed):
    content = check(site, **changed)
    assert 'id="axis-rows" hx-swap-oob="true"' in content
    assert 'id="range-fields"' in content


def test_changed_strategy_without_script_shows_its_parameters_first(site):
    response = site.post("/optimizations/new", VALID | {"strategy_name": "hold"})
    assert response.status_code == 200
    assert "These are the parameters of Hold." in response.content.decode()
    assert not Run.objects.exists()


def test_further_assets_are_offered_and_varied(site):
    assert "Also vary" not in site.get("/optimizations/new").content.decode()
    add_dataset(artifacts.candle_store(), "BOLT")
    content = site.post("/optimizations/new/fields", VALID).content.decode()
    assert "Also vary these assets" in content
    told = words(check(site, **{"also.asset": ["BOLT"]}))
    assert "1,218 combinations, 242 skipped by rules, 976 trials" in told
    site.post("/optimizations/new", VALID | {"also.asset": ["BOLT"]})
    run = Run.objects.get()
    assert run.spec["axes"][0] == ["asset", ["ACME", "BOLT"]]
    assert typed(site.get(f"/optimizations/new?from={run.id}").content.decode())["also.asset"] == ["BOLT"]


def test_duplicate_asks_for_the_same_again(site):
    changed = {
        "rules": "slow - fast > 10",
        "objective": "cagr",
        "filters.max_drawdown": "25",
        "filters.min_trades": "3",
    }
    site.post("/optimizations/new", VALID | changed | {"method": "random", "max_trials": "50", "seed": "9"})
    run = Run.objects.get()
    content = site.get(f"/optimizations/new?from={run.id}").content.decode()
    sent = typed(content)
    shown = {"min.fast": "4", "max.fast": "60", "step.fast": "2", "max_trials": "50", "seed": "9", "method": "random"}
    shown |= {"filters.max_drawdown": "25", "filters.min_trades": "3", "start": "2024-01-02", "sizing.value": "50"}
    assert {name: sent[name][-1] for name in shown} == shown
    assert site.post("/optimizations/new", {**sent, "rules": "slow - fast > 10"}).url == f"/optimizations/{run.id}"


def test_typed_list_takes_the_place_of_the_range(site):
    content = check(site, **{"as_list.slow": "on", "list.slow": "20; 50,100 50"})
    assert "3: 20, 50, 100" in words(content)
    assert row_error(content, "slow")[2] == ""
    site.post("/optimizations/new", VALID | {"list.slow": "20, 50"})  # the box is not ticked: the range counts
    assert len(Run.objects.get().spec["axes"][1][1]) == 21


@pytest.mark.parametrize(
    ("listed", "told"),
    [
        ("", "List at least one value, such as 20, 50, 100."),
        ("20, fifty", "Must be a whole number from 5 to 400; it is &#x27;fifty&#x27;."),
        ("20, 401", "Must be a whole number from 5 to 400; it is &#x27;401&#x27;."),
        ("20, 50.5", "Must be a whole number from 5 to 400; it is &#x27;50.5&#x27;."),
    ],
)
def test_wrong_list_is_told_at_its_field_and_not_submitted(site, listed, told):
    typed_list = {"as_list.slow": "on", "list.slow": listed}
    blamed, message = row_error(check(site, **typed_list), "slow").groups()
    assert (blamed, message) == ("field-list-slow", told)
    assert site.post("/optimizations/new", VALID | typed_list).status_code == 422
    assert not Run.objects.exists()


def test_field_for_a_list_begins_with_the_values_of_the_range(site):
    content = site.get("/optimizations/new?strategy=sma_cross").content.decode()
    assert 'value="5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15"' in control(content, "list.fast")


def test_duplicate_keeps_values_that_no_step_makes(site):
    site.post("/optimizations/new", VALID | {"as_list.slow": "on", "list.slow": "20, 50,100"})
    run = Run.objects.get()
    assert run.spec["axes"][1] == ["slow", [20, 50, 100]]
    content = site.get(f"/optimizations/new?from={run.id}").content.decode()
    assert 'value="20, 50, 100"' in control(content, "list.slow")
    assert " checked" in control(content, "as_list.slow")
    assert site.post("/optimizations/new", typed(content)).url == f"/optimizations/{run.id}"


def test_duplicate_keeps_what_only_programs_set(site):
    site.post("/optimizations/new", VALID | {"grid_trials": "40", "filters.min_sharpe_ratio": "0.5"})
    run = Run.objects.get()
    assert run.total == 40
    content = site.get(f"/optimizations/new?from={run.id}").content.decode()
    assert "Min sharpe ratio" in content
    assert site.post("/optimizations/new", typed(content)).url == f"/optimizations/{run.id}"


def test_backtest_gives_strategy_dataset_costs_and_the_middle_of_the_ranges(site, user):
    run = make_completed(user=user)
    content = site.get(f"/optimizations/new?from={run.id}").content.decode()
    sent = typed(content)
    assert (sent["commission"], sent["dataset"]) == (["0.15"], [DATASET])
    assert values_of(content, "fast") == "11: 7, 8, 9 … 17"  # around 12
    assert sent["values.side"] == ["long"]


@pytest.mark.parametrize("source", ["nonsense", ""])
def test_duplicate_of_nonsense_is_a_fresh_form(site, source):
    assert 'value="5"' in control(site.get(f"/optimizations/new?from={source}").content.decode(), "min.fast")


def test_duplicate_of_what_is_not_there_is_not_found(site):
    assert site.get("/optimizations/new?from=7b3c2f9e-1111-4222-8333-444455556666").status_code == 404


def test_dataset_may_be_chosen_by_address(site):
    content = site.get("/optimizations/new?dataset=ACME%7CTEST%7C1h&strategy=hold").content.decode()
    assert 'name="values.hedge"' in content


def test_too_many_active_runs_are_refused(site, user, settings):
    settings.ALGOTRADE_MAX_ACTIVE_RUNS = 1
    make_page_run(user=user)
    response = site.post("/optimizations/new", VALID)
    assert response.status_code == 429
    assert "You have 1 active runs and may have 1." in response.content.decode()


@pytest.mark.parametrize("path", ["/optimizations/new/check", "/optimizations/new/fields"])
def test_parts_of_the_form_refuse_a_get(site, path):
    assert site.get(path).status_code == 405


@pytest.mark.parametrize("path", ["/optimizations/new", "/optimizations/new/check", "/optimizations/new/fields"])
def test_strangers_see_no_form(site, path):
    site.logout()
    response = site.post(path, VALID)
    assert response.status_code in (302, 401, 403)
    assert not Run.objects.exists()


def test_colleague_may_duplicate(site, user):
    run = make_completed(user=make_user())
    assert site.get(f"/optimizations/new?from={run.id}").status_code == 200
