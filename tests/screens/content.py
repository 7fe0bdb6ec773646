"""Content of the pictures: runs in every state, each made when the first screen asks for it."""

from functools import cached_property, partial
from typing import Any
from urllib.parse import quote

from algotrade.market.sample import install_samples
from algotrade.market.store import CandleStore, Dataset
from tests.bench.product import Product
from tests.screens.desk import Desk
from tests.screens.downloads import Downloads
from tests.screens.exchange import LocalExchange
from tests.screens.imports import NAMES, Imports

HOURS = {"asset": "ACME", "exchange": "SAMPLE", "timeframe": "1h"}
DAYS = {"asset": "GLDX", "exchange": "SAMPLE", "timeframe": "1d"}
DATASET = quote("ACME|SAMPLE|1h")
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
        if len(bars.close) % 1_000 == 0:
            print(f"Bar {len(bars.close):,}: {ind.fast[-1]:,.2f} and {ind.slow[-1]:,.2f}")
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
WORDS = {
    "title": "Supertrend on gold, both sides",
    "tags": ["gold", "daily"],
    "notes": "The baseline for everything that follows. Costs as the broker charges them since 2024.",
}


def furnish(product: Product) -> None:
    """Store strategies in the home of a product that does not run yet."""
    folder = product.home / "strategies"
    folder.mkdir(parents=True, exist_ok=True)
    for name, source in STRATEGIES.items():
        (folder / f"{name}.py").write_text(source)


class Content:
    """Runs of one product, by what a screen shows of them; each is the path of its page.

    The product has one worker, so that a run which takes its time makes the others wait.

    Attributes:
        downloads, imports: what else there is to see.
    """

    def __init__(self, product: Product, exchange: LocalExchange) -> None:
        self._product = product
        self._desk = Desk(product)
        self.downloads = Downloads(self._desk, exchange)
        self.imports = Imports(self._desk)

    @cached_property
    def candles(self) -> list[Dataset]:
        """The sample candles, stored when they are first asked for."""
        return install_samples(CandleStore(self._product.home / "candles"))

    @cached_property
    def completed(self) -> str:
        """A backtest that has ended well."""
        fields = {"parameters": {"side": "both"}, "commission": 0.0005}
        path = self._ended("backtests", strategy_name="supertrend", **DAYS, **fields)
        return self._desk.describe(path, **WORDS)

    @cached_property
    def tradeless(self) -> str:
        """A backtest that ended well and found nothing to do."""
        return self._ended("backtests", strategy_name="connors_rsi2", start="2024-12-20")

    @cached_property
    def outdated(self) -> str:
        """A backtest whose candles have changed since."""
        _ = self.imports.stored
        path = self._ended("backtests", strategy_name="keltner_channel", **NAMES)
        _ = self.imports.replaced
        return path

    @cached_property
    def failed(self) -> str:
        """A backtest whose strategy raised an error."""
        return self._ended("backtests", strategy_name="fragile_cross", parameters={"fast": 30})

    @cached_property
    def cancelled(self) -> str:
        """A backtest that was cancelled on its way."""
        return self._desk.cancelled(self._watched(41))

    @property
    def running(self) -> str:
        """A backtest on its way."""
        return self._desk.active("backtest", lambda: self._watched(40))

    @property
    def pending(self) -> str:
        """A backtest that waits behind another one."""
        _ = self.running
        return self._desk.active("pending", lambda: self._submit("backtests", strategy_name="supertrend"))

    @cached_property
    def optimization_completed(self) -> str:
        """An optimization that has ended well."""
        axes = {"entry": {"min": 10, "max": 120, "step": 10}, "leave": {"min": 5, "max": 60, "step": 5}}
        return self._ended("optimizations", strategy_name="donchian_breakout", axes=axes, commission=0.0005, **DAYS)

    @cached_property
    def optimization_with_failures(self) -> str:
        """An optimization of which some trials failed, in two ways."""
        axes = {"fast": FEW, "slow": FEW}
        return self._ended("optimizations", strategy_name="fragile_cross", axes=axes, **TWO_YEARS)

    @cached_property
    def optimization_failed(self) -> str:
        """An optimization of which every trial failed."""
        axes = {"fast": {"values": [20]}, "slow": {"values": [20]}, "millis": {"values": [0, 1, 2]}}
        return self._ended("optimizations", strategy_name="fragile_cross", axes=axes, **TWO_YEARS)

    @cached_property
    def optimization_cancelled(self) -> str:
        """An optimization that was cancelled on its way."""
        return self._desk.cancelled(self._optimized(101))

    @cached_property
    def optimization_partial(self) -> str:
        """An optimization that was finished before its last trial."""
        path = self._optimized(102)
        self._desk.post(f"/api{path}/finish", None)
        self._desk.until(path, lambda body: body["status"] == "completed")
        return path

    @property
    def optimization_running(self) -> str:
        """An optimization on its way; whatever else was active is not any more."""
        return self._desk.active("optimization", lambda: self._optimized(500))

    @property
    def optimization_pending(self) -> str:
        """An optimization that waits behind a backtest."""
        _ = self.running
        axes = {"length": {"min": 5, "max": 30, "step": 5}, "width": {"values": [2, 3, 4]}}
        submit = partial(self._submit, "optimizations", strategy_name="supertrend", axes=axes)
        return self._desk.active("pending optimization", submit)

    @property
    def everything(self) -> str:
        """The list with a run of each kind."""
        _ = self.downloads.completed, self.downloads.failed
        for name in (
            "completed", "optimization_completed", "failed", "optimization_with_failures", "outdated", "cancelled",
            "running", "pending", "optimization_pending",
        ):  # fmt: skip
            getattr(self, name)
        return "/runs"

    @property
    def used_dataset(self) -> str:
        """A dataset that a run used."""
        _ = self.completed
        return "/data/{asset}-{exchange}-{timeframe}".format(**DAYS)

    @property
    def deletion(self) -> str:
        """The question whether to delete some runs, of which one is active."""
        handles = map(self._handle, (self.completed, self.failed, self.running))
        return "/runs/bulk?action=delete&" + "&".join(f"r={handle}" for handle in handles)

    @property
    def best_trial(self) -> str:
        """The best trial of the optimization that has ended well."""
        return f"{self.optimization_completed}/trials/{self._best_numbers()[0]}"

    @property
    def comparison(self) -> str:
        """The three best trials side by side."""
        run = self._handle(self.optimization_completed)
        return "/compare?" + "&".join(f"r={run}.{number}" for number in self._best_numbers())

    @property
    def backtest_comparison(self) -> str:
        """Two backtests and a trial side by side, the rows that differ."""
        handles = [self._handle(self.completed), self._handle(self.outdated)]
        trial = f"{self._handle(self.optimization_completed)}.{self._best_numbers()[0]}"
        return "/compare?differences=1&" + "&".join(f"r={one}" for one in (*handles, trial))

    @property
    def failed_trial(self) -> str:
        """A trial that failed."""
        groups = self._desk.get(f"/api{self.optimization_with_failures}/failures")["items"]
        return f"{self.optimization_with_failures}/trials/{groups[0]['trial']}"

    def _handle(self, path: str) -> str:
        """Return what people type for a run: b1207, o482."""
        return f"{path[1]}{self._desk.get(f'/api{path}/status')['number']}"

    def _best_numbers(self) -> list[int]:
        items = self._desk.get(f"/api{self.optimization_completed}/trials?sort=-sharpe_ratio&limit=3")["items"]
        return [item["number"] for item in items]

    def _watched(self, length: int) -> str:
        """Start a backtest that takes minutes, and return once it has a curve to show."""
        self._desk.clear()
        path = self._submit("backtests", strategy_name="patient_average", parameters={"length": length})
        self._desk.until(path, lambda body: body["processed_bars"] > WATCHED_BARS)
        return path

    def _optimized(self, millis: int) -> str:
        """Start an optimization and return once it has a part of its trials."""
        self._desk.clear()
        axes = {"fast": MANY, "slow": MANY, "millis": {"fixed": millis}}
        path = self._submit("optimizations", strategy_name="fragile_cross", axes=axes, **TWO_YEARS)
        self._desk.until(path, lambda body: body["completed_combinations"] >= 20)
        return path

    def _ended(self, kind: str, **fields: Any) -> str:
        return self._desk.ended(kind, **{**HOURS, **fields})

    def _submit(self, kind: str, **fields: Any) -> str:
        return self._desk.submit(kind, **{**HOURS, **fields})
