"""What tests ask of optimizations, and a strategy whose trials wait at a gate."""

from tests.integration.conftest import CANDLES
from tests.stack import wait_for

PATIENT = '''"""An interpreted strategy each trial of which waits at a gate."""

import ctypes

from algotrade.strategies import Param, Strategy
from tests.gated import turnstile


class Patient(Strategy):
    """Fails, or ends its process, where it is told to."""

    compiled = False
    length = Param(5, low=1, high=1_000)
    bad = Param(0, low=0, high=1_000, help="Every so many lengths fail")
    deadly = Param(0, low=0, high=1_000, help="This length ends the process")
    gate = Param(0, low=0, high=10_000)

    @staticmethod
    def on_bar(bars, ind, params, broker):
        if len(bars.close) == 2:
            turnstile(FOLDER, params.gate).pass_trial()
            if params.length == params.deadly:
                ctypes.string_at(0)
        if params.bad and params.length % params.bad == 0 and len(bars.close) == 50:
            share = {}[int(params.length)]
        if len(bars.close) % (params.length + 1) == 0:
            broker.buy()
        elif broker.position > 0.0 and len(bars.close) % (params.length + 1) == params.length // 2:
            broker.close()
'''


def asked(gate, n_trials=120, **fields):
    """Return the body of an optimization whose trials wait at a gate; none of another gate is reused in it."""
    fixed = {name: {"fixed": fields.pop(name)} for name in ("bad", "deadly") if name in fields}
    axes = {"length": {"min": 1, "max": n_trials, "step": 1}, "gate": {"fixed": gate.number}, **fixed}
    return {"strategy_name": "patient", **CANDLES, "end": "2020-02-15T00:00:00Z", "axes": axes, **fields}


class Optimizations:
    """What tests ask of optimizations."""

    def __init__(self, product):
        self.product = product
        product.write_strategy("patient", PATIENT)

    def submit(self, body):
        status, answer = self.product.call("POST", "/api/optimizations/", body)
        assert status == 202, answer
        return answer["id"]

    def status(self, run_id):
        return self.product.call("GET", f"/api/optimizations/{run_id}/status")[1]

    def verb(self, run_id, verb):
        return self.product.call("POST", f"/api/optimizations/{run_id}/{verb}")

    def wait_until(self, run_id, is_so, seconds=60.0):
        def find():
            body = self.status(run_id)
            return body if is_so(body) else None

        return wait_for(find, seconds, f"what was awaited of {self.status(run_id)}")

    def finished(self, run_id, seconds=90.0):
        return self.wait_until(run_id, lambda body: body["status"] not in ("pending", "running"), seconds)

    def begun(self, run_id, gate, n_trials=5):
        """Let trials pass, one by one, until so many are told; the others wait."""

        def find():
            body = self.status(run_id)
            if body["completed_combinations"] >= n_trials:
                return body
            gate.let_next_trial()
            return None

        return wait_for(find, 60, f"{n_trials} trials of {self.status(run_id)}")

    def gate(self, *, is_open=False):
        """Return a fresh gate."""
        gate = self.product.gates.new()
        if is_open:
            gate.open()
        return gate

    def table(self, run_id):
        """Return the trials without what depends on who evaluated them, and when."""
        path = f"/api/optimizations/{run_id}/trials?sort=number&limit=500"
        items = self.product.call("GET", path)[1]["items"]
        return [(i["number"], i["status"], i["parameters"], i["metrics"], i["error_message"]) for i in items]


def without_gate(table):
    """Return a table of trials without the gate where they waited: by it alone two optimizations may differ."""
    return [
        (number, status, {name: value for name, value in parameters.items() if name != "gate"}, *more)
        for number, status, parameters, *more in table
    ]
