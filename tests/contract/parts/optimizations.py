"""Optimizations: evaluated, submitted, refused, with failing trials, cancelled, resumed, retried, finished early."""

from tests.contract.strategies import CANDLES, PATIENT, SHORT, open_gate

OPTIMIZATION = {
    "strategy_name": "patient", **SHORT, "commission": 0.001,
    "axes": {"length": {"values": [1, 2, 4, 5, 7, 10, 12]}, "bad": {"fixed": 5}, "worse": {"fixed": 7}},
    "rules": ["length != 4"],
}  # fmt: skip
CHOSEN = {
    "strategy_name": "talkative", **SHORT,
    "axes": {
        "quick": {"values": [3, 5, 8]}, "calm": {"min": 5, "max": 20, "step": 5},
        "mood": {"values": ["long", "both"]}, "is_loud": {"fixed": False},
    },
    "objective": "net_profit", "direction": "minimize", "method": "random", "max_trials": 4, "seed": 7,
    "filters": {"min_trades": 3, "max_max_drawdown": 0.5},
}  # fmt: skip
DOOMED = {"strategy_name": "patient", **SHORT, "axes": {"length": {"values": [4, 6]}, "bad": {"fixed": 2}}}
HALTED = {
    "strategy_name": "patient",
    **SHORT,
    "axes": {"length": {"min": 21, "max": 22, "step": 1}, "gate": {"fixed": 2}},
}
HURRIED = {
    "strategy_name": "patient",
    **SHORT,
    "axes": {"length": {"min": 31, "max": 900, "step": 1}, "gate": {"fixed": 3}},
}
"""More trials than a worker takes at once."""
SEVERAL_DATASETS = {
    "strategy_name": "patient", "exchange": "SAMPLE", "start": "2020-01-01", "end": "2020-02-01", "timeframe": "1h",
    "asset": "ACME", "axes": {"asset": {"values": ["ACME"]}, "length": {"values": [3, 9]}},
}  # fmt: skip
PROGRESS = (
    "completed_combinations", "failed_combinations", "reused_combinations", "best", "queue_position", "phase",
    "is_partial", "notice",
)  # fmt: skip
"""Of an optimization that runs, or was stopped on its way."""

TAKEN = {
    "no axes": {"axes": {}},
    "axis of values twice": {"axes": {"length": {"values": [1, 1, 2]}}},
    "rule that is a text": {"rules": "length < 3"},
}
REFUSED = {
    "unknown axis": {"axes": {"speed": {"values": [1]}}},
    "axis of nothing": {"axes": {"length": {}}},
    "axis of another kind": {"axes": {"length": 5}},
    "axis out of bounds": {"axes": {"length": {"min": 0, "max": 5, "step": 1}}},
    "axis backwards": {"axes": {"length": {"min": 5, "max": 1, "step": 1}}},
    "axis with a step of zero": {"axes": {"length": {"min": 1, "max": 5, "step": 0}}},
    "axis of several ways": {"axes": {"length": {"min": 1, "max": 5, "values": [1]}}},
    "axes of too many combinations": {"axes": {n: {"min": 1, "max": 1_000} for n in ("length", "bad", "worse")}},
    "rule that leaves nothing": {"rules": ["length > 100"]},
    "rule that is none": {"rules": ["length <"]},
    "rule of unknown names": {"rules": ["speed < 3"]},
    "rule of another kind": {"rules": 3},
    "unknown objective": {"objective": "luck"},
    "unknown direction": {"direction": "sideways"},
    "unknown method": {"method": "clever"},
    "no trials": {"max_trials": 0},
    "seed of another kind": {"seed": "x"},
    "unknown filter": {"filters": {"min_luck": 1}},
    "filter of another kind": {"filters": {"min_trades": "many"}},
    "unknown field": {"colour": "red"},
    "unknown strategy": {"strategy_name": "no_such"},
    "unknown asset": {"asset": "NOPE"},
    "cash below zero": {"initial_cash": -1},
    "start after end": {"start": "2022-01-01", "end": "2021-01-01"},
}
TRIALS = (
    "", "?limit=1&offset=2", "?offset=999", "?sort=number&limit=1", "?sort=-number&limit=1",
    "?sort=-sharpe_ratio&limit=1", "?sort=length&limit=1&offset=1", "?sort=-objective&limit=1",
    "?sort=status&limit=1&offset=5", "?sort=duration_ms&limit=0", "?sort=luck", "?q=trades+%3E+5&limit=1",
    "?q=length+%3C+4+and+trades+%3E+5",
    "?q=status+%3D%3D+%22failed%22", "?q=trades+%3E", "?q=luck+%3E+1", "?q=number+%3D%3D+2", "?limit=501", "?offset=-1",
    "?colour=red", f"?q={'x' * 1_001}", f"?sort={'x' * 101}",
)  # fmt: skip
FILTERS = ("?limit=3&offset=1", "?offset=500", "?strategy_name=talkative&limit=1", "?status=completed&limit=1&offset=1",
           "?status=failed", "?status=lost", "?tag=wide", "?q=wide",
           "?from=2000-01-01&to=2000-01-01", "?asset=NOPE", "?limit=0", "?colour=red")  # fmt: skip


def record(recorder):
    """Record the part, and leave optimizations of every state."""
    part = recorder.part("optimizations")
    _completed(part, recorder)
    _chosen(part, recorder)
    _doomed(part, recorder)
    _stopped(part, recorder)
    _refused(part)
    _trials(recorder)
    _listed(recorder)
    _finished_early(part, recorder)  # last: lists would show how far it came


def _at(recorder, name):
    return f"/api/optimizations/{recorder.ids[name]}"


def _completed(part, recorder):
    """Record an optimization two of whose lengths fail alike and one in another way, then its repair."""
    evaluation = {"volatile": ("estimated_memory_bytes",)}
    part.ask("evaluate wide", "POST", "/api/optimizations/evaluate", OPTIMIZATION, **evaluation)
    part.submit("optimization", "wide", OPTIMIZATION)
    part.finished("optimization", "wide")
    part.ask("read wide", "GET", _at(recorder, "wide"))
    part.ask("failures of wide", "GET", f"{_at(recorder, 'wide')}/failures")
    part.ask("evaluate wide when it is known", "POST", "/api/optimizations/evaluate", OPTIMIZATION, **evaluation)
    part.ask("write about wide", "PATCH", _at(recorder, "wide"), {"title": "A wide look", "tags": ["wide"]})
    part.ask("write about another's", "PATCH", _at(recorder, "wide"), {"title": "Mine"}, caller="guest")
    for verb in ("cancel", "finish", "resume"):
        part.ask(f"{verb} wide, which has completed", "POST", f"{_at(recorder, 'wide')}/{verb}")
        part.ask(f"{verb} another's", "POST", f"{_at(recorder, 'wide')}/{verb}", caller="guest")


def _chosen(part, recorder):
    """Record one with a choice of everything, and one that takes what it has of an earlier one."""
    part.ask("evaluate chosen", "POST", "/api/optimizations/evaluate", CHOSEN, volatile=("estimated_memory_bytes",))
    part.submit("optimization", "chosen", CHOSEN)
    part.finished("optimization", "chosen")
    part.ask("read chosen", "GET", _at(recorder, "chosen"))
    part.submit("optimization", "chosen again", CHOSEN)
    part.finished("optimization", "chosen again")
    part.ask("delete chosen again", "DELETE", _at(recorder, "chosen again"))
    part.ask("read what is deleted", "GET", _at(recorder, "chosen again"))
    part.submit("optimization", "several datasets", SEVERAL_DATASETS)
    part.finished("optimization", "several datasets")


def _doomed(part, recorder):
    """Record one all of whose trials fail, and that are tried again with the strategy as it was, then mended."""
    part.submit("optimization", "doomed", DOOMED)
    part.finished("optimization", "doomed")
    part.submit("optimization", "hopeless", {**DOOMED, "initial_cash": 5_000})
    part.finished("optimization", "hopeless")
    part.ask("read doomed", "GET", _at(recorder, "doomed"))
    part.ask("resume doomed", "POST", f"{_at(recorder, 'doomed')}/resume", volatile=PROGRESS)
    recorder.finished("optimization", "doomed")
    source = PATIENT.replace("FOLDER", str(recorder.product.home / "gates"))
    recorder.product.write_strategy("patient", source.replace("{}[int(params.length)]", "1.0"))
    part.ask("retry doomed", "POST", f"{_at(recorder, 'doomed')}/retry-failed", volatile=PROGRESS)
    part.finished("optimization", "doomed", "when mended")
    part.ask("read doomed when mended", "GET", _at(recorder, "doomed"))
    part.ask("retry doomed when mended", "POST", f"{_at(recorder, 'doomed')}/retry-failed")
    recorder.product.write_strategy("patient", source)


def _stopped(part, recorder):
    """Record one that is cancelled at its first trial, resumed, and completes."""
    part.submit("optimization", "halted", HALTED)
    recorder.waiting_at(2, "optimization", "halted", "running_trials")
    at = _at(recorder, "halted")
    part.ask("submit what runs already", "POST", "/api/optimizations/", HALTED)
    part.ask("status of halted before its end", "GET", f"{at}/status", volatile=PROGRESS)
    part.ask("delete halted before its end", "DELETE", at)
    part.ask("resume halted before its end", "POST", f"{at}/resume")
    part.ask("retry halted before its end", "POST", f"{at}/retry-failed")
    part.ask("trials of halted before its end", "GET", f"{at}/trials")
    part.submit("optimization", "given up", {**HALTED, "seed": 2})
    part.ask("cancel given up", "POST", f"{_at(recorder, 'given up')}/cancel")
    part.ask("read given up", "GET", _at(recorder, "given up"))
    part.ask("cancel halted", "POST", f"{at}/cancel")
    part.ask("cancel halted twice", "POST", f"{at}/cancel")
    part.ask("finish halted when cancelled", "POST", f"{at}/finish")
    part.ask("retry halted when cancelled", "POST", f"{at}/retry-failed")
    part.ask("read halted when cancelled", "GET", at, volatile=PROGRESS)
    open_gate(recorder.product, 2)
    part.ask("resume halted", "POST", f"{at}/resume", volatile=PROGRESS)
    part.finished("optimization", "halted")


def _finished_early(part, recorder):
    """Record one that is told to finish while its first trial waits; the trial is given up, and there is no other."""
    part.submit("optimization", "hurried", HURRIED)
    recorder.waiting_at(3, "optimization", "hurried", "running_trials")
    at = _at(recorder, "hurried")
    part.ask("finish hurried", "POST", f"{at}/finish", volatile=PROGRESS)
    part.ask("finish hurried twice", "POST", f"{at}/finish", volatile=PROGRESS)
    part.finished("optimization", "hurried")
    part.ask("read hurried", "GET", at)


def _refused(part):
    for name, change in REFUSED.items():
        part.ask(f"submit {name}", "POST", "/api/optimizations/", {**OPTIMIZATION, **change})
    for name, change in TAKEN.items():
        part.ask(f"evaluate {name}", "POST", "/api/optimizations/evaluate", {**OPTIMIZATION, **change})
    for name in ("unknown axis", "rule that is none"):
        part.ask(f"evaluate {name}", "POST", "/api/optimizations/evaluate", {**OPTIMIZATION, **REFUSED[name]})
    part.ask("evaluate nothing", "POST", "/api/optimizations/evaluate", {})
    axes = {"fast": {"min": 2, "max": 50, "step": 3}, "slow": {"values": [20, 50, 100]}, "side": {"fixed": "both"}}
    body = {"strategy_name": "sma_cross", **CANDLES, "axes": axes, "rules": ["slow - fast >= 5"]}
    part.ask("evaluate one of a strategy with a rule", "POST", "/api/optimizations/evaluate", body,
             volatile=("estimated_memory_bytes",))  # fmt: skip


def _trials(recorder):
    part = recorder.part("trials")
    at = _at(recorder, "wide")
    for query in TRIALS:
        part.ask(f"trials {query or 'all'}", "GET", f"{at}/trials{query}")
    for number in ("1", "3", "4", "0", "7", "999", "99999999999999999999", "-1", "one"):
        part.ask(f"trial {number}", "GET", f"{at}/trials/{number}")
    part.ask("trials of chosen", "GET", f"{_at(recorder, 'chosen')}/trials?limit=3")
    part.ask("failures of chosen", "GET", f"{_at(recorder, 'chosen')}/failures")


def _listed(recorder):
    part = recorder.part("lists of optimizations")
    for query in FILTERS:
        part.ask(f"list {query}", "GET", f"/api/optimizations/{query}")
