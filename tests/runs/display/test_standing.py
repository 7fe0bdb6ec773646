"""How a run stands: what its page and its row are told."""

from dataclasses import replace

import pytest

from runs.backtests.kind import BACKTEST
from runs.fragments import render_row
from runs.models import RunState, kind
from tests.builders import make_run

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("has_form", [True, False])
def test_only_a_run_that_a_form_starts_is_duplicated(monkeypatch, has_form):
    monkeypatch.setitem(kind._kinds, BACKTEST.name, replace(BACKTEST, has_form=has_form))
    assert ("/backtests/new?from=" in render_row(make_run(RunState.CANCELLED))) is has_form
