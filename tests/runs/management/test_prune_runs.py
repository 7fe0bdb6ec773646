"""`manage.py prune_runs`: what is old goes with its files, and nothing else does."""

import os
import time
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from runs import artifacts
from runs.models import Run, RunState
from tests.builders import make_run

pytestmark = pytest.mark.django_db


@pytest.fixture
def home(settings, tmp_path):
    settings.ALGOTRADE_HOME = tmp_path
    return tmp_path


def prune(*arguments):
    out = StringIO()
    call_command("prune_runs", *arguments, stdout=out)
    return out.getvalue()


def ended(days, state=RunState.COMPLETED):
    """Return a run that ended so many days ago, with an array of 1,000 bytes."""
    run = make_run(state, finished_at=timezone.now() - timedelta(days=days))
    Run.objects.filter(pk=run.pk).update(artifact=f"{run.id}-x")
    run.refresh_from_db()
    artifacts.folder(run).mkdir(parents=True)
    (artifacts.folder(run) / "equity.npy").write_bytes(bytes(1_000))
    return run


def test_old_runs_go_with_their_files_and_young_ones_stay(home):
    old, young = ended(31), ended(29)
    told = prune("--days", "30")
    assert list(Run.objects.all()) == [young]
    assert (artifacts.folder(old).exists(), artifacts.folder(young).exists()) == (False, True)
    assert told.startswith("Deleted 1 run that ended before ")
    assert told.endswith(" UTC, and 0 folders that no run names: 0.0 MB.\n")


@pytest.mark.parametrize("state", [RunState.PENDING, RunState.RUNNING])
def test_active_run_stays_however_old_it_is(home, state):
    make_run(state, created_at=timezone.now() - timedelta(days=400))
    prune("--days", "0")
    assert Run.objects.count() == 1


def test_only_runs_that_ended_so_go(home):
    for state in (RunState.COMPLETED, RunState.FAILED, RunState.CANCELLED):
        ended(9, state)
    prune("--days", "1", "--status", "failed", "--status", "cancelled")
    assert [run.state for run in Run.objects.all()] == [RunState.COMPLETED]


def test_dry_run_deletes_nothing(home):
    run, leftover = ended(9), leave(home, "1-a", days=2)
    assert prune("--days", "1", "--dry-run").startswith("Would delete 1 run that ended before ")
    assert Run.objects.get() == run
    assert artifacts.folder(run).exists()
    assert leftover.exists()


def test_folders_that_no_run_names_go_after_a_day(home):
    run = ended(0.5)
    gone, young = [leave(home, name, days=2) for name in (".new-1-a", "1-b")], leave(home, "1-c", days=0)
    assert "and 2 folders that no run names" in prune("--days", "1")
    assert [path.exists() for path in (*gone, young, artifacts.folder(run))] == [False, False, True, True]


@pytest.mark.parametrize("days", ["-1", "nan", "1e9"])
def test_days_out_of_bounds_are_refused(home, days):
    ended(500)
    with pytest.raises(CommandError, match="days: Must be from 0 to 36,500; it is ") as caught:
        prune("--days", days)
    assert caught.value.returncode == 2
    assert Run.objects.exists()


def leave(home, name, *, days):
    """Make a folder of arrays that no run names, so many days old."""
    folder = home / "artifacts" / name
    folder.mkdir(parents=True)
    at = time.time() - days * 86_400
    os.utime(folder, (at, at))
    return folder
