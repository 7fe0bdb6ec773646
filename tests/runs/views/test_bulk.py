"""Cancelling and deleting many runs: each by its own state and its owner's right, and an answer that says so."""

import pytest
from django.contrib.messages import get_messages

from runs.models import Run, RunState
from runs.views import bulk
from tests.builders import make_download, make_run, make_user
from tests.runs.clients import browser
from tests.runs.pages import make_completed, make_page_run
from tests.runs.trials import make_optimization


def told(response):
    return [str(message) for message in get_messages(response.wsgi_request)]


def do(client, action, *runs, **more):
    return client.post("/runs/bulk", {"action": action, "r": [run.handle for run in runs], **more})


def states():
    return dict(Run.objects.values_list("number", "state"))


def test_cancel_takes_the_active_ones_and_says_why_not_the_others(site, user):
    runs = [make_page_run(user=user), make_optimization(RunState.RUNNING, user=user), make_completed(user=user)]
    foreign = make_page_run(RunState.RUNNING, user=make_user("bea"))
    response = do(site, "cancel", *runs, foreign)
    assert [states()[run.number] for run in runs] == ["cancelled", "cancelled", "completed"]
    assert states()[foreign.number] == "running"
    assert told(response) == [
        "Cancelled 2 runs.",
        f"Not cancelled: {foreign}: belongs to bea.",
        f"Not cancelled: {runs[2]}: already ended.",
    ]


def test_delete_takes_the_ended_ones_with_their_files(site, user):
    done, active = make_completed(user=user), make_page_run(RunState.RUNNING, user=user)
    response = do(site, "delete", done, active)
    assert list(states()) == [active.number]
    assert told(response) == ["Deleted 1 run.", f"Not deleted: {active}: still active; cancel first."]


def test_finish_resume_and_retry_take_the_optimizations_that_allow_it(site, user):
    running = make_optimization(RunState.RUNNING, user=user)
    cancelled = make_optimization(RunState.CANCELLED, user=user)
    ended = make_optimization(RunState.COMPLETED, user=user)
    assert told(do(site, "finish", running, ended)) == [
        "Finished 1 run.",
        f"Not finished: {ended}: not running trials.",
    ]
    site.get("/runs")  # shows what was told
    assert told(do(site, "resume", cancelled, ended)) == [
        "Resumed 1 run.", f"Not resumed: {ended}: neither cancelled nor failed.",
    ]  # fmt: skip
    site.get("/runs")
    assert told(do(site, "retry", ended)) == [f"Not retried: {ended}: no failed trials."]
    assert Run.objects.get(pk=running.pk).finish_requested
    assert states()[cancelled.number] == "pending"


def test_resume_beside_an_identical_active_run_is_told(site, user):
    active = make_optimization(RunState.RUNNING, user=user, run_key="k" * 64)
    cancelled = make_optimization(RunState.CANCELLED, user=user, run_key="k" * 64)
    (line,) = told(do(site, "resume", cancelled))
    assert line == f"Not resumed: {cancelled}: {active} is identical and active; wait for it."
    assert states()[cancelled.number] == "cancelled"


def test_question_names_what_is_lost_and_what_is_left_out(site, user):
    done, active = make_completed(user=user), make_page_run(user=user)
    path = f"/runs/bulk?action=delete&r={done.handle}&r={active.handle}"
    page = site.get(path).content.decode()
    assert "Delete 1 run?" in page
    assert "deleted for good" in page
    assert f"Left out. {active}: still active; cancel first." in page
    assert f'name="r" value="{active.handle}"' not in page
    part = site.get(path, headers={"HX-Request": "true"}).content.decode()
    assert part.startswith("<form")
    assert Run.objects.count() == 2


def test_question_about_nothing_that_may_be_done_has_no_button(site, user):
    page = site.get(f"/runs/bulk?action=cancel&r={make_completed(user=user).handle}").content.decode()
    assert "none of these runs" in page
    assert "danger-solid" not in page


def test_run_that_ends_between_question_and_answer_is_told(user, monkeypatch):
    run = make_page_run(RunState.RUNNING, user=user)
    action = bulk.ACTIONS["cancel"]
    judged = bulk.allowed(action, [run], user)
    Run.objects.filter(pk=run.pk).update(state=RunState.COMPLETED)
    monkeypatch.setattr(bulk, "allowed", lambda *_: judged)
    assert bulk.perform(action, [run], user).refused == {"already ended": [str(run)]}


def test_run_that_somebody_else_deleted_is_told(user, monkeypatch):
    run = make_completed(user=user)
    judged = bulk.BulkResult([run])
    Run.objects.all().delete()
    monkeypatch.setattr(bulk, "allowed", lambda *_: judged)
    assert bulk.perform(bulk.ACTIONS["delete"], [run], user).refused == {"deleted already": [str(run)]}


def test_staff_may_cancel_everybodys(db):
    runs = [make_run(), make_run(RunState.RUNNING)]
    do(browser(make_user(is_staff=True)), "cancel", *runs)
    assert set(states().values()) == {"cancelled"}


@pytest.mark.parametrize("handles", [[], ["x"], ["o1"], ["b" + "9" * 40], ["b999999"], ["1 OR 1=1"]])
@pytest.mark.parametrize("method", ["get", "post"])
def test_names_of_nothing_do_nothing(site, user, method, handles):
    make_completed(user=user, number=1)
    response = getattr(site, method)("/runs/bulk", {"action": "delete", "r": handles})
    assert (response.status_code, response.url) == (302, "/runs")
    assert told(response) == ["No run was selected."]
    assert Run.objects.count() == 1


def test_unknown_action_does_nothing(site, user):
    do(site, "complete", make_page_run(user=user))
    assert set(states().values()) == {"pending"}


@pytest.mark.parametrize(
    ("back", "leads_to"),
    [
        ("status=failed&page=2&q=a+b", "/runs?status=failed&q=a+b&page=2"),
        ("https://evil.example/", "/runs"),
        ("q=//evil.example", "/runs?q=%2F%2Fevil.example"),
        ("next=http://evil.example\r\nX: y", "/runs"),
    ],
)
def test_answer_leads_back_to_the_list_and_nowhere_else(site, user, back, leads_to):
    assert do(site, "delete", make_completed(user=user), back=back).url == leads_to


def test_many_names_are_told_in_short():
    assert bulk.named([str(n) for n in range(8)]) == "0, 1, 2, 3, 4 and 3 more"


def test_bulk_refuses_other_methods(site):
    assert site.delete("/runs/bulk").status_code == 405


@pytest.mark.parametrize(
    ("make", "offered"),
    [
        (lambda user: make_page_run(user=user), "cancel"),
        (lambda user: make_completed(user=user), "delete again"),
        (lambda user: make_optimization(RunState.RUNNING, user=user), "cancel finish"),
        (lambda user: make_optimization(RunState.COMPLETED, user=user, processed=5), "delete again"),
        (lambda user: make_optimization(RunState.COMPLETED, user=user, processed=5, failed=1), "retry delete again"),
        (
            lambda user: make_optimization(RunState.FAILED, user=user, processed=5, failed=5, total=5),
            "retry delete again",
        ),
        (lambda user: make_optimization(RunState.CANCELLED, user=user, processed=2), "resume delete again"),
        (lambda user: make_download(RunState.FAILED, user=user), "resume delete"),
    ],
)
def test_row_says_what_its_run_allows_for_the_list_to_offer(site, user, make, offered):
    make(user)
    assert f'data-verbs="{offered}"' in site.get("/runs").content.decode()
