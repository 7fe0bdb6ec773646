"""What there is to see: runs in every state on the sample candles, each made when the first screen asks for it."""

from collections.abc import Callable
from functools import cached_property
from typing import Any
from urllib.parse import quote

from algotrade.market.sample import install_samples
from algotrade.market.store import CandleStore
from algotrade.ports import Json
from runs.bench.product import Product, wait_for

HOURS = {"asset": "ACME", "exchange": "SAMPLE", "timeframe": "1h"}
DAYS = {"asset": "GLDX", "exchange": "SAMPLE", "timeframe": "1d"}
DATASET = quote("ACME|SAMPLE|1h")
RUN_SECONDS = 300.0
"""How long a run may take to get where it is wanted on a busy machine; the first ones wait for the compiler."""
SECONDS_BETWEEN_LOOKS = 0.2
PATIENT = '''"""A moving average that lets one watch."""

import time

from algotrade.strategies import Param, Strategy, sma


class PatientAverage(Strategy):
    """Bet that trends last: be long above a moving average. It gets slower with each bar, so that one can watch."""

    compiled = False
    length = Param(40, low=2, high=400, unit="bars", help="Length of the average")
    millis = Param(300, low=0, high=10_000, unit="ms", help="Wait at bar 9,000, and less before")

    def indicators(self, bars):
        return {"average": sma(bars.close, self.length)}

    @staticmethod
    def on_bar(bars, ind, params, broker):
        time.sleep(params.millis / 1e3 * (len(bars.close) / 9_000) ** 4)
        if bars.close[-1] > ind.average[-1] and broker.position == 0.0:
            broker.buy()
        elif bars.close[-1] < ind.average[-1] and broker.position > 0.0:
            broker.close()
'''
FRAGILE = '''"""A crossing of averages with a bug for equal ones."""

import time

from algotrade.strategies import Param, Strategy, sma


class FragileCross(Strategy):
    """Bet that trends last, unless two averages are far apart for the difference of their lengths."""

    compiled = False
    fast = Param(10, low=2, high=200, unit="bars", help="Length of the fast average")
    slow = Param(30, low=2, high=400, unit="bars", help="Length of the slow average")
    millis = Param(0, low=0, high=10_000, unit="ms", help="Wait at one bar")

    def indicators(self, bars):
        return {"fast": sma(bars.close, self.fast), "slow": sma(bars.close, self.slow)}

    @staticmethod
    def on_bar(bars, ind, params, broker):
        if len(bars.close) == 100:
            time.sleep(params.millis / 1e3)
        if params.fast - params.slow > 30:
            raise ValueError(f"The fast average is much slower than the slow one: {params.fast} and {params.slow}.")
        if broker.position == 0.0 and bars.close[-1] > ind.slow[-1]:
            broker.buy()
        elif broker.position > 0.0 and bars.close[-1] < ind.slow[-1]:
            broker.close()
        if len(bars.close) > 2_900:
            distance = (ind.fast[-1] - ind.slow[-1]) / (params.slow - params.fast)
            if distance < -1.0:
                broker.close()
'''
STRATEGIES = {"patient_average": PATIENT, "fragile_cross": FRAGILE}
FEW, MANY = ({"min": 10, "max": 60, "step": step} for step in (10, 5))
"""Lengths of the fragile strategy's averages: some pairs are equal, some too far apart."""
WATCHED_BARS = 3_500
"""Bars of the patient strategy that take some seconds, of 9,135 that take some minutes."""
TWO_YEARS = {"end": "2021-12-31"}


def furnish(product: Product) -> None:
    """Store candles and strategies in the home of a product that does not run yet."""
    install_samples(CandleStore(product.home / "candles"))
    folder = product.home / "strategies"
    folder.mkdir(parents=True, exist_ok=True)
    for name, source in STRATEGIES.items():
        (folder / f"{name}.py").write_text(source)


class Content:
    """Runs of one product, by what a screen shows of them; each is the path of its page.

    The product has one worker, so that a run which takes its time makes the others wait.
    """

    def __init__(self, product: Product) -> None:
        """Begin with no runs."""
        self._product = product

    @cached_property
    def completed(self) -> str:
        """A backtest that has ended well."""
        fields = {"parameters": {"side": "both"}, "commission": 0.0005}
        return self._ended("backtests", strategy_name="supertrend", **DAYS, **fields)

    @cached_property
    def failed(self) -> str:
        """A backtest whose strategy raised an error."""
        return self._ended("backtests", strategy_name="fragile_cross", parameters={"fast": 30})

    @cached_property
    def cancelled(self) -> str:
        """A backtest that was cancelled on its way."""
        return self._cancelled(self._watched(41))

    @cached_property
    def running(self) -> str:
        """A backtest on its way."""
        return self._watched(40)

    @cached_property
    def pending(self) -> str:
        """A backtest that waits behind another one."""
        self._make_busy()
        return self._submit("backtests", strategy_name="supertrend")

    @cached_property
    def search_completed(self) -> str:
        """An optimization that has ended well."""
        axes = {"entry": {"min": 10, "max": 120, "step": 10}, "leave": {"min": 5, "max": 60, "step": 5}}
        return self._ended("optimizations", strategy_name="donchian_breakout", axes=axes, commission=0.0005, **DAYS)

    @cached_property
    def search_with_failures(self) -> str:
        """An optimization of which some trials failed, in two ways."""
        axes = {"fast": FEW, "slow": FEW}
        return self._ended("optimizations", strategy_name="fragile_cross", axes=axes, **TWO_YEARS)

    @cached_property
    def search_failed(self) -> str:
        """An optimization of which every trial failed."""
        axes = {"fast": {"values": [20]}, "slow": {"values": [20]}, "millis": {"values": [0, 1, 2]}}
        return self._ended("optimizations", strategy_name="fragile_cross", axes=axes, **TWO_YEARS)

    @cached_property
    def search_cancelled(self) -> str:
        """An optimization that was cancelled on its way."""
        return self._cancelled(self._searched(501))

    @cached_property
    def search_running(self) -> str:
        """An optimization on its way; whatever else was active is not any more."""
        for kind in ("backtests", "optimizations"):
            for status in ("pending", "running"):
                for item in self._get(f"/api/{kind}/?status={status}")["items"]:
                    self._product.call("POST", f"/api/{kind}/{item['id']}/cancel")
        return self._searched(500)

    @cached_property
    def search_pending(self) -> str:
        """An optimization that waits behind a backtest."""
        self._make_busy()
        axes = {"length": {"min": 5, "max": 30, "step": 5}, "width": {"values": [2, 3, 4]}}
        return self._submit("optimizations", strategy_name="supertrend", axes=axes)

    @cached_property
    def everything(self) -> str:
        """The list with a run of each kind."""
        for name in (
            "completed", "search_completed", "failed", "search_with_failures", "cancelled", "running", "pending",
            "search_pending",
        ):  # fmt: skip
            getattr(self, name)
        return "/runs"

    @property
    def best_trial(self) -> str:
        """The best trial of the optimization that has ended well."""
        return f"{self.search_completed}/trials/{self._best_numbers()[0]}"

    @property
    def comparison(self) -> str:
        """The three best trials side by side."""
        run = self._get(f"/api{self.search_completed}/status")["number"]
        return "/compare?" + "&".join(f"r=o{run}.{number}" for number in self._best_numbers())

    @property
    def failed_trial(self) -> str:
        """A trial that failed."""
        groups = self._get(f"/api{self.search_with_failures}/failures")["items"]
        return f"{self.search_with_failures}/trials/{groups[0]['trial']}"

    def _best_numbers(self) -> list[int]:
        items = self._get(f"/api{self.search_completed}/trials?sort=-sharpe_ratio&limit=3")["items"]
        return [item["number"] for item in items]

    def _make_busy(self) -> None:
        """Give the one worker something that takes its time."""
        _ = self.running

    def _watched(self, length: int) -> str:
        """Start a backtest that takes minutes, and return once it has a curve to show."""
        path = self._submit("backtests", strategy_name="patient_average", parameters={"length": length})
        self._until(path, lambda body: body["processed_bars"] > WATCHED_BARS)
        return path

    def _searched(self, millis: int) -> str:
        """Start an optimization and return once it has a part of its trials."""
        axes = {"fast": MANY, "slow": MANY, "millis": {"fixed": millis}}
        path = self._submit("optimizations", strategy_name="fragile_cross", axes=axes, **TWO_YEARS)
        self._until(path, lambda body: body["completed_combinations"] >= 20)
        return path

    def _ended(self, kind: str, **fields: Any) -> str:
        path = self._submit(kind, **fields)
        self._until(path, lambda body: body["status"] in ("completed", "failed"))
        return path

    def _cancelled(self, path: str) -> str:
        self._product.call("POST", f"/api{path}/cancel")
        return path

    def _submit(self, kind: str, **fields: Any) -> str:
        status, answer = self._product.call("POST", f"/api/{kind}/", {**HOURS, **fields})
        if status != 202:
            raise RuntimeError(f"A run of the demo content was refused: {status} {answer}")
        return f"/{kind}/{answer['id']}"

    def _until(self, path: str, is_so: Callable[[Json], bool]) -> None:
        """Wait until it is so.

        Raises:
            RuntimeError: the run has ended before; it never will be.
        """

        def look() -> bool:
            body = self._get(f"/api{path}/status")
            if is_so(body):
                return True
            if body["status"] in ("completed", "failed", "cancelled"):
                raise RuntimeError(f"{path} is {body['status']} too soon: {body['error_message']}")
            return False

        wait_for(look, RUN_SECONDS, f"what a picture of {path} is to show", SECONDS_BETWEEN_LOOKS)

    def _get(self, path: str) -> Any:
        return self._product.call("GET", path)[1]
