"""Backtests: submitted, refused, completed, failed, gated, cancelled, written about, listed, deleted."""

from tests.contract.strategies import CANDLES, SHORT, open_gate

CROSS = {"strategy_name": "sma_cross", **CANDLES, "parameters": {"fast": 10, "slow": 30}, "commission": 0.001}
CROSS |= {"end": "2020-03-01"}
EVERY_FIELD = {
    "strategy_name": "talkative", **CANDLES, "start": "2020-02-03T15:00:00Z", "end": "2020-03-10T12:00:00Z",
    "initial_cash": 25_000.5, "commission": 0.0005, "fixed_fee": 1.5, "slippage_ticks": 2, "slippage_frac": 0.0001,
    "fill": "this_close", "sizing": {"kind": "quote", "value": 5_000}, "margin_ratio": 0.5, "close_at_end": True,
    "risk_free_rate": 0.02, "parameters": {"quick": 3, "calm": 9, "mood": "both", "weight": 0.3, "is_loud": True},
}  # fmt: skip
PROGRESS = ("processed_bars", "equity", "queue_position")
"""Of a run that runs, or was stopped on its way."""

REFUSED = {
    "unknown strategy": {"strategy_name": "no_such"},
    "strategy that is no Python": {"strategy_name": "broken", "parameters": {}},
    "strategy of another kind": {"strategy_name": 7},
    "unknown asset": {"asset": "NOPE"},
    "unknown exchange": {"exchange": "NOPE"},
    "unknown timeframe": {"timeframe": "7m"},
    "unknown parameter": {"parameters": {"speed": 3}},
    "parameter out of bounds": {"parameters": {"fast": 1}},
    "parameter of another kind": {"parameters": {"fast": "ten"}},
    "parameters that break a rule": {"parameters": {"fast": 30, "slow": 30}},
    "parameters that are a list": {"parameters": [1, 2]},
    "start after end": {"start": "2022-01-01T00:00:00Z", "end": "2021-01-01T00:00:00Z"},
    "start that is no time": {"start": "soon"},
    "range without candles": {"start": "1990-01-01T00:00:00Z", "end": "1991-01-01T00:00:00Z"},
    "cash below zero": {"initial_cash": -1},
    "commission above one": {"commission": 2},
    "fixed fee below zero": {"fixed_fee": -0.5},
    "slippage of another kind": {"slippage_ticks": "a few"},
    "unknown fill": {"fill": "never"},
    "sizing of nothing": {"sizing": {"kind": "quantity", "value": 0}},
    "sizing of another kind": {"sizing": "all"},
    "margin ratio of zero": {"margin_ratio": 0},
    "close at end of another kind": {"close_at_end": "perhaps"},
    "risk-free rate of another kind": {"risk_free_rate": "low"},
    "unknown field": {"colour": "red"},
    "several wrong fields": {"colour": "red", "asset": "NOPE", "parameters": {"fast": 0, "speed": 3}},
}
NOTES = {
    "everything": {"title": "Slow cross", "notes": "Two averages.\nKeep.", "tags": ["keep", "Trend/slow"]},
    "a title alone": {"title": "Slower cross"},
    "tags taken away": {"tags": []},
    "tags again": {"tags": ["keep"]},
    "nothing": {},
    "an unknown field": {"colour": "red"},
    "a title of another kind": {"title": 7},
    "a title that is too long": {"title": "x" * 1_000},
    "tags that are none": {"tags": ["a b", "!"]},
    "tags of another kind": {"tags": "keep"},
}
FILTERS = (
    "", "?limit=2&offset=1", "?offset=1000", "?strategy_name=talkative&limit=1", "?strategy_name=no_such",
    "?asset=ACME&limit=1", "?exchange=SAMPLE&timeframe=1h&limit=1", "?timeframe=1d", "?status=failed&limit=1",
    "?status=failed,cancelled&limit=1&offset=1", "?status=lost", "?tag=keep", "?q=slower", "?q=slower+cross+talkative",
    "?from=2000-01-01&limit=1", "?to=2000-01-01", "?from=2000-01-01T00:00:00Z&to=2000-01-02T00:00:00%2B02:00",
    "?from=never", "?to=2000-13-01", "?limit=0", "?limit=501", "?limit=many", "?offset=-1", "?colour=red",
    "?status=&limit=1", f"?q={'x' * 101}", "?asset=%07",
)  # fmt: skip
WINDOWS = (
    "?px=20", "?px=5&from=2020-01-15&to=2020-01-20", "?px=5&from=2020-01-15T15:00:00Z&to=2020-01-16", "?px=0",
    "?px=4001", "?px=wide", "?from=never", "?to=2020-99-01", "?px=5&from=2020-02-01&to=2020-01-01", "?colour=red",
    "?px=5&to=1990-01-01",
)  # fmt: skip
PAGES = ("?limit=3", "?limit=2&offset=3", "?offset=9999", "?limit=0", "?limit=501", "?offset=-1", "?colour=red")
TABLES = {"trades": PAGES, "orders": PAGES, "equity": WINDOWS, "candles": WINDOWS}


def record(recorder):
    """Record the part, and leave runs of every state to those that come after."""
    part = recorder.part("backtests")
    _completed(part)
    _failed(part)
    _gated(part, recorder)
    _refused(part)
    _written_about(part, recorder)
    _deleted(part, recorder)
    _listed(recorder)
    _tables(recorder)


def _completed(part):
    part.submit("backtest", "cross", CROSS)
    part.finished("backtest", "cross")
    _look(part, "cross")
    part.submit("backtest", "cross again", CROSS)
    part.recorder.finished("backtest", "cross again")
    part.submit("backtest", "talkative", EVERY_FIELD)
    part.finished("backtest", "talkative")
    body = _look(part, "talkative")
    part.submit("backtest", "spec sent back", body["spec"])
    part.recorder.finished("backtest", "spec sent back")
    part.submit("backtest", "defaults", {"strategy_name": "talkative", **SHORT})
    part.finished("backtest", "defaults")


def _failed(part):
    for name in ("stumbling", "falling"):
        part.submit("backtest", name, {"strategy_name": name, **SHORT})
        part.finished("backtest", name)
        _look(part, name)
    part.submit("backtest", "helpless", {"strategy_name": "helpless", **SHORT})


def _look(part, name):
    return part.ask(f"read {name}", "GET", f"/api/backtests/{part.recorder.ids[name]}")


def _gated(part, recorder):
    """Record a run that runs, two that wait behind it, one too many, and how they are cancelled."""
    bodies = [
        {"strategy_name": "patient", **SHORT, "parameters": {"gate": 1, "length": length}} for length in (3, 4, 5, 6)
    ]
    part.submit("backtest", "gated", bodies[0])
    recorder.waiting_at(1, "backtest", "gated", "running_backtest")
    for name, body in zip(("waiting", "waiting too"), bodies[1:], strict=False):
        part.submit("backtest", name, body, volatile=("queue_position",))
    part.ask("submit what runs already", "POST", "/api/backtests/", bodies[0])
    part.ask("submit what waits already", "POST", "/api/backtests/", bodies[1])
    part.ask("submit one too many", "POST", "/api/backtests/", bodies[3])
    for name in ("gated", "waiting", "waiting too"):
        at = f"/api/backtests/{recorder.ids[name]}"
        part.ask(f"status of {name} before its end", "GET", f"{at}/status", volatile=PROGRESS)
        part.ask(f"read {name} before its end", "GET", at, volatile=PROGRESS)
        part.ask(f"delete {name} before its end", "DELETE", at)
        part.ask(f"trades of {name} before its end", "GET", f"{at}/trades")
        part.ask(f"equity of {name} before its end", "GET", f"{at}/equity")
    for name in ("waiting", "gated"):
        at = f"/api/backtests/{recorder.ids[name]}"
        part.ask(f"cancel {name}", "POST", f"{at}/cancel")
        part.ask(f"cancel {name} twice", "POST", f"{at}/cancel")
        part.ask(f"status of {name} when cancelled", "GET", f"{at}/status", volatile=PROGRESS)
        part.ask(f"read {name} when cancelled", "GET", at, volatile=PROGRESS)
        part.ask(f"orders of {name} when cancelled", "GET", f"{at}/orders")
    open_gate(part.recorder.product, 1)
    part.finished("backtest", "waiting too")
    for name in ("cross", "stumbling"):
        part.ask(f"cancel {name}, which has ended", "POST", f"/api/backtests/{recorder.ids[name]}/cancel")


def _refused(part):
    for name, change in REFUSED.items():
        part.ask(f"submit {name}", "POST", "/api/backtests/", {**CROSS, **change})
    part.ask("submit nothing", "POST", "/api/backtests/", {})
    part.ask("submit a list", "POST", "/api/backtests/", [1])
    part.send("submit no JSON", "/api/backtests/", b"{", Content_Type="application/json")
    part.send("submit a number that is none", "/api/backtests/", b'{"initial_cash": NaN}')
    part.send("submit no bytes", "/api/backtests/", b"")
    part.send("submit bytes that are no text", "/api/backtests/", b"\xff\xfe")
    part.send("submit too many values", "/api/backtests/", b'{"a": [0' + b",0" * 10_000 + b"]}")
    part.send("submit too deep a body", "/api/backtests/", b'{"a": ' * 12 + b"1" + b"}" * 12)
    part.send("submit too large a body", "/api/backtests/", b'{"a": "' + b"x" * 4_000_000 + b'"}')


def _written_about(part, recorder):
    at = f"/api/backtests/{recorder.ids['cross']}"
    for name, body in NOTES.items():
        part.ask(f"write {name} about cross", "PATCH", at, body)
    part.ask("write about another's run", "PATCH", at, {"title": "Mine"}, caller="guest")
    part.ask("write about a run of nobody", "PATCH", _nowhere("backtests"), {"title": "Mine"})
    part.ask("read another's run", "GET", at, caller="guest")
    part.ask("cancel another's run", "POST", f"{at}/cancel", caller="guest")
    part.ask("delete another's run", "DELETE", at, caller="guest")


def _deleted(part, recorder):
    at = f"/api/backtests/{recorder.ids['cross again']}"
    part.ask("delete a run", "DELETE", at)
    part.ask("delete a run twice", "DELETE", at)
    part.ask("read a deleted run", "GET", at)
    part.ask("status of a deleted run", "GET", f"{at}/status")
    part.ask("trades of a deleted run", "GET", f"{at}/trades")


def _listed(recorder):
    part = recorder.part("lists of backtests")
    for query in FILTERS:
        part.ask(f"list {query or 'all'}", "GET", f"/api/backtests/{query}", volatile=PROGRESS)
    part.ask("list as somebody else", "GET", "/api/backtests/?limit=1", caller="guest", volatile=PROGRESS)


def _tables(recorder):
    part = recorder.part("tables of backtests")
    for name in ("cross", "talkative", "stumbling"):
        at = f"/api/backtests/{recorder.ids[name]}"
        for table, queries in TABLES.items():
            for query in queries if name == "cross" else queries[:1]:
                part.ask(f"{table} of {name} {query}", "GET", f"{at}/{table}{query}")
    part.ask(
        "candles of gated", "GET", f"/api/backtests/{recorder.ids['gated']}/candles?px=20", volatile=("ended_bar",)
    )


def _nowhere(kind):
    return f"/api/{kind}/00000000-0000-4000-8000-000000000000"
