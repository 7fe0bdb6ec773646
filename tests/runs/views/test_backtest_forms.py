"""The form of a new backtest: fields from Params, check while typing, submission, Duplicate, Run again."""

import re

import pytest

from algotrade.spec import BacktestSpec
from runs.models import Run
from tests.builders import make_user
from tests.runs.pages import DATASET, make_completed, make_page_run

VALID = {
    "strategy_name": "sma_cross",
    "parameters_of": "sma_cross",
    "dataset": DATASET,
    "start": "2024-01-02",
    "end": "2024-01-20",
    "parameters.fast": "12",
    "parameters.slow": "34",
    "parameters.side": "long",
    "initial_cash": "25,000",
    "commission": "0.1",
    "slippage_ticks": "2",
    "fill": "this_close",
    "sizing.kind": "equity_fraction",
    "sizing.value": "50",
}


def control(content, name):
    """Return the tag of the control called `name`."""
    return re.search(rf'<(?:input|select)[^>]*\bname="{re.escape(name)}"[^>]*>', content)[0]


def message(content, name):
    """Return the text beside a field."""
    identity = "field-" + name.replace(".", "-").replace("_", "-")
    return re.search(rf'id="{identity}-error"[^>]*>(.*?)</p>', content, re.DOTALL)[1]


def test_fields_come_from_the_params(site):
    content = site.get("/backtests/new").content.decode()
    fast = control(content, "parameters.fast")
    for part in ('value="10"', 'type="text"', 'inputmode="numeric"'):
        assert part in fast
    assert ">int 2\N{EN DASH}200<" in content
    assert "Bars of the fast average." in content
    assert '<option value="both" selected>' in content


def test_summary_tells_bars_and_time(site):
    content = site.get("/backtests/new").content.decode()
    assert ">600 bars<" in content
    assert re.search(r"about \d", content)


def test_broken_strategy_is_listed_with_its_error(site):
    content = site.get("/backtests/new").content.decode()
    assert "1 strategy file cannot be used" in content
    assert "SyntaxError: &lt;b&gt;line 7&lt;/b&gt;" in content
    assert 'value="broken"' not in content


def test_valid_form_leads_to_its_run(site, user):
    response = site.post("/backtests/new", VALID)
    run = Run.objects.get()
    assert (response.status_code, response.url) == (302, f"/backtests/{run.id}")
    assert (run.user, run.total) == (user, 19 * 24)
    assert run.spec["initial_cash"] == 25_000.0
    assert run.spec["commission"] == 0.001
    assert run.spec["sizing"] == {"kind": "equity_fraction", "value": 0.5}
    assert run.spec["parameters"] == {"fast": 12, "slow": 34, "side": "long"}


def test_decimal_comma_is_read_as_one(site):
    typed = {"initial_cash": "10.000,50", "commission": "0,1", "slippage_ticks": "0,5", "sizing.value": "12,5"}
    site.post("/backtests/new", VALID | typed)
    spec = Run.objects.get().spec
    assert (spec["initial_cash"], spec["commission"], spec["slippage_ticks"]) == (10_000.5, 0.001, 0.5)
    assert spec["sizing"]["value"] == 0.125


def test_double_submit_makes_one_run(site):
    first, second = site.post("/backtests/new", VALID), site.post("/backtests/new", VALID)
    assert first.url == second.url
    assert Run.objects.count() == 1


@pytest.mark.parametrize(
    ("changed", "field", "told"),
    [
        ({"parameters.fast": "1"}, "parameters.fast", "from 2 to 200"),
        ({"parameters.fast": "10.5"}, "parameters.fast", "whole number"),
        ({"parameters.slow": "11"}, "parameters.fast", "fast &lt; slow is required"),
        ({"start": "2030-01-01", "end": "2031-01-01"}, "start", "no candles"),
        ({"start": "2024-01-20", "end": "2024-01-02"}, "start", "before the end"),
        ({"start": "yesterday"}, "start", "date or time"),
        ({"initial_cash": "0"}, "initial_cash", "above 0"),
        ({"commission": "100"}, "commission", "Must be at least 0% and below 100%; it is 100%."),
        ({"commission": "nan"}, "commission", "it is nan%."),
        ({"commission": "1e999999"}, "commission", "Must be at least"),
        ({"sizing.value": "0"}, "sizing.value", "above 0%"),
        ({"sizing.kind": "quantity", "sizing.value": "-1"}, "sizing.value", "above 0"),
        ({"dataset": "NONE|TEST|1h"}, "dataset", "no candles for the asset"),
        ({"strategy_name": "zzz", "parameters_of": "zzz"}, "strategy_name", "no strategy"),
    ],
)
def test_invalid_field_is_marked_and_nothing_starts(site, changed, field, told):
    response = site.post("/backtests/new", VALID | changed)
    content = response.content.decode()
    assert response.status_code == 422
    assert told in message(content, field)
    assert not Run.objects.exists()


def test_empty_form_names_what_is_missing_and_starts_nothing(site):
    response = site.post("/backtests/new", {})
    content = response.content.decode()
    assert response.status_code == 422
    for field in ("strategy_name", "dataset"):
        assert message(content, field) == "This field is required.", field
    assert not Run.objects.exists()


def test_field_that_is_missing_is_empty_and_not_what_was_proposed(site):
    assert "0.1" in control(site.get("/backtests/new").content.decode(), "commission")
    site.post("/backtests/new", {name: value for name, value in VALID.items() if name != "commission"})
    assert Run.objects.get().spec["commission"] == 0.0


def test_ticked_box_is_true_and_another_one_false(site):
    chosen = VALID | {"strategy_name": "hold", "parameters_of": "hold"}
    for ticks in ({"parameters.hedge": "on"}, {"close_at_end": "on"}):
        site.post("/backtests/new", {n: v for n, v in chosen.items() if not n.startswith("parameters.")} | ticks)
    specs = [run.spec for run in Run.objects.order_by("number")]
    assert [spec["parameters"]["hedge"] for spec in specs] == [True, False]
    assert [spec["close_at_end"] for spec in specs] == [False, True]


def test_refused_form_keeps_what_was_typed_and_focuses_the_error(site):
    content = site.post("/backtests/new", VALID | {"parameters.fast": "999"}).content.decode()
    tag = control(content, "parameters.fast")
    for part in ('value="999"', 'aria-invalid="true"', "autofocus", "field-parameters-fast-error"):
        assert part in tag
    assert 'value="25,000"' in control(content, "initial_cash")
    assert content.count(" autofocus") == 2  # the field, and Close of the shortcut sheet


def test_changed_strategy_without_script_shows_its_parameters_first(site):
    response = site.post("/backtests/new", VALID | {"strategy_name": "hold"})
    content = response.content.decode()
    assert response.status_code == 200
    assert "These are the parameters of Hold." in content
    assert 'name="parameters.hedge"' in content
    assert not Run.objects.exists()


def test_check_returns_summary_and_messages(site):
    content = site.post("/backtests/new/check", VALID | {"parameters.fast": "40"}).content.decode()
    assert "fast &lt; slow is required; fast is 40 and slow is 34." in message(content, "parameters.fast")
    assert message(content, "parameters.slow") == ""
    assert 'hx-swap-oob="true"' in content
    assert not Run.objects.exists()


def test_check_of_a_valid_form_tells_the_bars(site):
    assert ">456 bars<" in site.post("/backtests/new/check", VALID).content.decode()


def test_check_names_the_run_that_was_the_same(site):
    site.post("/backtests/new", VALID)
    assert "The same backtest is active" in site.post("/backtests/new/check", VALID).content.decode()


def test_chosen_strategy_brings_its_parameters(site):
    content = site.post("/backtests/new/fields", VALID | {"strategy_name": "hold"}).content.decode()
    assert 'name="parameters.hedge"' in content
    assert 'name="parameters.fast"' not in content


@pytest.mark.parametrize("changed", [{"strategy_name": "hold"}, {"range_of": "OLD|TEST|1d"}])
def test_check_that_overtakes_the_fields_brings_them(site, changed):
    content = site.post("/backtests/new/check", VALID | changed).content.decode()
    assert 'id="parameter-fields" hx-swap-oob="true"' in content


def test_chosen_dataset_brings_its_range(site):
    content = site.post("/backtests/new/fields", VALID | {"range_of": "OLD|TEST|1d"}).content.decode()
    assert 'value="2024-01-01"' in control(content, "start")
    assert 'value="2024-01-25"' in control(content, "end")


def test_duplicate_prefills_every_field(site, user):
    site.post("/backtests/new", VALID)
    run = Run.objects.get()
    content = site.get(f"/backtests/new?from={run.id}").content.decode()
    shown = {"start": "2024-01-02", "end": "2024-01-20", "initial_cash": "25000", "commission": "0.1"}
    shown |= {"parameters.fast": "12", "slippage_ticks": "2", "sizing.value": "50"}
    for name, value in shown.items():
        assert f'value="{value}"' in control(content, name), name
    assert '<option value="long" selected>' in content
    assert '<option value="this_close" selected>' in content


def test_duplicate_of_a_range_within_a_day_keeps_its_times(site, user):
    site.post("/backtests/new", VALID | {"start": "2024-01-02T05:00", "end": "2024-01-03T07:00"})
    content = site.get(f"/backtests/new?from={Run.objects.get().id}").content.decode()
    assert 'value="2024-01-02T05:00:00"' in control(content, "start")
    assert 'value="2024-01-03T07:00:00"' in control(content, "end")


def test_posted_duplicate_is_the_same_run(site):
    site.post("/backtests/new", VALID)
    run = Run.objects.get()
    content = site.get(f"/backtests/new?from={run.id}").content.decode()
    typed = dict(re.findall(r'<input[^>]*name="([^"]+)"[^>]*\bvalue="([^"]*)"', content))
    chosen = {
        n: re.search(r'value="([^"]*)" selected', body)[1]
        for n, body in re.findall(r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', content)
    }
    assert site.post("/backtests/new", typed | chosen).url == run.get_absolute_url()


@pytest.mark.parametrize("source", ["nonsense", ""])
def test_duplicate_of_nonsense_is_a_fresh_form(site, source):
    assert 'value="10"' in control(site.get(f"/backtests/new?from={source}").content.decode(), "parameters.fast")


def test_run_again_starts_the_same_spec(site, user):
    run = make_completed(user=user)
    response = site.post(f"/backtests/{run.id}/again")
    again = Run.objects.exclude(pk=run.pk).get()
    assert response.url == again.get_absolute_url()
    assert BacktestSpec.from_dict(again.spec) == BacktestSpec.from_dict(run.spec)


def test_run_again_of_what_cannot_run_shows_the_form(site, user):
    run = make_page_run(
        user=user, strategy_name="gone", spec=make_completed(user=user).spec | {"strategy_name": "gone"}
    )
    response = site.post(f"/backtests/{run.id}/again")
    assert response.status_code == 422
    assert "no strategy" in response.content.decode()


def test_run_again_with_a_parameter_that_is_gone_is_refused(site, user):
    spec = make_completed(user=user).spec
    run = make_page_run(user=user, spec=spec | {"parameters": spec["parameters"] | {"gone": 1}})
    response = site.post(f"/backtests/{run.id}/again")
    assert response.status_code == 422
    assert "has no parameter &#x27;gone&#x27;" in response.content.decode()


def test_colleague_may_run_again_as_their_own(site, user):
    run = make_completed(user=make_user())
    site.post(f"/backtests/{run.id}/again")
    assert Run.objects.latest("number").user == user


def test_too_many_active_runs_are_refused(site, user, settings):
    settings.ALGOTRADE_MAX_ACTIVE_RUNS = 1
    make_page_run(user=user)
    response = site.post("/backtests/new", VALID)
    assert response.status_code == 429
    assert "You have 1 active runs and may have 1." in response.content.decode()


@pytest.mark.parametrize("path", ["/backtests/new/check", "/backtests/new/fields"])
def test_parts_of_the_form_refuse_a_get(site, path):
    assert site.get(path).status_code == 405


def test_dataset_of_the_data_page_is_chosen(site):
    assert "?dataset=ACME%7CTEST%7C1h" in site.get("/data").content.decode()
    content = site.get("/backtests/new?dataset=ACME%7CTEST%7C1h").content.decode()
    assert '<option value="ACME|TEST|1h" selected>' in content


def test_address_that_repeats_what_was_typed_shows_it_again(site):
    typed = {**VALID, "parameters.fast": "1x", "initial_cash": "10.000,50"}
    content = site.get("/backtests/new", typed).content.decode()
    assert 'value="1x"' in control(content, "parameters.fast")
    assert 'value="10.000,50"' in control(content, "initial_cash")
    assert "must be a whole number" in content.lower()
