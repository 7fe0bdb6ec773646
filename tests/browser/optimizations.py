"""Optimizations that browser tests start through the API."""

import itertools
from datetime import date, timedelta

ACME = {"asset": "ACME", "exchange": "SAMPLE", "timeframe": "1h"}
GRID = {"fast": {"min": 4, "max": 40, "step": 4}, "slow": {"min": 10, "max": 100, "step": 10}}
_days = itertools.count(1)


def fussy(gate=None, n_values=10):
    """Return an optimization of a square of combinations whose diagonal fails; its trials wait at the gate, if any.

    No two of them are the same, so that none reuses what another one found.
    """
    values = list(range(1, n_values + 1))
    axes = {"first": {"values": values}, "second": {"values": values}, "gate": {"fixed": gate.number if gate else 0}}
    weeks, weekday = divmod(next(_days), 5)
    end = date(2020, 2, 3) + timedelta(days=7 * weeks + weekday)
    return {"strategy_name": "fussy", "axes": axes, "end": f"{end}T23:59:59Z"}
