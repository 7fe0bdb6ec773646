"""Transitions of a run: allowed, refused, fenced."""

import uuid

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import IntegrityError, transaction

from runs.models import ACTIVE, TERMINAL, Run, RunState
from tests.builders import ERROR, RESULT, make_run, make_user

pytestmark = pytest.mark.django_db


def attempt(run, verb, owner="owner"):
    """Make the transition `verb` on `run` as `owner`."""
    return {
        "claim": lambda: Run.objects.claim(run.id, "new") is not None,
        "cancel": run.mark_cancelled,
        "give back": lambda: run.mark_pending(owner, crashed=False, notice=""),
        "complete": lambda: run.mark_completed(owner, RESULT),
        "fail": lambda: run.mark_failed(owner, ERROR),
    }[verb]()


ARROWS = {
    ("claim", "pending"): "running",
    ("cancel", "pending"): "cancelled",
    ("cancel", "running"): "cancelled",
    ("give back", "running"): "pending",
    ("complete", "running"): "completed",
    ("fail", "running"): "failed",
}
VERBS = ("claim", "cancel", "give back", "complete", "fail")


@pytest.mark.parametrize("state", RunState.values)
@pytest.mark.parametrize("verb", VERBS)
def test_transition_moves_only_along_the_arrows(verb, state):
    run = make_run(RunState(state))
    moved = attempt(run, verb)
    run.refresh_from_db()
    assert (moved, run.state) == ((verb, state) in ARROWS, ARROWS.get((verb, state), state))


@pytest.mark.parametrize("verb", ["give back", "complete", "fail"])
def test_transition_by_a_worker_that_lost_its_claim_changes_nothing(verb):
    run = make_run(RunState.RUNNING)
    assert not attempt(run, verb, owner="stale")
    before = Run.objects.values().get(pk=run.pk)
    assert (before["state"], before["owner"], before["rev"]) == ("running", "owner", 1)


def test_every_transition_raises_rev_by_one():
    run = make_run()
    run = Run.objects.claim(run.id, "owner")
    assert run.rev == 2
    run.mark_completed("owner", RESULT)
    assert run.rev == 3


def test_claim_counts_the_attempt_and_starts_from_nothing():
    run = make_run(attempt=1, processed=500, live={"rate": 1.0}, notice="The worker stopped responding.")
    run = Run.objects.claim(run.id, "new")
    assert (run.attempt, run.processed, run.live, run.notice, run.owner) == (2, 0, {}, "", "new")


def test_claim_of_an_unknown_run_is_none():
    assert Run.objects.claim(uuid.uuid4(), "owner") is None


def test_completed_run_keeps_headline_figures():
    run = make_run(RunState.RUNNING)
    run.mark_completed("owner", RESULT, headline=RESULT["metrics"], processed=run.total)
    assert (run.total_return, run.sharpe_ratio, run.max_drawdown, run.n_trades) == (0.482, 2.41, -0.0891, 139)
    assert run.processed == run.total


def test_run_is_completed_only_with_what_it_publishes():
    run, published = make_run(RunState.RUNNING), []
    assert not run.mark_completed("stranger", RESULT, publish=lambda: published.append("too late"))

    def refuse():
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="the disk is full"):
        run.mark_completed("owner", RESULT, publish=refuse)
    assert Run.objects.get(pk=run.pk).state == "running"
    assert run.mark_completed("owner", RESULT, publish=lambda: published.append("in time"))
    assert (Run.objects.get(pk=run.pk).state, published) == ("completed", ["in time"])


def test_failed_run_keeps_message_and_trace():
    run = make_run(RunState.RUNNING)
    run.mark_failed("owner", ERROR)
    assert (run.error_type, run.error_message, run.error_detail) == ("ValueError", "no", {"bar": 7})
    assert run.error_stack_trace.endswith("ValueError: no")


def test_lost_run_waits_again_and_counts_the_crash():
    run = make_run(RunState.RUNNING)
    assert run.mark_lost("owner", "It was ended by SIGKILL.")
    assert (run.state, run.crashes, run.is_resuming) == ("pending", 1, True)
    assert "attempt 2 of 3" in run.notice


def test_run_lost_three_times_fails_and_names_the_reason():
    run = make_run(RunState.RUNNING, crashes=2)
    run.mark_lost("owner", "It was ended by SIGSEGV.", "Fatal Python error")
    assert (run.state, run.crashes) == ("failed", 3)
    assert run.error_message == "The worker stopped responding 3 times. It was ended by SIGSEGV."
    assert run.error_stack_trace == "Fatal Python error"


def test_run_given_back_by_a_node_shutting_down_is_not_charged():
    run = make_run(RunState.RUNNING)
    run.mark_pending("owner", crashed=False, notice="Paused")
    assert (run.state, run.crashes) == ("pending", 0)


def test_progress_never_goes_backwards_within_an_attempt():
    run = make_run(RunState.RUNNING)
    for processed in (300, 200):
        assert run.write_progress("owner", processed=processed, phase="running_backtest", live={})
    run.refresh_from_db()
    assert run.processed == 300


@pytest.mark.parametrize("state", [RunState.CANCELLED, RunState.PENDING, RunState.COMPLETED])
def test_progress_of_a_run_that_is_not_running_is_refused(state):
    run = make_run(state)
    assert not run.write_progress("owner", processed=1, phase="running_backtest", live={})
    assert not run.write_beat("owner")


def test_one_active_run_per_key_is_kept_by_the_database():
    run = make_run()
    with pytest.raises(IntegrityError), transaction.atomic():
        make_run(RunState.RUNNING, run_key=run.run_key, user=run.user)


@pytest.mark.parametrize("state", TERMINAL)
def test_ended_run_frees_its_key(state):
    run = make_run(state)
    assert make_run(run_key=run.run_key, user=run.user).pk != run.pk


def test_queue_position_counts_who_waits_before():
    first, second = make_run(), make_run()
    assert (first.queue_position(), second.queue_position()) == (0, 1)
    assert make_run(RunState.RUNNING).queue_position() is None


def test_team_sees_all_runs_and_a_stranger_none():
    make_run()
    assert Run.objects.visible_to(make_user()).count() == 1
    assert Run.objects.visible_to(AnonymousUser()).count() == 0
    assert Run.objects.visible_to(make_user(is_active=False)).count() == 0


def test_only_owner_and_staff_manage_a_run():
    run = make_run()
    staff = make_user(is_staff=True)
    managers = [user for user in (run.user, make_user(), staff) if run in Run.objects.manageable_by(user)]
    assert managers == [run.user, staff]
    assert [user for user in (run.user, staff) if run.is_manageable_by(user)] == [run.user, staff]


def test_active_and_terminal_states_are_all_states():
    assert sorted([*ACTIVE, *TERMINAL]) == sorted(RunState.values)


def test_error_of_a_class_with_a_long_name_is_stored():
    run = make_run(state="running", owner="owner")
    assert run.mark_failed("owner", {**ERROR, "type": "E" * 300})
    assert run.error_type == "E" * 200
