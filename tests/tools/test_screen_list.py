"""The list of screens: each page of the product is among them."""

from urllib.parse import urlsplit

import pytest
from django.urls import resolve

from runs.urls import urlpatterns
from tests.screens.content import Content
from tests.screens.exchange import LocalExchange
from tests.screens.pages import SCREENS

ID = "4f0a4a52-6f0e-4b3e-9d0a-0c5d2c1f9a11"
NO_PAGES = {
    "home",  # leads on
    "runs_csv", "runs_live", "runs_news",
    "backtest_check", "backtest_fields", "backtest_live", "backtest_again", "backtest_series", "backtest_candles",
    "backtest_csv",
    "optimization_check", "optimization_fields", "optimization_live", "optimization_again", "optimization_repeat",
    "optimization_resume",
    "optimization_objective", "optimization_grid", "optimization_slices", "optimization_parallel",
    "optimization_trials_csv", "optimization_trials_json", "optimization_trial_candles",
    "compare_curves", "download_check", "download_live", "download_resume",
    "upload_live", "upload_cancel", "upload_discard", "dataset_candles", "dataset_resample",
}  # fmt: skip
"""Addresses that answer parts of pages, data, or posts alone."""


class Answering:
    """A product that has taken whatever is asked of it, and answers all that is looked for."""

    def __init__(self, home):
        self.home = home
        self.answer = {
            "id": ID, "url": f"/data/imports/{ID}", "number": 1, "status": "completed", "error_message": "",
            "processed_bars": 10**9, "completed_combinations": 10**9, "waiting": {},
            "items": [{"id": ID, "number": 1, "trial": 1}], "versions": [{"version": "0" * 64}],
        }  # fmt: skip

    def call(self, method, path, body=None):
        return 200, self.answer

    def send_file(self, path, name, content, **fields):
        return 200, self.answer

    def manage(self, *arguments):
        return f"/data/imports/{ID}\n"


@pytest.fixture
def paths(tmp_path):
    """Return the address of each screen, by its name."""
    with LocalExchange() as exchange:
        content = Content(Answering(tmp_path), exchange)
        yield {screen.name: screen.path(content) for screen in SCREENS}


def test_every_page_is_pictured(paths):
    found = {resolve(urlsplit(path).path).url_name for name, path in paths.items() if name != "not-found"}
    assert {pattern.name for pattern in urlpatterns} - NO_PAGES - found == set()


def test_every_picture_is_of_an_address_that_can_be_opened(paths, admin_client):
    # Nothing of it is there, which is no matter: what takes posts alone says so first.
    refused = {name: path for name, path in paths.items() if admin_client.get(path).status_code == 405}
    assert refused == {}


def test_what_is_no_page_is_an_address():
    assert NO_PAGES - {pattern.name for pattern in urlpatterns} == set()


def test_names_of_screens_are_distinct():
    assert len({screen.name for screen in SCREENS}) == len(SCREENS)


def test_pages_without_candles_come_first():
    assert [screen.is_bare for screen in SCREENS] == sorted((screen.is_bare for screen in SCREENS), reverse=True)
