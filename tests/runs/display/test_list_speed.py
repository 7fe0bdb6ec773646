"""The list with 10,000 stored runs: few questions, small answers, and no walk through rows that carry curves.

How long it takes is told (`--log-cli-level=INFO`), not judged: what makes it slow is.
"""

import logging
import re
import time

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from runs.live import hub
from runs.models import Note, Run
from tests.builders import make_user
from tests.runs.clients import browser
from tests.runs.many import make_many

log = logging.getLogger(__name__)
N_RUNS = 10_000
MOST_QUERIES = 14
MOST_BYTES = 200_000
PAGES = [
    "",
    "?page=200",
    "?kind=optimization",
    "?status=failed&from=2025-02-01&to=2025-03-01",
    "?q=spy",
    "?q=nothing+has+this",
    "?tag=tag3",
    "?sort=-return",
    "?sort=-duration&kind=backtest",
]


@pytest.fixture(scope="module")
def many(django_db_setup, django_db_blocker):
    """Store 10,000 runs for the tests of this module."""
    with django_db_blocker.unblock():
        user = make_user("many")
        make_many(user, N_RUNS)
        yield browser(user)
        for rows in (Note.objects.all(), Run.objects.all()):
            rows._raw_delete(rows.db)  # the usual deletion would read every row first
        user.delete()


@pytest.mark.django_db
@pytest.mark.parametrize("query", PAGES)
def test_list_asks_little_and_answers_shortly(many, query):
    many.get("/runs")
    with CaptureQueriesContext(connection) as asked:
        began = time.perf_counter()
        response = many.get("/runs" + query)
        seconds = time.perf_counter() - began
    log.info("/runs%s: %.0f ms, %d queries, %d bytes", query, seconds * 1000, len(asked), len(response.content))
    assert len(asked) <= MOST_QUERIES
    assert len(response.content) <= MOST_BYTES
    assert len(re.findall(r'<tr id="run-', response.content.decode())) <= 50


@pytest.mark.django_db
@pytest.mark.skipif(connection.vendor != "sqlite", reason="The plan is SQLite's.")
@pytest.mark.parametrize("query", ["", "?sort=-return", "?sort=-duration", "?kind=backtest"])
def test_counts_and_orders_come_from_the_index_alone(many, query):
    with CaptureQueriesContext(connection) as asked:
        many.get("/runs" + query)
    counting = [one["sql"] for one in asked if "COUNT(" in one["sql"] or "NULLS LAST" in one["sql"]]
    assert counting
    with connection.cursor() as cursor:
        for sql in counting:
            cursor.execute("EXPLAIN QUERY PLAN " + sql)
            plan = " ".join(row[3] for row in cursor.fetchall())
            assert "COVERING INDEX" in plan or plan == "SCAN runs_run", sql
            assert "django_" not in sql  # a function of Python, called for every row


@pytest.mark.django_db
def test_live_round_of_the_list_does_not_grow_with_what_is_stored(many):
    view, _ = hub._read_list(None)
    with CaptureQueriesContext(connection) as asked:
        _, changed = hub._read_list(view)
    assert (len(asked), changed) == (3, [])
    assert not any("COUNT(" in one["sql"] for one in asked)
