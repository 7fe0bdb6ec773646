"""What is replaced before answers are compared, what is not, and how a difference is told."""

from pathlib import Path

import pytest

from tests.contract.golden import differences
from tests.contract.normal import Normaliser
from tests.environment import ROOT

UUID = "0a0b0c0d-0000-4000-8000-00000000000a"
TRACE = f"""Traceback (most recent call last):
  File "algotrade/engine/loop.py", line 7, in run
    on_bar(bars)
  File "{ROOT}/algotrade/other.py", line 8, in call
    inner()
  File "strategies/mine.py", line 9, in on_bar
    share = 1 / 0
ZeroDivisionError: division by zero
"""


@pytest.fixture
def normal():
    return Normaliser(Path("/somewhere/home"), "http://127.0.0.1:4711")


def test_ids_have_the_names_they_were_given_or_those_of_their_order(normal):
    normal.name(UUID, "mine")
    other = UUID.replace("a", "b")
    assert normal.text(f"/api/{UUID}/{other}/{other}") == "/api/<mine>/<id 2>/<id 2>"


def test_a_volatile_field_keeps_the_kind_of_its_value(normal):
    told = {"rate": 7.5, "eta_seconds": None, "created_at": "2026-01-31T10:00:00.123Z", "run_key": "0" * 64}
    expected = {"rate": "<number>", "eta_seconds": None, "created_at": "<time>", "run_key": "<hash>"}
    assert normal.value(told) == expected


def test_figures_counts_and_parameters_stay_to_the_bit(normal):
    told = {"metrics": {"sharpe_ratio": 0.1 + 0.2}, "trades": 7, "parameters": {"fast": 10}, "number": 3}
    assert normal.value(told) == told


def test_a_document_about_fields_is_kept_whole(normal):
    told = {"properties": {"id": {"type": "string"}, "number": {"type": "integer"}, "rate": None}}
    assert normal.value(told, None) == told


def test_the_number_of_a_run_is_replaced_that_of_a_trial_stays(normal):
    told = {"id": UUID, "number": 12, "trials": [{"number": 3}], "error": "Backtest 12 is running; see r=o7.3"}
    found = normal.value(told)
    assert (found["number"], found["trials"]) == ("<number>", [{"number": 3}])
    assert found["error"] == "Backtest <number> is running; see r=o<number>.3"


def test_a_traceback_keeps_the_lines_of_the_strategy_and_its_end(normal):
    lines = normal.text(TRACE).splitlines()
    assert lines[1:3] == ["  <the product>", '  File "strategies/mine.py", line 9, in on_bar']
    assert lines[-1] == "ZeroDivisionError: division by zero"


def test_a_difference_is_told_with_its_path_before_and_after():
    before = {"a": [{"b": 1, "c": None}], "d": True}
    after = {"a": [{"b": 1.0, "c": 0}], "d": 1}
    assert list(differences(before, after)) == ["a[0] › b: 1 -> 1.0", "a[0] › c: null -> 0", "d: true -> 1"]


def test_a_field_that_is_gone_or_new_is_a_difference():
    assert list(differences({"a": 1}, {"b": None})) == ["a: 1 -> (nothing)", "b: (nothing) -> null"]


def test_lists_of_another_length_are_a_difference():
    assert list(differences({"a": [1, 2]}, {"a": [1]})) == ["a (length): 2 -> 1"]
