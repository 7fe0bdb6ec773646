"""Every address, as the resolver knows them: a route that is added tomorrow is tested tomorrow, and fails closed."""

import re
import uuid

import pytest
from django.urls import URLPattern, get_resolver

from runs.models import Note, Run, Worker
from runs.models.access import ApiToken, LoginLink
from tests.builders import make_run, make_user
from tests.runs.clients import browser

pytestmark = pytest.mark.django_db

OPEN = {"/login/", "/login/x", "/logout/", "/admin/login/"}
"""Where a stranger may come, because it is the way in or out."""
METHODS = ("get", "head", "post", "put", "patch", "delete", "options")
VALUES = {
    "run_id": "{id}",
    "upload_id": "{id}",
    "number": "1",
    "table": "trades",
    "secret": "x",
    "rest": "nowhere",
    "app_label": "runs",
    "key": "ACME-SAMPLE-1h",
    "deed": "check",
}
CONVERTER = re.compile(r"<(?:[a-z_]+:)?([a-z_]+)>")
GROUP = re.compile(r"\(\?P<([a-z_]+)>(?:[^()]|\([^()]*\))*\)")


def addresses(resolver=None, prefix="/"):
    """Return an address for each route there is."""
    found = []
    for entry in (resolver or get_resolver()).url_patterns:
        route = str(entry.pattern)
        route = GROUP.sub(lambda match: f"<{match[1]}>", route).lstrip("^").rstrip("$").replace(r"\Z", "")
        route = CONVERTER.sub(lambda match: VALUES.get(match[1], "1"), route)
        if isinstance(entry, URLPattern):
            found.append(prefix + route)
        else:
            found += addresses(entry, prefix + route)
    return found


ADDRESSES = sorted(set(addresses()))


def ask(client, method, path, run):
    return getattr(client, method)(path.format(id=run.id if run else uuid.uuid4()))


def test_resolver_names_the_routes_that_matter():
    assert {"/runs", "/backtests/{id}", "/api/backtests/{id}/status", "/admin/runs/run/", "/login/x"} <= set(ADDRESSES)


@pytest.mark.parametrize("method", METHODS)
def test_stranger_gets_nothing_anywhere(client, method):
    run = make_run()
    before = Run.objects.values().get()
    for path in ADDRESSES:
        response = ask(client, method, path, run)
        is_api = path.startswith("/api/") and path != "/api/docs"
        if path in OPEN:
            continue
        if is_api:
            assert response.status_code in (401, 405), (method, path)
        else:
            assert response.status_code in (302, 403, 405), (method, path)
            assert response.status_code != 302 or "login" in response["Location"], (method, path)
        assert str(run.id) not in response.content.decode(), (method, path)
    assert Run.objects.values().get() == before


def test_get_changes_nothing():
    run = make_run()
    client = browser(make_user(is_staff=True, is_superuser=True))
    before = snapshot()
    for path in ADDRESSES:
        if "/login/" not in path:
            ask(client, "get", path, run)
            ask(client, "head", path, run)
    assert snapshot() == before


def snapshot():
    return [list(model.objects.order_by("pk").values()) for model in (Note, Run, Worker, ApiToken, LoginLink)]


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_change_without_the_csrf_token_is_refused_everywhere(method):
    user = make_user(is_staff=True, is_superuser=True)
    run = make_run(user=user)
    client = browser(user, checks_csrf=True)
    for path in ADDRESSES:
        response = ask(client, method, path, run)
        assert response.status_code in (403, 405), (method, path, response.status_code)
    assert Run.objects.get().state == "pending"


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost@evil.example", "", "a b"])
@pytest.mark.parametrize("path", ["/runs", "/login/", "/api/backtests/"])
def test_foreign_host_is_refused(path, host):
    assert browser().get(path, headers={"Host": host}).status_code == 400


def test_forwarded_host_is_not_believed():
    response = browser().get("/", headers={"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"})
    assert response["Location"] == "/runs"


@pytest.mark.parametrize("path", ["/runs", "/about", "/api/backtests/", "/api/docs", "/admin/", "/login/", "/nowhere"])
def test_answers_are_kept_by_no_cache(path):
    response = browser(make_user(is_staff=True)).get(path)
    assert re.search(r"no-store|no-cache", response["Cache-Control"])
    assert "private" in response["Cache-Control"]


def test_answer_carries_an_id_that_is_ours():
    response = browser().get("/runs", headers={"X-Request-ID": "theirs"})
    assert re.fullmatch(r"[0-9a-f]{16}", response["X-Request-ID"])


@pytest.mark.parametrize("path", ["/runs", "/login/", "/admin/", "/nowhere", "/api/docs"])
def test_pages_allow_own_scripts_and_styles_only(path):
    policy = browser(make_user(is_staff=True)).get(path)["Content-Security-Policy"]
    directives = {name: values for name, *values in (part.split() for part in policy.split(";") if part.strip())}
    assert directives == {
        "default-src": ["'self'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
        "form-action": ["'self'"],
    }


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("X-Frame-Options", "DENY"),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "same-origin"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
    ],
)
def test_pages_carry_the_protecting_headers(header, value):
    assert browser().get("/runs")[header] == value


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("put", "/api/backtests/", 405),
        ("get", "/api/nowhere", 404),
        ("get", "/api/backtests", 404),
        ("get", "/api/backtests/x/status", 404),
        ("post", "/api/openapi.json", 405),
        ("get", "/api/backtests/%00", 404),
    ],
)
def test_every_error_of_the_api_has_the_one_body(method, path, status):
    response = getattr(browser(), method)(path)
    assert response.status_code == status
    assert set(response.json()) == {"error", "fields"}


def test_address_without_its_slash_is_told_the_right_one():
    assert browser().get("/api/backtests").json()["error"].endswith("Did you mean /api/backtests/?")


def test_failure_of_ours_tells_nothing_about_it(monkeypatch, client):
    def fail(*_args):
        raise ZeroDivisionError("a secret detail")

    monkeypatch.setattr("runs.api.run_routes.chosen_runs", fail)
    make_run()
    client = browser()
    client.raise_request_exception = False
    response = client.get("/api/backtests/")
    assert response.status_code == 500
    assert "secret" not in response.content.decode()
    assert set(response.json()) == {"error", "fields"}
