"""Browsers and programs that knock at the product in tests."""

import codecs
from typing import Any

from django.http import HttpResponse
from django.test import Client

from algotrade.resolve import Resolved
from algotrade.spec import BacktestSpec, RunInputs
from runs.models.access import ApiToken
from tests.builders import INPUTS, SPEC, make_user
from tests.runs.markup import close_up


class Browser(Client):
    """A browser that hands over the markup of its pages without the white space that shows nowhere."""

    def request(self, **request: Any) -> HttpResponse:
        """Ask, and close up the answer when it is a page or a part of one."""
        response = super().request(**request)
        if not response.streaming and response.headers.get("Content-Type", "").startswith("text/html"):
            response.content = close_up(response.content.decode()).encode()
        return response


def csv_text(response):
    """Return what a CSV file says to who reads it by its byte-order mark, as Excel does."""
    sent = b"".join(response.streaming_content)
    assert sent.startswith(codecs.BOM_UTF8)
    return sent.decode("utf-8-sig")


def program(user=None):
    """Return a client that sends a bearer token of `user`, as a program does."""
    return Client(headers={"Authorization": f"Bearer {ApiToken.objects.issue(user or make_user())}"})


def browser(user=None, *, checks_csrf=False):
    """Return a client with a session of `user`."""
    client = Browser(enforce_csrf_checks=checks_csrf)
    client.force_login(user or make_user())
    return client


def resolved(key="a" * 64, **changes):
    """Return a submission that passed the validator."""
    spec = BacktestSpec.from_dict(SPEC | changes)
    return Resolved(spec, RunInputs.from_dict(INPUTS), key, 1_000, None, None)
