"""The pages of an optimization for everybody: judged by axe in light and dark, and on a phone."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.conftest import pass_until
from tests.browser.optimizations import fussy
from tests.browser.strategies import DATASET

pytestmark = pytest.mark.browser

PAGES = {
    "running": "{running}",
    "completed": "{broken}?q=first+<+3",
    "parallel": "{broken}?tab=parallel&q=first+<+3",
    "slices": "{broken}?tab=slices&q=first+<+3",
    "settings": "{broken}?tab=settings&q=first+<+3",
    "trials": "{broken}/trials?q=first+<+3",
    "trial": "{broken}/trials/3",
    "failed trial": "{broken}/trials/1",
    "failures": "{broken}/failures",
    "errors alike": "{broken}/failures?error=FloatingPointError&place=fussy.py:21",
    "form": f"/optimizations/new?strategy=sma_cross&dataset={DATASET}",
    "compare": "/compare?r={number}.2&r={number}.3",
    "nothing to compare": "/compare",
}
SERIOUS = ("serious", "critical")


@pytest.fixture(scope="module")
def addresses(product, begin, broken):
    """Return the addresses of the pages, of which one belongs to an optimization that still runs."""
    gate = product.gates.new()
    running = begin(**fussy(gate))
    pass_until(gate.let_next_trial, lambda: has_trials(product, running), "some trials")
    number = product.call("GET", f"/api/optimizations/{broken}/status")[1]["number"]
    ids = {"running": f"/optimizations/{running}", "broken": f"/optimizations/{broken}", "number": f"o{number}"}
    yield {name: path.format(**ids) for name, path in PAGES.items()}
    product.call("POST", f"/api/optimizations/{running}/cancel")


def has_trials(product, run_id):
    return product.call("GET", f"/api/optimizations/{run_id}/status")[1]["completed_combinations"] >= 5


@pytest.mark.parametrize("name", PAGES)
def test_page_has_no_serious_barrier(desk, addresses, name):
    page = desk
    page.goto(addresses[name])
    if name == "running":
        expect(page.get_by_test_id("trials-table")).to_be_visible()
        expect(page.get_by_test_id("conn-status")).to_have_text("Live")
    else:
        page.wait_for_load_state("networkidle")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        expect(page.locator("html")).to_have_attribute("data-shown-theme", scheme)
        found = Axe().run(page).response["violations"]
        serious = [one for one in found if one["impact"] in SERIOUS]
        assert {one["id"]: [node["html"][:160] for node in one["nodes"]] for one in serious} == {}, scheme


@pytest.mark.parametrize("name", ["running", "form", "errors alike", "failed trial", "compare", "nothing to compare"])
def test_page_fits_a_phone(phone, addresses, name):
    phone.goto(addresses[name])
    assert phone.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]") == [390, 390]
