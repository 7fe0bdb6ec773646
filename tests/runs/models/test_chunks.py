"""Chunks: who takes which trials, what is stored of them, and what a lost claim may still do."""

import pytest
from django.db import IntegrityError, transaction

from runs.models import Chunk, RunState, Trial
from runs.models.optimization import SURE_CRASHES
from tests.optimizations import TOTAL, fresh, make_optimization, rows

pytestmark = pytest.mark.django_db


def claim(run, size=8, owner="me"):
    return Chunk.objects.claim(run, owner, size)


def test_chunks_are_cut_one_after_the_other_until_all_is_handed_out():
    run = make_optimization()
    taken = [claim(run)[1] for _ in range(3)]
    assert taken == [list(range(8)), list(range(8, 16)), list(range(16, TOTAL))]
    assert claim(run) is None


@pytest.mark.parametrize(
    "fields",
    [{"state": RunState.CANCELLED}, {"state": RunState.PENDING}, {"phase": "ranking"}, {"finish_requested": True}],
)
def test_nothing_is_taken_of_a_run_that_evaluates_no_trials(fields):
    run = make_optimization(**fields)
    assert claim(run) is None
    assert fresh(run).handed_out == 0


def test_free_chunk_is_taken_before_a_new_one_is_cut():
    run = make_optimization(handed_out=10)
    Chunk.objects.create(run=run, first=3, count=4)
    assert claim(run)[1] == [3, 4, 5, 6]


def test_only_trials_without_a_row_are_taken_and_the_rest_stays_free():
    run = make_optimization(handed_out=TOTAL)
    Trial.objects.bulk_create(trial for trial in with_rev(rows(run, {3: 1.0, 5: 1.0})))
    Chunk.objects.create(run=run, first=2, count=6)
    chunk, taken = claim(run, size=2)
    assert (taken, chunk.first, chunk.count) == ([2, 4], 2, 3)
    assert list(Chunk.objects.filter(owner="").values_list("first", "count")) == [(5, 3)]


def with_rev(trials):
    for trial in trials:
        trial.rev = 1
        yield trial


def test_chunk_whose_trials_are_all_known_is_dropped():
    run = make_optimization(total=4)
    Trial.objects.bulk_create(with_rev(rows(run, dict.fromkeys(range(4), 1.0))))
    assert claim(run) is None
    assert (Chunk.objects.count(), fresh(run).handed_out) == (0, 4)


def test_chunk_lost_at_its_first_trial_gives_its_first_trial_alone():
    run = make_optimization(handed_out=TOTAL)
    Chunk.objects.create(run=run, first=0, count=5, crashes=SURE_CRASHES)
    chunk, taken = claim(run)
    assert (taken, chunk.crashes) == ([0], SURE_CRASHES)
    assert list(Chunk.objects.filter(owner="").values_list("first", "count", "crashes")) == [(1, 4, 0)]


def test_commit_stores_trials_counts_them_and_shrinks_the_chunk():
    run = make_optimization()
    chunk, _ = claim(run)
    assert chunk.commit("me", rows(run, {0: 1.0, 1: None, 2: 2.0}), 3)
    run = fresh(run)
    assert (run.processed, run.failed, run.completed_trials) == (3, 1, 2)
    assert (run.best_trial, run.best_value) == (2, 2.0)
    assert set(run.trials.values_list("rev", flat=True)) == {run.rev}
    left = Chunk.objects.get()
    assert (left.first, left.count, left.owner) == (3, 5, "me")


def test_commit_of_the_last_trial_ends_the_chunk():
    run = make_optimization()
    chunk, taken = claim(run)
    assert chunk.commit("me", rows(run, dict.fromkeys(taken, 1.0)), 8)
    assert not Chunk.objects.exists()


def test_failed_trial_keeps_message_trace_bar_and_place():
    run = make_optimization()
    chunk, _ = claim(run)
    chunk.commit("me", rows(run, {0: None}), 1)
    trial = run.trials.get()
    assert (trial.is_failed, trial.metrics, trial.objective, trial.is_eligible) == (True, None, None, False)
    assert (trial.error_type, trial.error_place) == ("ZeroDivisionError", "mine.py:9")
    assert trial.error_stack_trace == "Traceback ..."
    assert trial.error_detail["bar"] == 7


@pytest.mark.parametrize("lose", ["cancel", "release", "other owner"])
def test_worker_that_lost_its_claim_stores_nothing(lose):
    run = make_optimization()
    chunk, _ = claim(run)
    if lose == "cancel":
        run.mark_cancelled()
    elif lose == "release":
        chunk.release("me", "gone")
    assert not chunk.commit("somebody" if lose == "other owner" else "me", rows(run, {0: 1.0}), 1)
    assert (run.trials.count(), fresh(run).processed) == (0, 0)
    assert not chunk.is_owned_by("somebody" if lose == "other owner" else "me")


def test_trial_can_be_stored_once_only():
    run = make_optimization()
    Trial.objects.bulk_create(with_rev(rows(run, {0: 1.0})))
    chunk = Chunk.objects.create(run=run, first=0, count=2, owner="me")
    with pytest.raises(IntegrityError), transaction.atomic():
        chunk.commit("me", rows(run, {0: 1.0}), 1)
    assert fresh(run).processed == 0


def test_finish_now_lets_what_is_evaluated_be_stored_but_nothing_begin():
    run = make_optimization()
    chunk, _ = claim(run)
    assert run.request_finish()
    assert not chunk.is_owned_by("me")
    assert chunk.commit("me", rows(run, {0: 1.0}), 1)
    assert claim(run) is None


@pytest.mark.parametrize(("direction", "best"), [("maximize", 1), ("minimize", 0)])
def test_best_trial_is_the_first_among_equals_whoever_was_quicker(direction, best):
    run = make_optimization(spec={"direction": direction})
    later, _ = claim(run, size=4)
    later.commit("me", rows(run, {3: 2.0, 2: 1.0}), 4)
    Chunk.objects.create(run=run, first=0, count=2, owner="you").commit("you", rows(run, {0: 1.0, 1: 2.0}), 2)
    assert fresh(run).best_trial == best


def test_trial_that_breaks_a_filter_is_no_best():
    run = make_optimization(spec={"filters": {"min_trades": 11.0}})
    chunk, _ = claim(run)
    chunk.commit("me", rows(run, {0: 5.0, 1: 1.0}), 2)
    assert fresh(run).best_trial == 1
    assert list(run.trials.values_list("is_eligible", flat=True)) == [False, True]


def test_careful_chunk_stays_careful_while_it_proceeds():
    run = make_optimization(handed_out=TOTAL)
    Chunk.objects.create(run=run, first=0, count=4, crashes=1)
    chunk, taken = claim(run)
    chunk.commit("me", rows(run, {0: 1.0}), 1)
    assert taken == [0, 1, 2, 3]
    chunk.write_begun("me")
    chunk.release("me", "killed")
    assert Chunk.objects.get().crashes == SURE_CRASHES


def test_reporting_is_taken_by_one_and_not_while_a_trial_is_out():
    run = make_optimization(total=4)
    chunk, taken = claim(run)
    assert not run.mark_reporting("a")
    chunk.commit("me", rows(run, dict.fromkeys(taken, 1.0)), 4)
    assert [run.mark_reporting("a"), run.mark_reporting("b")] == [True, False]
    assert (fresh(run).phase, fresh(run).owner) == ("ranking", "a")


def test_reporting_after_finish_now_leaves_free_chunks_behind():
    run = make_optimization()
    chunk, _ = claim(run)
    run.request_finish()
    assert not run.mark_reporting("a")
    chunk.release("me")
    assert run.mark_reporting("a")
    assert run.chunks.count() == 1


def test_resume_frees_what_was_out_and_keeps_what_is_done():
    run = make_optimization()
    chunk, _ = claim(run)
    chunk.commit("me", rows(run, {0: 1.0, 1: None}), 2)
    run.mark_cancelled()
    assert run.mark_resumed()
    assert (run.state, run.processed, run.failed, run.finished_at) == ("pending", 2, 1, None)
    assert list(run.chunks.values_list("first", "count", "owner")) == [(2, 6, "")]


def test_retry_forgets_failed_trials_and_hands_their_numbers_out_again():
    run = make_optimization(total=4, handed_out=4, processed=4, failed=2)
    Trial.objects.bulk_create(with_rev(rows(run, {0: None, 1: 1.0, 2: 2.0, 3: None})))
    run.state = RunState.COMPLETED
    run.save()
    assert run.mark_retrying(inputs=run.inputs, run_key="k" * 64, sources=run.sources, notice="again")
    assert (run.state, run.processed, run.failed) == ("pending", 2, 0)
    assert list(run.trials.values_list("number", flat=True)) == [1, 2]
    run.state, run.phase = RunState.RUNNING, "running_trials"
    run.save()
    assert claim(run)[1] == [0, 3]


@pytest.mark.parametrize("state", [RunState.COMPLETED, RunState.RUNNING, RunState.PENDING])
def test_resume_is_refused_from(state):
    assert not make_optimization(state).mark_resumed()


def test_list_of_work_has_the_run_with_the_fewest_workers_first():
    busy, idle, done = make_optimization(), make_optimization(), make_optimization(handed_out=TOTAL, processed=TOTAL)
    make_optimization(handed_out=TOTAL, phase="ranking", owner="reporter")
    claim(busy)
    names = list(type(busy).objects.with_trials_to_do())
    assert names == [done, idle, busy]


@pytest.mark.parametrize(("is_begun", "crashes"), [(True, 1), (False, 0), (None, 1)])
def test_loss_counts_against_a_chunk_unless_no_trial_had_begun(is_begun, crashes):
    run = make_optimization()
    chunk, _ = claim(run)
    assert chunk.release("me", "killed", is_begun=is_begun)
    chunk.refresh_from_db()
    assert (chunk.owner, chunk.crashes) == ("", crashes)


@pytest.mark.parametrize("hope", ["a stored trial", "a trial that begins"])
def test_count_of_lost_starts_begins_anew_with(hope):
    run = make_optimization(crashes=2)
    chunk, _ = claim(run)
    if hope == "a stored trial":
        chunk.commit("me", rows(run, {0: 1.0}), 1)
    else:
        chunk.write_begun("me")
    assert fresh(run).crashes == 0
    assert Chunk.objects.get().is_begun


def test_lost_start_of_a_run_that_evaluates_no_trials_changes_nothing():
    run = make_optimization(phase="ranking", owner="reporter", crashes=2)
    chunk = Chunk.objects.create(run=run, first=0, count=2, crashes_before=2)
    assert not run.mark_start_lost(chunk, "killed")
    assert (fresh(run).state, fresh(run).crashes) == ("running", 2)


def test_starts_lost_at_once_or_while_trials_are_stored_are_not_lost_in_a_row():
    run = make_optimization()
    (mine, _), (yours, _), (theirs, _) = claim(run), claim(run, owner="you"), claim(run, owner="they")
    run.mark_start_lost(mine, "killed")
    run.mark_start_lost(yours, "killed")
    assert fresh(run).crashes == 1
    theirs.commit("they", rows(run, {16: 1.0}), 17)
    run.mark_start_lost(yours, "killed")
    assert fresh(run).crashes == 0
