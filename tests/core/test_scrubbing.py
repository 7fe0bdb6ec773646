"""Secrets are taken out of texts, and nothing else is."""

import json
import random
import string
import time

import pytest

from algotrade import scrubbing
from algotrade.scrubbing import HIDDEN, scrub, scrub_all, secrets_of

SECRET = "Planted-Secret/4711+x9Zq"


@pytest.fixture
def known(monkeypatch):
    """Let one secret be known, and only that."""
    monkeypatch.setattr(scrubbing, "_known", scrubbing._Known(()))
    scrubbing.hide(SECRET)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MY_TOKEN", "tok-12"),
        ("AWS_KEY", "AKIAIOSFODNN7EXAMPLE"),
        ("DJANGO_SECRET_KEY", "a)b(c1"),
        ("db_password", "hunter2"),
        ("ALGOTRADE_API_KEY", "k3y-of-ours"),
        ("SENTRY_DSN", "https://abc123@sentry.example/1"),
        ("BUILD", "9f86d081884c7d659a2f"),
        ("GH_AUTH", "/aBase64+secret/that=begins-like-a-path"),
        ("A_TOKEN", "HqWmLrTzXbVn"),
    ],
)
def test_value_that_is_secret_is_known(name, value):
    assert value in secrets_of({name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PATH", "/usr/local/bin:/usr/bin"),
        ("HOME", "/root"),
        ("LANG", "C.UTF-8"),
        ("HOSTNAME", "box-17-of-the-lab"),
        ("PYTHON_VERSION", "3.11.4-slim-bookworm"),
        ("ALGOTRADE_QUEUE", "queue-4711-abcdef"),
        ("REDIS_URL", "redis://127.0.0.1:6379/4"),
        ("HTTP_PROXY", "http://proxy.example:3128"),
        ("SITE", "trading2.example.com:8000"),
        ("GREETING", "hello 2 you all of the desk"),
        ("POSTGRES_PASSWORD", "postgres"),
        ("TOKEN_SECONDS", "86400"),
        ("MAX_TOKENS", "100.25"),
        ("SSH_AUTH_SOCK", __file__),
        ("A_TOKEN", ""),
        ("A_TOKEN", "true"),
    ],
)
def test_value_that_any_text_may_have_is_no_secret(name, value):
    assert not secrets_of({name: value})


def test_password_in_an_address_is_known_as_it_is_written_and_as_it_is_meant():
    found = secrets_of({"DATABASE_URL": "postgres://algo:s3cr%40t-x@db.example/rows"})
    assert {"s3cr%40t-x", "s3cr@t-x"} <= found
    assert not any("db.example" in value for value in found)


def test_every_line_of_a_long_secret_is_known():
    found = secrets_of({"PRIVATE_KEY": "-----BEGIN-----\nMIIEvQIBADANBg\nkqhkiG9w0BAQ\n"})
    assert {"MIIEvQIBADANBg", "kqhkiG9w0BAQ"} <= found


@pytest.mark.parametrize(
    "text",
    [
        "postgres://algo:{}@db.example/rows",
        "Authorization: bearer {}",
        "https://example.com/?a=1&api_key={}",
    ],
)
def test_what_looks_like_a_credential_is_hidden_though_nobody_knows_it(text):
    assert scrub(text.format("whatever1")) == text.format(HIDDEN)


def test_token_and_login_link_are_hidden():
    assert scrub("at_" + "x" * 30 + " /login/abcdefgh12") == f"{HIDDEN} /login/{HIDDEN}"


@pytest.mark.parametrize("spelled", [str, json.dumps, repr], ids=["plain", "json", "repr"])
def test_known_secret_is_hidden_in_every_spelling(known, monkeypatch, spelled):
    scrubbing.hide("quote'and\"slash\\ü")
    for secret in (SECRET, "quote'and\"slash\\ü"):
        text = f"before {spelled(secret)} after"
        assert HIDDEN in scrub(text)
        assert secret not in scrub(text)
        assert scrub(text).startswith("before ")
        assert scrub(text).endswith(" after")


def test_texts_of_a_message_are_scrubbed_wherever_they_stand(known):
    told = {"a": [1, None, {"deep": SECRET, SECRET: 2}], "b": True, "c": 1.5}
    assert scrub_all(told) == {"a": [1, None, {"deep": HIDDEN, HIDDEN: 2}], "b": True, "c": 1.5}


@pytest.mark.parametrize("gap", ["\n…\n", "\n… 5,000 bytes left out …\n"])
def test_piece_of_a_secret_at_a_cut_is_hidden(known, gap):
    text = SECRET[9:] + "x" * 2_000 + SECRET[:12] + gap + SECRET[-8:] + "y" * 2_000 + SECRET[:8]
    assert scrub(text) == HIDDEN + "x" * 2_000 + HIDDEN + gap + HIDDEN + "y" * 2_000 + HIDDEN


def test_secret_within_another_leaves_nothing_of_the_longer(known):
    scrubbing.hide(SECRET[:8], SECRET + "-longer")
    assert scrub(f"<{SECRET}-longer>") == f"<{HIDDEN}>"


def test_ordinary_trace_stays_as_it_is():
    trace = (
        'Traceback (most recent call last):\n  File "strategies/mine.py", line 3, in on_bar\n    key = token = 1 / 0\n'
    )
    assert scrub(trace) == trace


@pytest.mark.parametrize("unit", ["a.", "://", "://a:", "bearer ", "?key=", "at_", "/login/", "Planted-"])
def test_time_grows_with_the_length_only(known, unit):
    began = time.process_time()
    scrub(unit * (2_000_000 // len(unit)))
    assert time.process_time() - began < 5.0


def test_arrays_as_text_stay_whole(known):
    letters = random.Random(1).choices(string.ascii_letters + string.digits + "+/", k=400_000)
    block = "".join(letters)
    assert scrub(block) == block
