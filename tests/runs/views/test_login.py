"""The ways in: a link that works once, a password that can be tried five times a minute, a token for programs."""

from datetime import timedelta
from io import StringIO

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from runs.models.access import ApiToken, LoginLink
from runs.views.login import login_url
from tests.builders import make_user
from tests.runs.clients import browser

pytestmark = pytest.mark.django_db
BASE = "http://127.0.0.1:8000"
PASSWORD = "correct horse battery"


def path_of(user):
    return login_url(user, BASE).removeprefix(BASE)


def is_in(client):
    return client.get("/about").status_code == 200


def log_in(client, name, password=PASSWORD, **data):
    return client.post("/login/", {"username": name, "password": password, **data})


def test_link_logs_in_and_leads_to_the_runs(client):
    response = client.get(path_of(make_user()))
    assert (response.status_code, response["Location"]) == (302, "/runs")
    assert is_in(client)


def test_link_works_once(client):
    path = path_of(make_user())
    client.get(path)
    again = Client()
    assert again.get(path).status_code == 403
    assert not is_in(again)


def test_link_expires_after_five_minutes(client):
    path = path_of(make_user())
    LoginLink.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert client.get(path).status_code == 403


def test_link_says_five_minutes_and_keeps_to_it():
    path_of(make_user())
    left = LoginLink.objects.get().expires_at - timezone.now()
    assert timedelta(seconds=290) < left <= timedelta(minutes=5)


def test_link_of_a_deactivated_user_does_not_work(client):
    user = make_user()
    path = path_of(user)
    user.is_active = False
    user.save()
    assert client.get(path).status_code == 403


def test_link_is_stored_as_a_hash_only():
    secret = path_of(make_user()).rsplit("/", 1)[1]
    assert secret not in str(LoginLink.objects.values().get())


@pytest.mark.parametrize(
    "headers", [{"Sec-Purpose": "prefetch;prerender"}, {"Purpose": "prefetch"}, {"X-Moz": "prefetch"}]
)
def test_link_survives_a_browser_that_fetches_ahead(client, headers):
    path = path_of(make_user())
    assert client.get(path, headers=headers).status_code == 503
    assert client.get(path).status_code == 302


@pytest.mark.parametrize("method", ["head", "post", "put", "options"])
def test_link_is_used_up_by_get_only(client, method):
    path = path_of(make_user())
    assert getattr(client, method)(path).status_code == 405
    assert client.get(path).status_code == 302


@pytest.mark.parametrize("secret", ["x", "x" * 5_000, "%00", "..%2f..", "'; drop table runs_run; --"])
def test_wrong_link_is_refused(client, secret):
    assert client.get(f"/login/{secret}").status_code in (403, 404)
    assert not is_in(client)


def test_link_is_not_kept_by_any_cache(client):
    assert "no-store" in client.get(path_of(make_user()))["Cache-Control"]


@pytest.mark.parametrize("way", ["link", "password"])
def test_login_makes_a_session_planted_before_worthless(client, way):
    planted = client.session
    planted["mark"] = 1
    planted.save()
    user = make_user(password=PASSWORD)
    client.get(path_of(user)) if way == "link" else log_in(client, user.username)
    assert is_in(client)
    thief = Client()
    thief.cookies[settings.SESSION_COOKIE_NAME] = planted.session_key
    assert not is_in(thief)


def test_link_replaces_another_users_session():
    client = browser(make_user())
    user = make_user()
    client.get(path_of(user))
    assert client.session["_auth_user_id"] == str(user.pk)


def test_password_logs_in(client):
    user = make_user(password=PASSWORD)
    assert log_in(client, user.username)["Location"] == "/runs"
    assert is_in(client)


def test_user_without_a_password_cannot_log_in_by_one(client):
    user = make_user()
    for password in ("", "None", "!"):
        log_in(client, user.username, password)
    assert not is_in(client)


def test_sixth_attempt_in_a_minute_is_refused_even_with_the_right_password(client):
    user = make_user(password=PASSWORD)
    for _ in range(5):
        assert log_in(client, user.username, "wrong").status_code == 200
    response = log_in(client, user.username)
    assert response.status_code == 429
    assert 0 < int(response["Retry-After"]) <= 72
    assert not is_in(client)


def test_another_spelling_of_the_name_is_no_further_attempt(client):
    for name in ("Ann", "ann", " ANN", "aNn", "anN "):
        log_in(client, name, "wrong")
    assert log_in(client, "ann", "wrong").status_code == 429


def test_good_login_starts_the_count_afresh(client):
    user = make_user(password=PASSWORD)
    for _ in range(4):
        log_in(client, user.username, "wrong")
    log_in(client, user.username)
    client.logout()
    assert log_in(client, user.username, "wrong").status_code == 200


def test_spraying_many_names_from_one_address_is_refused(client):
    statuses = [log_in(client, f"name{i}", "wrong").status_code for i in range(31)]
    assert statuses[-1] == 429


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "http:evil.example",
        "\t//evil",
    ],
)
def test_login_leads_nowhere_else(client, target):
    user = make_user(password=PASSWORD)
    assert log_in(client, user.username, next=target)["Location"] == "/runs"


def test_login_leads_to_the_page_that_was_asked_for(client):
    user = make_user(password=PASSWORD)
    assert client.get("/about")["Location"] == "/login/?next=/about"
    assert log_in(client, user.username, next="/about")["Location"] == "/about"


def test_login_needs_the_csrf_token():
    user = make_user(password=PASSWORD)
    assert log_in(Client(enforce_csrf_checks=True), user.username).status_code == 403


def test_changed_password_ends_other_sessions():
    user = make_user(password=PASSWORD)
    client = browser(user)
    user.set_password("another one entirely")
    user.save()
    assert not is_in(client)


def test_logout_is_a_post_and_ends_the_session():
    client = browser()
    assert client.get("/logout/").status_code == 405
    client.post("/logout/")
    assert not is_in(client)


def printed(command, **options):
    out = StringIO()
    call_command(command, stdout=out, **options)
    return out.getvalue().strip()


def test_command_prints_a_login_url_that_works(client):
    user = make_user("ann")
    url = printed("login_url", user="ann", base="http://127.0.0.1:9000/")
    assert url.startswith("http://127.0.0.1:9000/login/")
    client.get(url.removeprefix("http://127.0.0.1:9000"))
    assert client.session["_auth_user_id"] == str(user.pk)


def test_command_prints_a_token_as_its_last_word(client):
    user = make_user("ann")
    token = printed("api_token", user="ann").split()[-1]
    assert ApiToken.objects.user_of(token) == user
    assert client.get("/api/backtests/", headers={"Authorization": f"Bearer {token}"}).status_code == 200


def test_commands_act_for_the_first_user_when_none_is_named():
    first = make_user(is_superuser=True, is_staff=True)
    assert ApiToken.objects.user_of(printed("api_token").split()[-1]) == first


@pytest.mark.parametrize("command", ["api_token", "login_url"])
def test_commands_refuse_an_unknown_user_and_name_the_known(command):
    make_user("ann")
    with pytest.raises(CommandError, match=r"no active user 'bob'\. There are: ann\."):
        printed(command, user="bob")


def test_token_is_stored_as_a_hash_only():
    token = ApiToken.objects.issue(make_user())
    assert token not in str(ApiToken.objects.values().get())
    assert token.removeprefix("at_") not in str(ApiToken.objects.values().get())


def test_token_of_a_deactivated_user_does_not_work():
    user = make_user()
    token = ApiToken.objects.issue(user)
    user.is_active = False
    user.save()
    assert ApiToken.objects.user_of(token) is None


def test_use_of_a_token_is_written_down_once_a_minute(django_assert_num_queries):
    token = ApiToken.objects.issue(make_user())
    ApiToken.objects.user_of(token)
    assert ApiToken.objects.get().last_used_at is not None
    with django_assert_num_queries(1):
        ApiToken.objects.user_of(token)
