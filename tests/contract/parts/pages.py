"""Pages: every address opened by a person, runs in each of their states, lists with each filter, charts and files."""

import re

from tests.contract.parts.access import NOWHERE
from tests.contract.patterns import addresses

PLACES = {"key": "PEAR-FARM-1h", "table": "trades", "number": "2", "secret": "wrong"}
QUERIES = {
    "backtest_series": "?px=20", "backtest_candles": "?px=10", "dataset_candles": "?px=10",
    "optimization_trial_candles": "?px=10", "optimization_trials_json": "?q=number+%3C+2",
    "runs_csv": "?strategy=talkative&status=completed", "compare": "?r=b1",
    "optimization_trials_csv": "?sort=number", "runs_live": "?r=", "runs_news": "?since=0",
    "optimization_grid": "?metric=net_profit", "optimization_slices": "?metric=trades",
}  # fmt: skip
"""What an address is asked with, by its name: charts are asked to be small, and files to have the same first rows."""
ELSEWHERE = ("/api/openapi.json", "/admin/jsi18n/")
"""What another part has, and what is Django's own."""
TABLE = "/^backtests/(?P<run_id>[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})/(?P<table>trades|orders|equity|candles)$"
TABLE_FOR_PEOPLE = "/backtests/<run_id>/<table>"
OWNERS = {"backtests": "cross", "optimizations": "wide", "downloads": "coins", "runs": "cross"}
"""The run that an address with a run's id in it is asked about, by how the address begins."""
STATES = {
    "backtest": ("cross", "defaults", "stumbling", "falling", "gated", "waiting"),
    "optimization": ("wide", "chosen", "hopeless", "halted", "given up"),
    "download": ("coins", "no such market", "called off"),
}
LISTS = (
    "?status=failed", "?kind=backtest&sort=return", "?kind=optimization&sort=-objective", "?q=slower", "?tag=keep",
    "?strategy=talkative", "?dataset=ACME%7CSAMPLE%7C1h&kind=optimization", "?from=2000-01-01&to=2000-01-02",
    "?status=lost", "?sort=luck", "?from=never", "?page=7",
)  # fmt: skip
FORMS = ("/backtests/new?from={cross}", "/backtests/new?dataset=ACME%7CSAMPLE%7C1h",
         "/backtests/new?strategy=talkative",
         "/backtests/new?from=nothing", "/optimizations/new?from={wide}", "/optimizations/new?from={cross}",
         "/optimizations/new?strategy=talkative", "/data/download?exchange=bitstamp")  # fmt: skip


def record(recorder):
    """Record the parts."""
    found = addresses(recorder.product.manage)
    told = recorder.part("addresses")
    for one in found:
        told.steps.setdefault(one["address"], {name: one[name] for name in ("name", "takes")})
    _every_page(recorder, found)
    part = recorder.part("pages in detail")
    _states(part, recorder)
    _lists(part, recorder)
    _charts(recorder)


def _every_page(recorder, found):
    """Record each address once: addresses that only take a form say that they do not take this."""
    part = recorder.part("pages")
    for one in found:
        address = TABLE_FOR_PEOPLE if one["address"] == TABLE else one["address"]
        if "(?P<" in address or (address.startswith("/admin/") and "<" in address) or address in ELSEWHERE:
            continue
        query = QUERIES.get(one["name"], "")
        part.open(f"{address}{query}", _filled(address, recorder.ids) + query)


def _filled(address, ids):
    run = ids.get(OWNERS.get(address.split("/")[1], ""), NOWHERE)
    places = {**PLACES, "run_id": run, "upload_id": ids.get("waiting file", NOWHERE)}
    return re.sub(r"<(\w+)>", lambda found: places[found[1]], address)


def _states(part, recorder):
    for kind, names in STATES.items():
        for name in names:
            at = f"/{kind}s/{recorder.ids[name]}"
            part.open(f"{kind} {name}", at)
            part.open(f"live part of {kind} {name}", f"{at}/live")
            part.open(f"live part of {kind} {name} for a script", f"{at}/live", HX_Request="true")
            part.open(f"note of {kind} {name}", f"/runs/{recorder.ids[name]}/note")
        part.open(f"{kind} that is not there", f"/{kind}s/{NOWHERE}")
    for table in ("trades", "orders", "equity", "candles", "log"):
        for name in ("defaults", "stumbling"):
            at = f"/backtests/{recorder.ids[name]}/{table}"
            part.open(f"{table} of {name}", at)
            part.open(f"{table} of {name} for a script", at, HX_Request="true")
    for name in ("trials", "failures", "trials/2", "trials/3", "trials/99", "trials?q=trades+%3E+5", "trials?q=luck"):
        at = f"/optimizations/{recorder.ids['wide']}/{name}"
        part.open(f"{name} of wide", at)
        part.open(f"{name} of wide for a script", at, HX_Request="true")


def _lists(part, recorder):
    for query in LISTS:
        part.open(f"runs {query}", f"/runs{query}")
        part.open(f"runs {query} for a script", f"/runs{query}", HX_Request="true")
    for form in FORMS:
        part.open(form, form.format_map(recorder.ids))
    handles = [f"r=b{recorder.numbers['cross']}", f"r=b{recorder.numbers['defaults']}",
               f"r=o{recorder.numbers['wide']}.2"]  # fmt: skip
    for name, query in {"three": "&".join(handles), "one": handles[0], "none": "", "nonsense": "r=x9"}.items():
        part.open(f"compare {name}", f"/compare?{query}")
    part.open("ask before many are deleted", f"/runs/bulk?action=delete&{handles[0]}&{handles[1]}")
    part.open("ask for nothing", "/runs/bulk")
    part.open("a dataset that is not there", "/data/NOPE-NONE-1h")
    part.open("an address that is not there", "/nowhere")


def _charts(recorder):
    """Record the data that charts of pages ask for, and the files that people take along."""
    part = recorder.part("charts and files")
    cross, chosen = f"/backtests/{recorder.ids['defaults']}", f"/optimizations/{recorder.ids['chosen']}"
    for query in ("?px=10", "?px=10&from=1578300000&to=1578700000", "?px=wide", "?from=never"):
        part.open(f"series {query}", f"{cross}/series.json{query}")
        part.open(f"candles {query}", f"{cross}/candles.json{query}")
    for name in ("stumbling", "gated", "waiting"):
        part.open(f"series of {name}", f"/backtests/{recorder.ids[name]}/series.json?px=10")
    part.open("candles of stumbling", f"/backtests/{recorder.ids['stumbling']}/candles.json?px=10")
    for table in ("trades", "orders", "equity"):
        part.open(f"{table} as a file", f"{cross}/{table}.csv")
        part.open(f"{table} of a failed one as a file", f"/backtests/{recorder.ids['stumbling']}/{table}.csv")
    for name in ("objective.json", "grid.json", "grid.json?x=quick&y=calm&metric=trades&agg=mean", "grid.json?x=luck",
                 "slices.json", "slices.json?metric=luck", "parallel.json", "trials.csv?q=trades+%3E+3",
                 "trials.csv?q=luck", "trials.json?q=luck", "trials/1/candles.json?px=10"):  # fmt: skip
        part.open(f"{name} of chosen", f"{chosen}/{name}")
