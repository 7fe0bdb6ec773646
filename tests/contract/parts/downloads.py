"""Downloads from the imitated exchange: completed, continued, failed, stalled, cancelled, resumed, refused, listed."""

from tests.contract.recorder import SECONDS
from tests.downloads import asked
from tests.stack import wait_for

REFUSED = {
    "unknown exchange": {"exchange": "nowhere"},
    "asset of another kind": {"asset": 7},
    "unknown timeframe": {"timeframe": "7h"},
    "start after end": {"start": "2022-01-01", "end": "2021-01-01"},
    "start that is no time": {"start": "soon"},
    "range of another kind": {"end": 5},
    "unknown field": {"colour": "red"},
    "several wrong fields": {"timeframe": "7h", "start": "soon"},
}
PROGRESS = ("processed_bars", "total_bars", "phase", "waiting", "queue_position")
FILTERS = ("?limit=2", "?status=failed", "?status=lost", "?asset=BTC-USD&limit=1", "?tag=coins", "?q=coins", "?limit=0",
           "?strategy_name=x", "?from=2000-01-01&to=2000-01-01", "?colour=red")  # fmt: skip


def record(recorder, exchange):
    """Record the part; `exchange` is the imitated one."""
    part = recorder.part("downloads")
    part.submit("download", "coins", asked(50))
    part.finished("download", "coins")
    part.ask("read coins", "GET", _at(recorder, "coins"))
    part.submit("download", "continued", asked(60, start=None))
    part.finished("download", "continued")
    part.submit("download", "no such market", asked(20, asset="DOGE/USD"))
    part.finished("download", "no such market")
    _stopped(part, recorder, exchange)
    for name, change in REFUSED.items():
        part.ask(f"submit {name}", "POST", "/api/downloads/", asked(30, **change))
    part.ask("submit nothing", "POST", "/api/downloads/", {})
    part.ask("write about coins", "PATCH", _at(recorder, "coins"), {"title": "Old coins", "tags": ["coins"]})
    part.ask("write about another's", "PATCH", _at(recorder, "coins"), {"title": "Mine"}, caller="guest")
    for query in FILTERS:
        part.ask(f"list {query}", "GET", f"/api/downloads/{query}")
    known = recorder.callers["owner"].ask_json("GET", "/api/downloads/exchanges").json()
    part.note("exchanges", [item for item in known["items"] if item["exchange"] == "bitstamp"])


def _stopped(part, recorder, exchange):
    """Record one that is cancelled while the exchange keeps it waiting, and resumed."""
    exchange.gate.clear()
    n_asked = len(exchange.asked)
    part.submit("download", "stalled", asked(40, asset="ETH/USD"))
    wait_for(lambda: len(exchange.asked) > n_asked, SECONDS, "the question that is not answered")
    at = _at(recorder, "stalled")
    part.ask("submit what runs already", "POST", "/api/downloads/", asked(40, asset="eth/usd"))
    part.ask("status of stalled before its end", "GET", f"{at}/status", volatile=PROGRESS)
    part.ask("delete stalled before its end", "DELETE", at)
    part.ask("resume stalled before its end", "POST", f"{at}/resume")
    part.submit("download", "called off", asked(70))
    part.ask("cancel called off", "POST", f"{_at(recorder, 'called off')}/cancel")
    part.ask("read called off", "GET", _at(recorder, "called off"))
    part.ask("cancel stalled", "POST", f"{at}/cancel")
    part.ask("cancel stalled twice", "POST", f"{at}/cancel")
    part.ask("read stalled when cancelled", "GET", at, volatile=PROGRESS)
    exchange.gate.set()
    part.ask("resume stalled", "POST", f"{at}/resume", volatile=PROGRESS)
    part.finished("download", "stalled")
    part.ask("resume stalled when completed", "POST", f"{at}/resume")


def _at(recorder, name):
    return f"/api/downloads/{recorder.ids[name]}"
