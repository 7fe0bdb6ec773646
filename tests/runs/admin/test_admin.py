"""Administration: staff only, look only, guarded actions."""

import pytest
from django.contrib import admin
from django.urls import reverse

from runs import artifacts
from runs.models import Chunk, Note, Run, RunState, Trial, Upload, UploadState, Worker
from runs.models.access import ApiToken
from tests.builders import ERROR, make_run, make_user
from tests.runs.clients import browser
from tests.runs.trials import add_trials, make_optimization, make_trial

pytestmark = pytest.mark.django_db

RUNS = "/admin/runs/run/"
TRIALS = "/admin/runs/trial/"


@pytest.fixture
def staff():
    """A browser of a staff member who has no permission beyond being one."""
    return browser(make_user(is_staff=True))


def act(client, action, *runs, **extra):
    data = {"action": action, "_selected_action": [run.pk for run in runs], **extra}
    return client.post(RUNS, data, follow=True)


@pytest.mark.parametrize(
    "path", [RUNS, "/admin/", "/admin/runs/worker/", "/admin/runs/apitoken/", "/admin/runs/upload/", RUNS + "1/change/"]
)
def test_administration_is_for_staff_only(path, client):
    for stranger in (client, browser()):
        response = stranger.get(path)
        assert response.status_code == 302
        assert "login" in response["Location"]


def test_list_shows_state_progress_owner_and_duration(staff):
    run = make_run(RunState.RUNNING, processed=250)
    page = staff.get(RUNS).content.decode()
    for text in (str(run), 'class="pill running"', "250 of 1,000", run.user.username, "SPY 1h", "sma_cross"):
        assert text in page


@pytest.mark.parametrize(
    "query", ["state__exact=failed", "q=sma_cross", "q=1", "kind__exact=backtest", "user__id__exact=1"]
)
def test_list_is_filtered_and_searched(staff, query):
    make_run(RunState.FAILED)
    assert staff.get(f"{RUNS}?{query}").status_code == 200


def test_page_of_a_failed_run_shows_its_trace_as_text(staff):
    error = {**ERROR, "message": "<script>alert(1)</script>", "trace": "Traceback <img src=x onerror=alert(1)>"}
    run = make_run(RunState.RUNNING)
    run.mark_failed("owner", error)
    page = staff.get(f"{RUNS}{run.pk}/change/").content.decode()
    assert "Traceback &lt;img src=x" in page
    assert "<script>alert" not in page


@pytest.mark.parametrize("model", [Run, Trial, Chunk, Worker, ApiToken, Upload])
def test_nothing_can_be_added_or_edited(staff, model, rf):
    request = rf.get("/")
    request.user = make_user(is_staff=True, is_superuser=True)
    view = admin.site._registry[model]
    assert not view.has_add_permission(request)
    assert not view.has_change_permission(request)


def test_posting_the_form_of_a_run_changes_nothing(staff):
    run = make_run()
    response = staff.post(f"{RUNS}{run.pk}/change/", {"state": "completed", "owner": "me", "run_key": "b" * 64})
    assert response.status_code == 403
    assert Run.objects.values("state", "owner", "run_key").get() == {
        "state": "pending",
        "owner": "",
        "run_key": run.run_key,
    }


def test_cancel_takes_the_active_ones_and_says_what_had_ended(staff):
    active, done = make_run(RunState.RUNNING), make_run(RunState.COMPLETED)
    page = act(staff, "cancel_selected", active, done).content.decode()
    assert "Cancelled: 1. Already ended: 1." in page
    assert list(Run.objects.order_by("pk").values_list("state", flat=True)) == ["cancelled", "completed"]


def test_delete_takes_row_and_files_after_a_confirmation(staff, settings, tmp_path):
    settings.ALGOTRADE_HOME = tmp_path
    run = make_run(RunState.COMPLETED, artifact="one")
    artifacts.folder(run).mkdir(parents=True)
    assert "Are you sure" in act(staff, "delete_selected", run).content.decode()
    assert Run.objects.exists()
    act(staff, "delete_selected", run, post="yes")
    assert not Run.objects.exists()
    assert not artifacts.folder(run).exists()


def test_run_is_found_by_its_title_and_deleted_with_its_note(staff):
    run = make_run(RunState.FAILED)
    Note.objects.write(run, title="Breakout", notes="", tags=["night"])
    for words in ("breakout", "night"):
        assert str(run) in staff.get(RUNS, {"q": words}).content.decode()
    act(staff, "delete_selected", run, post="yes")
    assert not Note.objects.exists()


def test_delete_of_an_active_run_is_refused(staff):
    run = make_run(RunState.RUNNING)
    act(staff, "delete_selected", run, post="yes")
    staff.post(f"{RUNS}{run.pk}/delete/", {"post": "yes"})
    assert Run.objects.exists()


def test_worker_rows_are_shown(staff):
    Worker.objects.create(host="node-1", pid=7, started_ticks=1, node_pid=6, version="0.1.0", memory_bytes=2 * 10**8)
    page = staff.get("/admin/runs/worker/").content.decode()
    assert "node-1" in page
    assert "200 MB" in page


def test_token_is_revoked_by_deleting_it(staff):
    token = ApiToken.objects.issue(make_user())
    row = ApiToken.objects.get()
    page = staff.get(f"/admin/runs/apitoken/{row.pk}/change/").content.decode()
    assert row.digest not in page
    assert staff.post(f"/admin/runs/apitoken/{row.pk}/delete/", {"post": "yes"}).status_code == 302
    assert ApiToken.objects.user_of(token) is None


def test_queues_pickled_tables_have_no_pages(staff):
    assert not [model for model in admin.site._registry if model._meta.app_label == "django_q"]


def test_link_from_the_administration_leads_back_to_the_product():
    assert admin.site.site_url == reverse("runs")


@pytest.fixture
def optimization():
    """Return an optimization of which one trial is done and one has failed with markup in its message."""
    run = make_optimization()
    done = make_trial(run, 0, {"sharpe_ratio": 2.41, "trades": 40.0})
    return add_trials(run, [done, make_trial(run, 1, error_message="<script>alert(1)</script>")])


def test_trials_are_listed_with_their_errors_and_filtered(staff, optimization):
    page = staff.get(TRIALS).content.decode()
    for text in (
        "Trial 1",
        "Trial 2",
        "ZeroDivisionError",
        "sma_cross.py:31",
        'class="pill failed"',
        str(optimization),
    ):
        assert text in page
    assert "<script>alert" not in page
    assert "Trial 1" not in staff.get(f"{TRIALS}?run__exact={optimization.pk}&is_failed__exact=1").content.decode()


def test_page_of_a_trial_shows_parameters_metrics_and_trace(staff, optimization):
    done, failed = optimization.trials.order_by("number")
    page = staff.get(f"{TRIALS}{done.pk}/change/").content.decode()
    assert "sharpe_ratio&quot;: 2.41" in page
    assert "fast" in page
    assert "Traceback ..." in staff.get(f"{TRIALS}{failed.pk}/change/").content.decode()


def test_page_of_an_optimization_leads_to_its_trials_and_chunks(staff, optimization):
    optimization.chunks.create(first=2, count=5, owner="node-1:7")
    page = staff.get(f"{RUNS}{optimization.pk}/change/").content.decode()
    assert f"{TRIALS}?run__exact={optimization.pk}" in page
    assert "node-1:7" in staff.get(f"/admin/runs/chunk/?run__exact={optimization.pk}").content.decode()


UPLOADS = "/admin/runs/upload/"


@pytest.fixture
def uploads():
    """Return a file that waits, with an error, and one that was imported; neither is the staff member's."""
    sent = {"user": make_user(), "size_bytes": 2_048}
    wrong = ["Row 2: <script>alert(1)</script>"]
    waiting = Upload.objects.create(name="a.csv", state=UploadState.CHECKED, errors=wrong, n_errors=30, **sent)
    return waiting, Upload.objects.create(name="b.csv", state=UploadState.IMPORTED, stored={"key": "SPY"}, **sent)


def test_uploads_are_listed_with_state_user_size_and_errors(staff, uploads):
    page = staff.get(UPLOADS).content.decode()
    for text in ("a.csv", "b.csv", "2.0\xa0KB", "Checked", "Imported", uploads[0].user.username, ">30<", "Row 2:"):
        assert text in page, text
    assert "<script>alert" not in page
    assert "a.csv" not in staff.get(f"{UPLOADS}?state__exact=imported").content.decode()


def test_page_of_an_upload_is_to_look_at_only(staff, uploads):
    address = f"{UPLOADS}{uploads[0].pk}/change/"
    page = staff.get(address).content.decode()
    assert "&lt;script&gt;alert(1)" in page
    assert staff.post(address, {"state": "imported"}).status_code == 403
    assert staff.post(f"{UPLOADS}{uploads[0].pk}/delete/", {"post": "yes"}).status_code == 403


def test_waiting_uploads_are_discarded_and_others_stay(staff, uploads, settings, tmp_path):
    settings.ALGOTRADE_HOME = tmp_path
    waiting, imported = uploads
    waiting.path.parent.mkdir(parents=True)
    waiting.path.write_text("x")
    data = {"action": "discard_selected", "_selected_action": [waiting.pk, imported.pk]}
    page = staff.post(UPLOADS, data, follow=True).content.decode()
    assert "Discarded: 1. Imported already or being stored: 1." in page
    assert list(Upload.objects.all()) == [imported]
    assert not waiting.path.parent.exists()
