"""What is logged holds no secret."""

import io
import json
import logging

import pytest
import structlog
from django.conf import settings

from algotrade import scrubbing
from runs.server import logs


@pytest.fixture
def lines(monkeypatch):
    """Return a function that gives what was logged so far, through the product's own set-up."""
    before = structlog.get_config()
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    logs.configure({"json": True})
    stream = io.StringIO()
    (handler,) = root.handlers
    handler.setStream(stream)
    yield stream.getvalue
    root.handlers[:], root.level = handlers, level
    structlog.configure(**before)


def test_installations_secret_and_known_values_are_in_no_line(lines, monkeypatch):
    monkeypatch.setattr(scrubbing, "_known", scrubbing._Known(()))
    scrubbing.hide(settings.SECRET_KEY, "Planted-4711-xyz")
    log = structlog.get_logger("runs.test")
    log.warning("found Planted-4711-xyz", trace=f"Error: {settings.SECRET_KEY}", deep={"a": ["Planted-4711-xyz"]})
    try:
        raise ValueError("Planted-4711-xyz")
    except ValueError:
        logging.getLogger("django.other").exception("failed with %s", "Planted-4711-xyz")
    assert lines().count("[hidden]") == 6  # one of them in the line of source
    assert "Planted" not in lines()
    assert settings.SECRET_KEY not in lines()


def test_settings_make_the_installations_secret_known():
    assert scrubbing.scrub(f"<{settings.SECRET_KEY}>") == "<[hidden]>"


def test_foreign_host_is_one_short_line(lines, client, db):
    assert client.get("/login/", HTTP_HOST="evil.example" + "x" * 5_000).status_code == 400
    assert client.get("/login/", HTTP_HOST="a\tb.example").status_code == 400
    told = [json.loads(line) for line in lines().splitlines()]
    told = [line for line in told if line["logger"] == "django.security.DisallowedHost"]
    assert [line["level"] for line in told] == ["warning", "warning"]
    assert told[0]["event"] == "foreign Host header: evil.example" + "x" * 88
    assert all("exception" not in line and len(json.dumps(line)) < 400 for line in told)
