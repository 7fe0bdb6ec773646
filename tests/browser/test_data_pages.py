"""Candles come in by the browser: chosen, seen, corrected, imported; datasets show gaps and versions, and may go."""

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

HEADER = "timestamp,open,high,low,close,volume"
UPLOAD_PAGE = re.compile(r"/data/imports/[0-9a-f-]{36}$")
N_LARGE = 60_000


def minutes(n_bars, without=(), *, price="100.25"):
    """Return a file of flat minutes of 2 January 2024 and after, some missing."""
    kept = [1_704_153_600 + 60 * at for at in range(n_bars) if at not in without]
    return "\n".join([HEADER, *(f"{second},{price},{price},{price},{price},1" for second in kept)])


def payload(name, text):
    return {"name": name, "mimeType": "text/csv", "buffer": text.encode()}


@pytest.fixture
def send(page):
    """Return a function that sends a file and waits for what it holds."""

    def send(name, text, target=page):
        target.goto("/data/import")
        target.set_input_files("#upload-file", payload(name, text))
        target.get_by_role("button", name="Look at the file").click()
        target.wait_for_url(UPLOAD_PAGE)
        expect(target.get_by_test_id("preview-table")).to_be_visible()
        return target

    return send


def do_import(page, exchange):
    page.fill("[name=exchange]", exchange)
    page.get_by_role("button", name=re.compile("^Import [0-9]")).click()
    expect(page.get_by_test_id("imported")).to_be_visible()


def test_file_is_seen_named_and_imported(send):
    page = send("SEEN-1m.csv", minutes(100, without={10, 11, 50}))
    summary = page.get_by_test_id("import-summary")
    expect(summary).to_contain_text("97 bars 1m")
    expect(summary).to_contain_text("2 (3 bars)")
    expect(page.locator("[name=asset]")).to_have_value("SEEN")
    do_import(page, "BROWSER")
    expect(page).to_have_url(re.compile("/data/SEEN-BROWSER-1m"))
    expect(page.get_by_test_id("imported")).to_contain_text("SEEN-1m.csv: 97 bars stored.")
    expect(page.get_by_test_id("gaps-table").locator("tbody tr")).to_have_count(2)
    expect(page.get_by_test_id("gaps-table")).to_contain_text("2 Jan 2024, 00:09")
    page.goto("/data")
    expect(page.get_by_test_id("datasets-table")).to_contain_text("SEEN 1m")


def test_gap_shows_the_bars_around_it_without_javascript(send, open_page):
    do_import(send("GAPPY-1m.csv", minutes(100, without={50, 51})), "BROWSER")
    page = open_page("/data/GAPPY-BROWSER-1m", java_script_enabled=False)
    page.get_by_role("link", name="Go to gap").click()
    table = page.get_by_test_id("bars-table")
    expect(table).to_contain_text("00:49")
    expect(table).to_contain_text("00:52")
    expect(table).not_to_contain_text("00:50")


def test_gap_is_shown_by_the_chart(send):
    page = send("CHART-1m.csv", minutes(3_000, without={50, 51}))
    do_import(page, "BROWSER")
    figure = page.get_by_test_id("price-chart")
    figure.scroll_into_view_if_needed()
    expect(figure.locator("canvas").first).to_be_visible()
    page.get_by_role("link", name="Go to gap").click()
    expect(page.locator("[data-bars][aria-current]")).to_have_count(1)
    expect(figure.locator("[data-readout]")).to_contain_text("2 bars missing. Showing")
    figure.get_by_role("button", name="Latest").click()
    expect(figure.locator("[data-readout]")).to_contain_text(re.compile("^Showing "))
    figure.get_by_role("button", name="All").click()
    expect(figure.locator("[data-readout]")).to_contain_text(re.compile(r"^Showing 2,998 of 2,998 bars"))


def test_wrong_file_is_told_and_another_one_can_be_chosen(page, complaints):
    complaints.expect("422")
    page.goto("/data/import")
    page.set_input_files("#upload-file", {"name": "x.zip", "mimeType": "application/zip", "buffer": b"PK\x03\x04 zip"})
    page.get_by_role("button", name="Look at the file").click()
    expect(page.get_by_test_id("import-errors")).to_contain_text("x.zip is a ZIP archive; unpack it first.")
    again = page.get_by_role("link", name="Choose another file")  # on the file's own page, if looking took long
    look = page.get_by_role("button", name="Look at the file")
    expect(look.or_(again)).to_be_visible()
    if again.is_visible():
        again.click()
    expect(look).to_be_enabled()
    expect(page).to_have_url(re.compile("/data/import$"))


def test_columns_are_corrected_and_faulty_rows_are_listed(send):
    rows = minutes(30).replace("close", "last").split("\n")
    rows[5] = rows[5].replace("100.25", "none", 1)
    page = send("FIX-1m.csv", "\n".join(rows))
    errors = page.get_by_test_id("import-errors")
    expect(errors).to_contain_text("There is no column for close.")
    page.select_option("[name='columns.close']", "last")
    page.fill("[name=exchange]", "BROWSER")
    page.get_by_role("button", name="Check again").click()
    expect(errors).to_contain_text("Row 6, column 'open': 'none' is not a finite number")
    page.get_by_role("button", name="Discard").click()
    expect(page.get_by_test_id("toast")).to_contain_text("FIX-1m.csv was discarded; nothing was stored.")


def test_second_import_tells_what_it_changes_before_it_does(send):
    do_import(send("TWICE-1m.csv", minutes(50)), "BROWSER")
    page = send("TWICE-1m.csv", minutes(60, without={0}))
    page.fill("[name=exchange]", "BROWSER")
    page.get_by_role("button", name="Check again").click()
    expect(page.get_by_test_id("replaces")).to_contain_text("0 bars changed, 10 added, 1 removed")
    page.get_by_role("button", name="Import 59 bars").click()
    expect(page.get_by_test_id("imported")).to_contain_text("59 bars stored; 0 changed, 10 added, 1 removed.")
    expect(page.get_by_test_id("versions-table").locator("tbody tr")).to_have_count(2)


def test_large_file_tells_how_far_it_is_until_it_is_seen(page):
    page.goto("/data/import")
    text = minutes(N_LARGE)
    page.set_input_files("#upload-file", payload("LARGE-1m.csv", text))
    page.evaluate("""() => {
        window.said = [];
        const words = document.querySelector("[data-words]");
        new MutationObserver(() => window.said.push(words.textContent)).observe(words, { childList: true });
        window.addEventListener("beforeunload", () => sessionStorage.setItem("said", JSON.stringify(window.said)));
    }""")
    page.get_by_role("button", name="Look at the file").click()
    page.wait_for_url(UPLOAD_PAGE)
    expect(page.get_by_test_id("import-summary")).to_contain_text("60,000 bars")
    said = page.evaluate("JSON.parse(sessionStorage.getItem('said'))")
    assert any(re.fullmatch(r"Sent [\d.]+ MB of [\d.]+ MB", words) for words in said), said
    assert said[-1] == "Looking through the file…"


def test_file_is_imported_without_javascript(open_page, complaints):
    complaints.expect("422")
    page = open_page("/data/import", java_script_enabled=False)
    page.set_input_files("#upload-file", payload("PLAIN-1m.csv", minutes(20)))
    page.get_by_role("button", name="Look at the file").click()
    expect(page.get_by_test_id("preview-table")).to_be_visible()
    page.get_by_role("button", name="Import 20 bars").click()
    expect(page.locator("#field-exchange-error")).to_have_text("The exchange is missing.")
    page.fill("[name=exchange]", "BROWSER")
    page.get_by_role("button", name="Import 20 bars").click()
    expect(page.get_by_test_id("imported")).to_contain_text("20 bars stored.")


def test_dataset_is_resampled_backtested_and_deleted(send):
    page = send("DONE-1m.csv", minutes(3_000))
    do_import(page, "BROWSER")
    page.select_option("[name=timeframe]", "1h")
    page.get_by_role("button", name="Resample").click()
    page.wait_for_url("**/data/DONE-BROWSER-1h")
    expect(page.get_by_test_id("dataset-facts")).to_contain_text("DONE 1m")
    page.get_by_role("link", name="Backtest this").click()
    expect(page.locator("[name=dataset]")).to_have_value("DONE|BROWSER|1h")
    page.goto("/data/DONE-BROWSER-1h")
    page.get_by_role("link", name="Delete…").click()
    page.get_by_role("button", name="Delete dataset").click()
    expect(page.get_by_test_id("toast")).to_contain_text("DONE 1h on BROWSER was deleted.")


def test_dataset_that_a_run_used_is_kept_and_says_why(page, product):
    run = product.submit({"strategy_name": "sma_cross", "asset": "GLDX", "exchange": "SAMPLE", "timeframe": "1d"})
    product.finished(run["id"])
    page.goto("/data/GLDX-SAMPLE-1d")
    expect(page.get_by_test_id("used-by")).to_contain_text(re.compile("[1-9][0-9]* runs?"))
    expect(page.get_by_role("link", name="Delete…")).to_have_count(0)
    page.goto("/data/GLDX-SAMPLE-1d/delete")
    expect(page.get_by_text("first: the results rest on these bars.")).to_be_visible()


@pytest.mark.parametrize("path", ["/data", "/data/import", "/data/GLDX-SAMPLE-1d", "upload"])
def test_page_fits_a_phone(phone, path):
    page = phone
    page.goto("/data/import" if path == "upload" else path)
    if path == "upload":
        page.set_input_files("#upload-file", payload("PHONE-1m.csv", minutes(30)))
        page.get_by_role("button", name="Look at the file").click()
        page.wait_for_url(UPLOAD_PAGE)
        expect(page.get_by_test_id("preview-table")).to_be_visible()
    assert widths(page) == [390, 390]


def test_files_that_wait_fit_a_phone(send, phone):
    page = phone
    send("WAITING-for-quite-a-while-1m.csv", minutes(30).replace("100.25", "none", 1), target=page)
    page.goto("/data")
    expect(page.get_by_test_id("waiting-uploads").get_by_text("1 error", exact=True).first).to_be_visible()
    assert widths(page) == [390, 390]


def widths(page):
    """Return how wide the page and its window are."""
    return page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
