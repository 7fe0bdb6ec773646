"""Every field of the account, wherever people and programs meet it: form, API document, report, terminal, commands."""

from types import SimpleNamespace

import pytest

from algotrade.account import ACCOUNT, ACCOUNT_FIELDS, Account, Sizing
from runs.backtests.account_form import DEFAULTS, PERCENT_FIELDS
from runs.backtests.form import BacktestForm
from runs.backtests.report import account_rows
from runs.backtests.schemas import SpecBody
from runs.backtests.terminal import costs
from runs.management.foreground import ACCOUNT_OPTIONS


@pytest.fixture
def form():
    """A form without strategies and candles."""
    catalog = SimpleNamespace(all=list)
    store = SimpleNamespace(datasets=list)
    return BacktestForm(catalog, store)


def test_form_asks_for_every_field_once_in_its_unit(form):
    inputs = [*form.cost_fields(), *form.fill_fields(), *form.more_cost_fields()]
    names = {one.name.partition(".")[0] for one in inputs}
    assert names == set(ACCOUNT)
    assert sorted(one.name for one in inputs) == sorted(DEFAULTS)
    assert {one.name for one in inputs if one.field.unit == "%"} == PERCENT_FIELDS.keys() & ACCOUNT.keys()
    assert inputs[-1].widget_type == "checkbox"


def test_form_sends_percent_as_the_fraction_that_was_declared(form):
    sent = form.as_sent()
    sent.check = lambda: None  # there is no strategy
    assert sent.is_valid()
    request = sent.request()
    proposed = {one.name: one.proposed for one in ACCOUNT_FIELDS if one.kind == "number"}
    assert {name: float(request[name]) for name in proposed} == proposed


def test_api_documents_every_field_with_its_default_in_order():
    properties = SpecBody.model_json_schema()["properties"]
    assert [name for name in properties if name in ACCOUNT] == list(ACCOUNT)
    told = {name: properties[name].get("default") for name in ACCOUNT}
    assert told == Account().account_dict()
    assert properties["commission"]["description"] == ACCOUNT["commission"].description
    assert properties["fill"]["enum"] == ["next_open", "this_close"]


def test_report_tells_what_is_not_at_its_default():
    assert [row.label for row in account_rows(Account(), "USD")] == [
        "Initial capital", "Commission", "Slippage", "Fill", "Order size",
    ]  # fmt: skip
    changed = Account(
        fixed_fee=1.5,
        slippage_frac=0.001,
        margin_ratio=0.5,
        close_at_end=True,
        risk_free_rate=0.02,
        slippage_ticks=1.0,
        borrow_rate=0.03,
    )
    rows = [(row.label, row.value, row.unit, row.currency) for row in account_rows(changed, "USD")]
    assert rows == [
        ("Initial capital", 10_000.0, "money", "USD"),
        ("Commission", 0.0, "percent", "per side"),
        ("Slippage", 1.0, "plain", "tick"),
        ("Fill", "Next bar open", "text", ""),
        ("Order size", 1.0, "share", "of equity"),
        ("Fixed fee", 1.5, "money", "USD per fill"),
        ("Slippage of the price", 0.001, "percent", ""),
        ("Short margin", 0.5, "share", ""),
        ("Risk-free rate", 0.02, "share", "a year"),
        ("Borrow rate", 0.03, "share", "a year"),
        ("At the end", "Position closed", "text", ""),
    ]


def test_report_tells_sizes_in_their_unit():
    rows = [account_rows(Account(sizing=Sizing(kind, 3.0)), "USD")[4] for kind in ("quantity", "quote")]
    assert [(row.unit, row.currency) for row in rows] == [("plain", "units"), ("money", "USD")]


def test_terminal_tells_costs_of_specs_that_are_older_than_a_field():
    assert costs({"borrow_rate": 0.03}).endswith(", slippage 0 ticks, borrow rate 3% a year")
    assert costs({"commission": 0.001, "slippage_frac": 0.0005}) == (
        "Costs: commission 0.1% per side, fixed fee 0 per fill, slippage 0 ticks, slippage of the price 0.05%"
    )


def test_commands_have_the_options_that_are_declared():
    assert ACCOUNT_OPTIONS["--cash"] == ("initial_cash", "initial capital [10000]")
    assert {name for name, _ in ACCOUNT_OPTIONS.values()} >= {one.name for one in ACCOUNT_FIELDS if one.option}
