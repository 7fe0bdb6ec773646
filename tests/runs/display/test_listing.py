"""Filters, order and pages of the list of runs, and the words in which it says what it could not understand."""

import csv
import io
import re
from datetime import UTC, datetime, timedelta

import pytest
from django.http import QueryDict

from runs.display.listing import RunQuery
from runs.models import Note, Run, RunState
from tests.builders import make_user
from tests.runs.clients import browser, csv_text
from tests.runs.pages import make_page_run
from tests.runs.trials import make_optimization


def listed(site, **asked):
    """Return the numbers of the runs that the list shows, in its order."""
    content = site.get("/runs", asked).content.decode()
    return [int(number) for number in re.findall(r'<tr id="run-[^"]+" data-number="(\d+)"', content)]


def note(run, title="", notes="", tags=()):
    Note.objects.write(run, title=title, notes=notes, tags=tags)
    return run


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"kind": "optimization"}, [1]),
        ({"strategy": "hold"}, [2]),
        ({"dataset": "SPY|NYSE|1d"}, [3]),
        ({"tag": "fee"}, [2]),
        ({"from": "2026-02-01"}, [3]),
        ({"to": "2026-01-31"}, [2]),
        ({"from": "2026-01-01", "to": "2026-02-28", "strategy": "sma_cross"}, [3]),
        ({"tag": "fe"}, []),
        ({"dataset": "SPY"}, []),
    ],
)
def test_each_filter_keeps_what_passes_it(site, user, asked, expected):
    days = [datetime(2025, 12, 31, 23, 59, tzinfo=UTC), datetime(2026, 1, 31, 12, tzinfo=UTC)]
    days.append(datetime(2026, 2, 1, tzinfo=UTC))
    make_optimization(user=user, number=1, created_at=days[0])
    note(make_page_run(user=user, number=2, strategy_name="hold", created_at=days[1]), tags=["fee", "old"])
    make_page_run(user=user, number=3, asset="SPY", exchange="NYSE", timeframe="1d", created_at=days[2])
    expected = [1, 2] if asked == {"to": "2026-01-31"} else expected
    assert sorted(listed(site, **asked)) == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("breakout", [1]),
        ("BREAKOUT idea", [1]),
        ("learnt", [2]),
        ("learnt breakout", []),
        ("#night", [2]),
        ("b2", [2]),
        ("o2", []),
        ("backtest 2", [2]),
        ("100%", [1]),
        ("_", [1, 2]),
        ("sma-cross", [1, 2]),
    ],
)
def test_search_looks_at_what_people_wrote(site, user, words, expected):
    note(make_page_run(user=user, number=1), title="An idea: breakout, 100% long")
    note(make_page_run(user=user, number=2), notes="What was\nlearnt", tags=["night"])
    assert sorted(listed(site, q=words)) == expected


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("", [4, 3, 2, 1]),
        ("number", [1, 2, 3, 4]),
        ("-return", [2, 1, 3, 4]),
        ("return", [3, 1, 2, 4]),
        ("-sharpe", [1, 3, 2, 4]),
        ("-objective", [2, 1, 4, 3]),
        ("-duration", [3, 1, 4, 2]),
        ("duration", [1, 3, 4, 2]),
    ],
)
def test_list_is_sorted_and_what_has_no_value_comes_last(site, user, sort, expected):
    began = datetime(2026, 1, 1, tzinfo=UTC)
    values = {1: (0.1, 3.0, 0.5, 10), 2: (0.4, 1.0, 0.9, None), 3: (-0.2, 2.0, None, 50), 4: (None, None, None, None)}
    for number, (total_return, sharpe, best, seconds) in values.items():
        ended = seconds and began.replace(second=seconds)
        fields = {"total_return": total_return, "sharpe_ratio": sharpe, "best_value": best, "finished_at": ended}
        make_page_run(RunState.COMPLETED, user=user, number=number, attempt_started_at=began, **fields)
    assert listed(site, sort=sort) == expected


def test_runs_that_took_equally_long_are_sorted_by_number(site, user):
    # 12.345 s each, from moments whose distances a database's days can only nearly tell.
    for number, day in enumerate((1, 9, 17, 28), start=1):
        began = datetime(2026, 1, day, 7, 11, 13, number * 137_000, tzinfo=UTC)
        fields = {"attempt_started_at": began, "finished_at": began + timedelta(seconds=12.345)}
        make_page_run(RunState.COMPLETED, user=user, number=number, **fields)
    assert listed(site, sort="duration") == listed(site, sort="-duration") == [4, 3, 2, 1]


@pytest.mark.parametrize(
    ("seconds", "expected"), [((0.002, 0.001), [2, 1]), ((1.0, 0.999), [2, 1]), ((90_061.5, 86_400), [2, 1])]
)
def test_list_tells_milliseconds_and_days_apart(site, user, seconds, expected):
    began = datetime(2026, 1, 31, 23, 59, 59, 999_000, tzinfo=UTC)
    for number, took in enumerate(seconds, start=1):
        fields = {"attempt_started_at": began, "finished_at": began + timedelta(seconds=took)}
        make_page_run(RunState.COMPLETED, user=user, number=number, **fields)
    assert listed(site, sort="duration") == expected


@pytest.mark.parametrize(
    ("asked", "name", "allowed"),
    [
        ("sort=user__password", "sort", "number, return"),
        ("status=lost", "status", "pending"),
        ("kind=<b>", "kind", "backtest"),
        ("from=yesterday", "from", "a day such as"),
        ("to=2026-02-30", "to", "a day such as"),
    ],
)
def test_what_is_not_understood_is_told_and_passed_over(site, user, asked, name, allowed):
    make_page_run(user=user)
    response = site.get("/runs?" + asked)
    assert allowed in response.context["run_query"].problems[name]
    assert len(response.context["page"].rows) == 1
    assert "<b>" not in response.content.decode().split('id="run-list"')[1].split("<section")[0]


@pytest.mark.parametrize("page", ["0", "-1", "x", "9" * 30, "2", ""])
def test_page_beyond_the_end_is_the_last_one(site, user, page):
    run = make_page_run(user=user)
    assert listed(site, page=page) == [run.number]


def test_address_says_everything_that_was_asked():
    asked = "status=failed&kind=backtest&strategy=a&dataset=b%7Cc%7Cd&tag=t&q=x+y&sort=-return&from=2026-01-01&page=3"
    run_query = RunQuery.of(QueryDict(asked).dict())
    assert RunQuery.of(QueryDict(run_query.query(page=3)).dict()) == run_query
    assert RunQuery.of(QueryDict(run_query.query()).dict()).page == 1


def test_script_gets_the_list_alone_and_its_address(site, user):
    make_page_run(user=user)
    response = site.get("/runs?q=acme&kind=&sort=-number", headers={"HX-Request": "true"})
    assert response.content.decode().lstrip().startswith('<div id="run-list">')
    assert response["HX-Push-Url"] == "/runs?q=acme"


def test_back_button_gets_the_whole_page(site, user):
    make_page_run(user=user)
    headers = {"HX-Request": "true", "HX-History-Restore-Request": "true"}
    assert "<!doctype html>" in site.get("/runs", headers=headers).content.decode()


def test_filters_offer_what_there_is_and_what_was_chosen(site, user):
    note(make_page_run(user=user), tags=["zeta", "alpha"])
    selects = {one["name"]: one["choices"] for one in site.get("/runs?tag=gone").context["filters"]}
    assert selects["strategy"] == [("sma_cross", "SMA Cross", False)]
    assert selects["dataset"] == [("ACME|TEST|1h", "ACME 1h · TEST", False)]
    assert selects["tag"] == [("alpha", "alpha", False), ("zeta", "zeta", False), ("gone", "gone", True)]


def test_news_count_only_new_runs_that_pass_the_filters(site, user):
    known = make_page_run(user=user)
    for strategy in ("hold", "hold", "sma_cross"):
        make_page_run(user=user, strategy_name=strategy)
    content = site.get(f"/runs/news?strategy=hold&after={known.number}").content.decode()
    assert "2 new runs" in content
    assert 'href="/runs?strategy=hold"' in content
    assert "new run" not in site.get("/runs/news", {"after": str(known.number + 9)}).content.decode()


def test_news_bring_the_counts_of_the_tabs(site, user):
    make_page_run(RunState.RUNNING, user=user)
    content = site.get("/runs/news?after=x").content.decode()
    assert 'id="run-tabs"' in content
    assert 'Running <span class="count-badge">1</span>' in content


def test_file_has_the_listed_runs_and_no_formula(site, user):
    make_page_run(user=user, strategy_name="hold")
    run = note(make_page_run(user=user, total_return=-0.5), title='=HYPERLINK("http://x")', tags=["a", "b"])
    response = site.get("/runs.csv?strategy=sma_cross")
    (row,) = csv.DictReader(io.StringIO(csv_text(response)))
    assert (row["number"], row["tags"], row["total_return"]) == (str(run.number), "a b", "-0.5")
    assert row["title"] == '\'=HYPERLINK("http://x")'
    assert 'filename="runs.csv"' in response["Content-Disposition"]


@pytest.mark.parametrize("path", ["/runs.csv", "/runs/news", "/runs/live", "/runs"])
def test_list_in_every_form_is_only_read(site, path):
    assert site.post(path).status_code == 405


def test_runs_that_one_may_not_see_are_neither_listed_nor_counted(monkeypatch, db):
    monkeypatch.setattr(type(Run.objects.all()), "visible_to", lambda self, user: self.filter(user_id=user.pk))
    run = note(make_page_run(), title="a secret title")
    client = browser(make_user())
    for path in ("/runs?q=secret", "/runs/news?after=0", f"/runs/live?id={run.id}"):
        content = client.get(path).content.decode()
        assert str(run.id) not in content
        assert "1 new run" not in content
    assert str(run.id) not in b"".join(client.get("/runs.csv").streaming_content).decode()
