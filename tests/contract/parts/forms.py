"""Forms: what a person's browser sends, and where that leads; with scripts and without."""

from tests.contract.parts.access import NOWHERE

BACKTEST = {
    "strategy_name": "talkative", "dataset": "ACME|SAMPLE|1h", "start": "2020-01-01", "end": "2020-01-20",
    "initial_cash": "20000", "commission": "0.1", "parameters.quick": "3", "parameters.calm": "8",
    "parameters.mood": "long", "parameters.weight": "0.5", "parameters_of": "talkative",
}  # fmt: skip
OPTIMIZATION = {
    "strategy_name": "patient", "dataset": "ACME|SAMPLE|1h", "start": "2020-01-01", "end": "2020-01-20",
    "parameters_of": "patient", "optimize.length": "on", "min.length": "61", "max.length": "62", "step.length": "1",
    "parameters.bad": "0", "parameters.worse": "0", "parameters.gate": "0", "objective": "net_profit",
}  # fmt: skip
SCRIPT = {"HX-Request": "true"}


def record(recorder):
    """Record the part."""
    part = recorder.part("forms")
    _backtest(part, recorder)
    _optimization(part, recorder)
    _verbs(part, recorder)
    _words(part, recorder)
    _data(part, recorder)
    part.press("log out", "/logout/")
    part.open("runs when logged out", "/runs")


def _backtest(part, recorder):
    part.press("submit a backtest", "/backtests/new", **BACKTEST)
    recorder.idle()
    part.press("submit it again, asked first", "/backtests/new", **BACKTEST, ask="")
    part.press("submit a wrong one", "/backtests/new", **{**BACKTEST, "parameters.quick": "99", "initial_cash": "-1"})
    part.press("check one", "/backtests/new/check", headers=SCRIPT, **BACKTEST)
    part.press("check a wrong one", "/backtests/new/check", headers=SCRIPT, **{**BACKTEST, "start": "soon"})
    part.press("fields of one", "/backtests/new/fields", headers=SCRIPT, **BACKTEST)
    part.press("run again", f"/backtests/{recorder.ids['defaults']}/again")
    recorder.idle()


def _optimization(part, recorder):
    part.press("submit an optimization", "/optimizations/new", **OPTIMIZATION)
    recorder.idle()
    part.press("submit a wrong optimization", "/optimizations/new", **{**OPTIMIZATION, "max.length": "5"})
    part.press("check an optimization", "/optimizations/new/check", headers=SCRIPT, **OPTIMIZATION)
    part.press("fields of an optimization", "/optimizations/new/fields", headers=SCRIPT, **OPTIMIZATION)


def _verbs(part, recorder):
    for verb in ("cancel", "delete"):
        part.press(f"{verb} a backtest that is not there", f"/backtests/{NOWHERE}/{verb}")
    part.press("cancel what has ended", f"/backtests/{recorder.ids['cross']}/cancel")
    part.press("cancel what has ended by script", f"/backtests/{recorder.ids['cross']}/cancel", headers=SCRIPT)
    for verb in ("finish", "resume", "retry"):
        part.press(f"{verb} what cannot", f"/optimizations/{recorder.ids['chosen']}/{verb}")
        part.press(f"{verb} what cannot by script", f"/optimizations/{recorder.ids['chosen']}/{verb}", headers=SCRIPT)
    part.press("delete a backtest", f"/backtests/{recorder.ids['waiting too']}/delete")
    part.press("repeat a trial", f"/optimizations/{recorder.ids['chosen']}/trials/1/repeat")
    recorder.idle()
    part.press("delete many", "/runs/bulk", action="delete", r=f"b{recorder.numbers['spec sent back']}")
    part.press("do nothing with many", "/runs/bulk", action="dance", r="b1")


def _words(part, recorder):
    at = f"/runs/{recorder.ids['stumbling']}/note"
    part.press("write a note", at, title="It stumbles", notes="At bar 60.", tags="odd bar-60")
    part.press("write a note by script", at, headers=SCRIPT, title="It stumbles", notes="", tags="odd")
    part.press("write wrong tags", at, title="", notes="", tags="!")
    part.press("write wrong tags by script", at, headers=SCRIPT, title="x" * 200, notes="", tags="!")


def _data(part, recorder):
    part.press("check a download", "/data/download/check", headers=SCRIPT, exchange="bitstamp", asset="BTC/USD",
               timeframe="1h", start="2020-01-01", end="2020-01-02")  # fmt: skip
    part.press("submit a wrong download", "/data/download", exchange="bitstamp", asset="", timeframe="1h")
    part.press("resample", "/data/PEAR-FARM-1h/resample", timeframe="2h")
    part.press("resample to nothing", "/data/PEAR-FARM-1h/resample", timeframe="1m")
    part.press("delete the longer one", "/data/PEAR-FARM-2h/delete")
    part.press("delete one that runs used", "/data/ACME-SAMPLE-1h/delete")
    part.press("import without a file", "/data/import")
    part.press("discard a file", f"/data/imports/{recorder.ids['waiting file']}/discard")
