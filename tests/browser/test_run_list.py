"""The list of runs as a working place: filters, search, selection, notes, what is new, keys."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import RUN_PAGE, pass_until

pytestmark = pytest.mark.browser

ACME = {"asset": "ACME", "exchange": "SAMPLE", "timeframe": "1h"}


@pytest.fixture
def run_of(product):
    """Return a function that runs a backtest to its end, writes about it, and returns its status body."""

    def run_of_(fast, **words):
        body = {"strategy_name": "sma_cross", **ACME, "parameters": {"fast": fast, "slow": 190}}
        run_id = product.submit(body)["id"]
        if words:
            product.call("PATCH", f"/api/backtests/{run_id}", words)
        return product.finished(run_id)

    return run_of_


@pytest.fixture
def waiting(product):
    """Return a function that starts a backtest which waits at a gate; those that still wait are cancelled afterwards.

    Its status body has the gate, too.
    """
    started = []

    def waiting_():
        gate = product.gates.new()
        gate.let_bars()
        started.append(product.submit({"strategy_name": "gated", **ACME, "parameters": {"gate": gate.number}})["id"])
        return product.status(started[-1]) | {"gate": gate}

    yield waiting_
    for run_id in started:
        product.call("POST", f"/api/backtests/{run_id}/cancel")


def row(page, run):
    return page.locator(f"#run-{run['id']}")


def numbers(page):
    """Return the numbers of the shown runs."""
    return [int(one.get_attribute("data-number")) for one in page.locator("#runs tr").all()]


def test_filters_and_search_are_in_the_address_and_back_undoes_them(page, run_of):
    first, second = run_of(31, tags=["listing"], title="Quiet idea"), run_of(32, tags=["listing"])
    page.goto("/runs")
    page.evaluate("window.stayed = true")
    page.select_option("[name=tag]", "listing")
    expect(page.get_by_test_id("runs-range")).to_have_text("1\N{EN DASH}2 of 2 runs")
    expect(page).to_have_url(re.compile(r"/runs\?tag=listing$"))
    page.keyboard.press("Escape")
    page.locator("h1").click()
    page.keyboard.press("/")
    page.keyboard.type("quiet")
    expect(page.get_by_test_id("runs-range")).to_have_text("1\N{EN DASH}1 of 1 run")
    expect(page.get_by_role("searchbox")).to_be_focused()
    assert numbers(page) == [first["number"]]
    assert page.evaluate("window.stayed")
    page.reload()
    expect(page.get_by_role("searchbox")).to_have_value("quiet")
    assert numbers(page) == [first["number"]]
    page.go_back()
    expect(page.get_by_test_id("runs-range")).to_have_text("1\N{EN DASH}2 of 2 runs")
    expect(page.get_by_role("searchbox")).to_have_value("")
    assert numbers(page) == [second["number"], first["number"]]


def test_enter_in_the_search_field_is_no_error(page, run_of, complaints):
    run = run_of(33, title="Entered")
    page.goto("/runs")
    page.route("**/runs?*", lambda route: (page.wait_for_timeout(200), route.continue_()))
    page.get_by_role("searchbox").press_sequentially("entered")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("runs-range")).to_have_text("1\N{EN DASH}1 of 1 run")
    page.wait_for_load_state("networkidle")
    assert numbers(page) == [run["number"]]
    assert complaints == []


def test_column_sorts_both_ways_and_keeps_the_filters(page, run_of):
    for fast in (41, 42, 43):
        run_of(fast, tags=["sorting"])
    page.goto("/runs?tag=sorting")
    by_return = page.get_by_role("link", name="Return")
    by_return.click()
    expect(page).to_have_url(re.compile(r"tag=sorting&sort=-return$"))
    down = numbers(page)
    by_return.click()
    expect(page).to_have_url(re.compile(r"tag=sorting&sort=return$"))
    expect(page.locator("th[aria-sort=ascending]")).to_contain_text("Return")
    assert numbers(page) == down[::-1]


def test_nothing_found_leads_back_to_everything(page, run_of):
    run_of(44)
    page.goto("/runs")
    page.get_by_role("searchbox").fill("nothinghasthis")
    expect(page.get_by_test_id("no-match")).to_contain_text("nothinghasthis")
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.get_by_role("link", name="Show all runs").hover()
    page.mouse.down()  # the search box loses the focus, and tells its change: the link must stay where it is
    expect(page.get_by_role("searchbox")).not_to_be_focused()
    assert asked == []
    page.mouse.up()
    expect(page.get_by_role("searchbox")).to_have_value("")
    expect(page.locator("#runs tr").first).to_be_visible()


def test_selection_survives_live_updates_and_is_cancelled_together(page, waiting):
    runs = [waiting(), waiting()]
    page.goto("/runs?q=gated")
    for run in runs:
        row(page, run).get_by_role("checkbox").check()
    rev = row(page, runs[0]).get_attribute("data-rev")
    is_updated = lambda: row(page, runs[0]).get_attribute("data-rev") != rev  # noqa: E731
    pass_until(runs[0]["gate"].let_bars, is_updated, "a live update of the row")
    bar = page.get_by_test_id("bulk-bar")
    expect(bar).to_contain_text("2 selected")
    expect(bar.get_by_role("button", name="Delete…")).to_be_disabled()
    bar.get_by_role("button", name="Cancel…").click()
    dialog = page.get_by_test_id("bulk-dialog")
    expect(dialog).to_contain_text("Cancel 2 runs?")
    expect(dialog.get_by_role("link", name="Keep running")).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(bar.get_by_role("button", name="Cancel…")).to_be_focused()
    page.keyboard.press("Enter")
    dialog.get_by_role("button", name="Cancel 2 runs").click()
    expect(page.get_by_test_id("toast")).to_contain_text("Cancelled 2 runs.")
    expect(page).to_have_url(re.compile(r"/runs\?q=gated$"))
    for run in runs:
        expect(row(page, run).get_by_test_id("status-pill")).to_have_text("Cancelled")


def test_page_of_runs_is_selected_and_deleted_and_the_active_one_is_refused(page, run_of, waiting, product):
    runs = [run_of(51, tags=["doomed"]), run_of(52, tags=["doomed"])]
    alive = waiting()
    product.call("PATCH", f"/api/backtests/{alive['id']}", {"tags": ["doomed"]})
    page.goto("/runs?tag=doomed")
    page.get_by_role("checkbox", name="Select all runs of this page").check()
    page.get_by_test_id("bulk-bar").get_by_role("button", name="Delete…").click()
    dialog = page.get_by_test_id("bulk-dialog")
    expect(dialog).to_contain_text("Delete 2 runs?")
    expect(dialog).to_contain_text("deleted for good")
    expect(dialog.get_by_test_id("refused")).to_contain_text(f"Backtest {alive['number']}: still active")
    dialog.get_by_role("button", name="Delete 2 runs").click()
    expect(page.get_by_test_id("toast")).to_contain_text("Deleted 2 runs.")
    assert numbers(page) == [alive["number"]]
    assert [product.call("GET", f"/api/backtests/{run['id']}")[0] for run in runs] == [404, 404]


def test_runs_are_selected_and_deleted_without_javascript(open_page, run_of):
    run = run_of(53, tags=["plain"])
    page = open_page("/runs?tag=plain", java_script_enabled=False)
    row(page, run).get_by_role("checkbox").check()
    page.get_by_role("button", name="Delete…").click()
    expect(page.get_by_text(f"Backtest {run['number']}.")).to_be_visible()
    page.get_by_role("button", name="Delete 1 run").click()
    expect(page.get_by_text("Deleted 1 run.")).to_be_visible()
    expect(page).to_have_url(re.compile(r"/runs\?tag=plain$"))


def test_filters_and_notes_work_without_javascript(open_page, run_of):
    run = run_of(54)
    page = open_page(f"/backtests/{run['id']}", java_script_enabled=False)
    page.get_by_test_id("edit-note").click()
    page.fill("[name=title]", "By hand")
    page.fill("[name=tags]", "handmade")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_test_id("run-note")).to_contain_text("By hand")
    page.goto("/runs")
    page.fill("[name=q]", "by hand")
    page.select_option("[name=tag]", "handmade")
    page.get_by_role("button", name="Search").click()
    assert numbers(page) == [run["number"]]


def test_title_notes_and_tags_are_changed_in_place_while_the_run_runs(page, waiting):
    run = waiting()
    page.goto(f"/backtests/{run['id']}")
    page.get_by_test_id("edit-note").click()
    expect(page.locator("[name=title]")).to_be_focused()
    page.keyboard.type("gr")
    page.fill("[name=tags]", "a;b")
    processed = page.get_by_test_id("count").inner_text()
    pass_until(run["gate"].let_bars, lambda: page.get_by_test_id("count").inner_text() != processed, "another count")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#note-tags-error")).to_contain_text("'a;b'")
    expect(page.locator("[name=title]")).to_have_value("gr")
    expect(page.locator("[name=tags]")).to_be_focused()
    page.fill("[name=tags]", "night")
    page.fill("[name=notes]", "First\nsecond <b>")
    page.get_by_role("button", name="Save").click()
    words = page.get_by_test_id("run-note")
    expect(words).to_contain_text("second <b>")
    words.get_by_role("link", name="night").click()
    expect(page).to_have_url(re.compile(r"/runs\?tag=night$"))
    expect(row(page, run)).to_contain_text("gr")


def test_new_runs_are_told_when_they_pass_the_filters_and_come_when_asked_for(page, run_of, waiting):
    known = run_of(61)
    page.goto("/runs?strategy=sma_cross")
    expect(page.get_by_test_id("conn-status")).to_have_text("Live")
    shown = numbers(page)
    waiting()
    fresh = run_of(62)
    expect(page.get_by_test_id("run-news")).to_have_text("1 new run")
    assert numbers(page) == shown
    page.locator("h1").click()
    page.keyboard.press("Shift+R")
    expect(page.locator("#runs tr").first).to_have_attribute("data-number", str(fresh["number"]))
    expect(page.get_by_test_id("run-news")).to_be_empty()
    assert numbers(page)[1] == known["number"]


def test_tabs_follow_the_states_and_no_row_moves(page, waiting, product):
    run = waiting()
    page.goto("/runs?status=running&q=gated")
    product.wait_until(run["id"], lambda body: body["status"] == "running")
    page.reload()
    expect(row(page, run).get_by_test_id("status-pill")).to_have_text("Running")
    product.call("POST", f"/api/backtests/{run['id']}/cancel")
    expect(row(page, run).get_by_test_id("status-pill")).to_have_text("Cancelled")
    expect(page.locator("#run-tabs [aria-current]")).to_have_text("Running 0")
    assert run["number"] in numbers(page)


def test_keys_move_select_and_open_and_leave_inputs_alone(page, run_of):
    runs = [run_of(71, tags=["keys"]), run_of(72, tags=["keys"])]
    page.goto("/runs?tag=keys")
    page.keyboard.type("jxjx")
    expect(page.get_by_test_id("bulk-bar")).to_contain_text("2 selected")
    page.keyboard.press("x")
    expect(page.get_by_test_id("bulk-bar")).to_contain_text("1 selected")
    page.keyboard.press("/")
    page.keyboard.type("xjk")
    expect(page.get_by_role("searchbox")).to_have_value("xjk")
    expect(page.get_by_test_id("no-match")).to_be_visible()
    page.get_by_role("searchbox").fill("")
    expect(page.locator("#runs tr")).to_have_count(2)
    page.locator("h1").click()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page).to_have_url(RUN_PAGE)
    assert page.url.endswith(runs[1]["id"])
    page.keyboard.press("?")
    expect(page.get_by_test_id("shortcut-sheet")).to_contain_text("Tick the row")


def test_identical_completed_run_is_offered_on_the_form(page, run_of):
    run = run_of(81)
    page.goto(f"/backtests/new?from={run['id']}")
    twin = page.get_by_test_id("twin")
    expect(twin).to_contain_text(f"Same spec, code and candles as Backtest {run['number']}")
    page.fill("[name='parameters.fast']", "82")
    expect(twin).to_have_count(0)
    page.fill("[name='parameters.fast']", "81")
    twin.get_by_role("link", name="Open it").click()
    expect(page).to_have_url(re.compile(run["id"]))


def test_identical_completed_run_is_offered_without_javascript_before_it_runs_again(open_page, run_of):
    run, other = run_of(83), run_of(84)
    page = open_page(f"/backtests/new?from={other['id']}", java_script_enabled=False)
    page.fill("[name='parameters.fast']", "83")
    page.get_by_role("button", name="Run backtest").click()
    expect(page.get_by_test_id("twin")).to_contain_text(f"Backtest {run['number']}")
    page.get_by_role("button", name="Run backtest").click()
    expect(page).to_have_url(RUN_PAGE)
    assert not page.url.endswith(run["id"])


def test_changed_strategy_is_told_in_the_list_and_on_the_page(page, product):
    source = (product.home / "strategies" / "gated.py").read_text()
    product.write_strategy("edited", source)
    run = product.submit({"strategy_name": "edited", **ACME, "parameters": {"gate": 0}})
    product.finished(run["id"])
    page.goto("/runs?strategy=edited")
    expect(row(page, run)).not_to_contain_text("Strategy changed")
    product.write_strategy("edited", source + "# edited\n")
    page.reload()
    expect(row(page, run)).to_contain_text("Strategy changed")
    row(page, run).locator("a.run-link").click()
    expect(page.get_by_test_id("changes")).to_contain_text("Strategy changed")


def test_phone_shows_filters_selection_and_notes_without_scrolling_sideways(open_page, run_of):
    run = run_of(
        91, title="A long title that does not fit into one line of a phone at all " * 2, tags=["a" * 32, "b" * 32]
    )
    page = open_page("/runs", viewport={"width": 390, "height": 844})
    row(page, run).get_by_role("checkbox").check()
    expect(page.get_by_test_id("bulk-bar")).to_be_in_viewport()
    for path in ("/runs", f"/backtests/{run['id']}"):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") == 390
