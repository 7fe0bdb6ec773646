"""Browsers and programs that knock at the product in tests."""

from django.test import Client

from algotrade.resolve import Resolved
from algotrade.spec import BacktestSpec, RunInputs
from runs.access_models import ApiToken
from tests.builders import INPUTS, SPEC, make_user


def program(user=None):
    """Return a client that sends a bearer token of `user`, as a program does."""
    return Client(headers={"Authorization": f"Bearer {ApiToken.objects.issue(user or make_user())}"})


def browser(user=None, *, checks_csrf=False):
    """Return a client with a session of `user`."""
    client = Client(enforce_csrf_checks=checks_csrf)
    client.force_login(user or make_user())
    return client


def resolved(key="a" * 64, **changes):
    """Return a submission that passed the validator."""
    spec = BacktestSpec.from_dict(SPEC | changes)
    return Resolved(spec, RunInputs.from_dict(INPUTS), key, 1_000, None, None)
