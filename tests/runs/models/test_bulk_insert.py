"""Rows inserted at once are the rows that Django would have inserted."""

import pytest
from django.db import IntegrityError, transaction

from runs.models import Trial
from runs.models.bulk_insert import insert
from tests.runs.trials import FAILURE, make_optimization, make_trial

pytestmark = pytest.mark.django_db


def trials(run):
    return [
        make_trial(run, 0, {"sharpe_ratio": 1.5, "trades": 3.0}, rev=7, duration_ms=0.25),
        make_trial(run, 1, **(FAILURE | {"error_message": "100 % 'quoted' \u2212 \u00e9", "rev": 2**40})),
        make_trial(run, 2, {"sharpe_ratio": None}, is_reused=True, source=3),
    ]


def values_of(run):
    names = [field.attname for field in Trial._meta.concrete_fields if field.attname not in ("id", "run_id")]
    rows = run.trials.order_by("number").values_list(*names)
    return [tuple(bytes(value) if isinstance(value, memoryview) else value for value in row) for row in rows]


def test_insert_stores_what_bulk_create_stores():
    ours, theirs = make_optimization(), make_optimization()
    insert(trials(ours))
    Trial.objects.bulk_create(trials(theirs))
    assert values_of(ours) == values_of(theirs)
    assert len(values_of(ours)) == 3


def test_insert_of_a_number_that_is_there_stores_nothing():
    run = make_optimization()
    insert(trials(run)[:1])
    with pytest.raises(IntegrityError), transaction.atomic():
        insert([make_trial(run, 5), make_trial(run, 0)])
    assert run.trials.count() == 1


def test_insert_of_nothing_is_nothing(django_assert_num_queries):
    with django_assert_num_queries(0):
        insert([])
