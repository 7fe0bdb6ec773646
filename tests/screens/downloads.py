"""Downloads in every state, from a local exchange."""

from functools import cached_property
from urllib.parse import quote

from tests.screens.desk import Desk
from tests.screens.exchange import BEGIN, EXCHANGE, HOUR, LocalExchange, fails

MARKET = {"exchange": EXCHANGE, "timeframe": "1h", "start": "2020-01-01"}
FOUR_MONTHS = "2020-05-03T23:00:00Z"
FIVE_YEARS = "2024-12-31T23:00:00Z"
N_HOURS = 43_848
"""Hours of five years, as many as the local exchange has: 44 answers."""
WATCHED_BARS = 9_000
QUICK_SECONDS, SLOW_SECONDS = 0.2, 6.0
"""Pause before an answer, until there is something to see and from then on; a server may be silent for ten seconds."""
DOWNLOADED = quote(f"BTC-USD|{EXCHANGE}|1h")
REFUSED = 403
TOO_MANY = 429


class Downloads:
    """Downloads of one product, by what a screen shows of them; each is the path of its page."""

    def __init__(self, desk: Desk, exchange: LocalExchange) -> None:
        self._desk, self._exchange = desk, exchange

    @cached_property
    def completed(self) -> str:
        """A download that has ended well; the exchange lacks some bars."""
        self._exchange.pause = 0.0
        self._exchange.lacks = {BEGIN + hour * HOUR for hour in (100, 101, 102, 2_000, 2_001, 2_499)}
        return self._desk.ended("downloads", asset="BTC/USD", end=FOUR_MONTHS, **MARKET)

    @cached_property
    def failed(self) -> str:
        """A download that the exchange refused to go on with."""
        self._exchange.pause = 0.0
        self._exchange.troubles.extend([None, None, fails(REFUSED)])
        return self._desk.ended("downloads", asset="ETH/USD", end=FOUR_MONTHS, **MARKET)

    @cached_property
    def cancelled(self) -> str:
        """A download that was cancelled on its way."""
        return self._desk.cancelled(self._watched("ETH/USD", "2023-12-31"))

    @property
    def waiting(self) -> str:
        """A download that waits because the exchange said that there were too many questions."""
        return self._desk.active("waiting download", self._refused_for_now)

    @property
    def running(self) -> str:
        """A download on its way."""
        return self._desk.active("download", lambda: self._watched("BTC/USD", FIVE_YEARS))

    @property
    def pending(self) -> str:
        """A download that waits behind another one."""
        _ = self.running
        return self._desk.active(
            "pending download", lambda: self._desk.submit("downloads", asset="ETH/USD", end=FIVE_YEARS, **MARKET)
        )

    def _refused_for_now(self) -> str:
        path = self._watched("ETH/USD", "2022-12-31")
        self._exchange.troubles.extend([fails(TOO_MANY, Retry_After="240")] * 2)
        self._desk.until(path, lambda body: body["waiting"] is not None)
        return path

    def _watched(self, asset: str, end: str) -> str:
        """Start a download that takes minutes, and return once it has some bars."""
        self._desk.clear()
        self._exchange.troubles.clear()
        self._exchange.pause = QUICK_SECONDS
        path = self._desk.submit("downloads", asset=asset, end=end, **MARKET)
        self._desk.until(path, lambda body: body["processed_bars"] > WATCHED_BARS)
        self._exchange.pause = SLOW_SECONDS
        return path
