"""The exchanges behind ccxt: which there are, what they have, their bars.

ccxt is an optional package. It is imported by the child that downloads, and by no other process.
"""

import importlib.util
import re
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from importlib import metadata
from typing import Any, NoReturn, TypeVar
from urllib.parse import urlsplit

import numpy as np

from algotrade.errors import MarketDataError
from algotrade.market.bars import timeframe_ns
from algotrade.market.instruments import DEFAULT_LOT_SIZE, Instrument
from algotrade.market.vendors.vendor import COLUMNS, Rows, TryAgain
from algotrade.ports import Json

Answer = TypeVar("Answer")

VENDOR = "ccxt"
NOT_INSTALLED = (
    "Downloads from exchanges need the package ccxt, which is not installed. `python3 manage.py download_candles "
    "--exchanges` installs it; in an environment of your own it is the extra `exchange` of pyproject.toml."
)
REQUEST_SECONDS = 10.0
"""How long a server may be silent."""
ANSWER_SECONDS = 40.0
"""How long one answer may take in all, its place in the queue of a slow exchange included."""
USUAL_PAGE_BARS = 500
MOST_PAGE_BARS = 5_000
MESSAGE_CHARACTERS = 300
MS_NS = 1_000_000
REFUSALS = frozenset((400, 401, 403, 404, 405, 410, 451))
"""Statuses that asking again does not change."""
PASSING = frozenset((408, 418, 425, 429))
"""Statuses that mean: later."""
TOO_OFTEN = frozenset((418, 429))
_FOREIGN = re.compile(r"[^A-Za-z0-9._-]+")


def library() -> str:
    """Return name and version of what fetches, such as ``ccxt 4.5.60``; empty when it is not installed."""
    importlib.invalidate_caches()  # it may have been installed while this process runs
    if importlib.util.find_spec(VENDOR) is None:
        return ""
    return f"{VENDOR} {metadata.version(VENDOR)}"


def known_exchanges() -> Json:
    """Return name and timeframes of every exchange that gives bars, by its id. Asks none of them.

    Raises:
        MarketDataError: ccxt is not installed.
    """
    ccxt = _ccxt()
    found = {}
    for name in ccxt.exchanges:
        exchange = getattr(ccxt, name)()
        timeframes = _timeframes(exchange)
        if exchange.has.get("fetchOHLCV") is True and timeframes:
            found[name] = {"title": exchange.name, "timeframes": list(timeframes)}
    return found


class Exchange:
    """One exchange, as a vendor."""

    def __init__(self, name: str, mirror: str = "") -> None:
        """Prepare to ask; asks nothing yet.

        Args:
            name: its id in ccxt.
            mirror: scheme, host and port that all requests go to instead.

        Raises:
            MarketDataError: ccxt is not installed, or does not know the exchange.
        """
        from algotrade.market.vendors.guard import GuardedSession

        self._ccxt = _ccxt()
        if name not in self._ccxt.exchanges:
            raise MarketDataError(f"ccxt has no exchange {name[:40]!r}.")
        plain = getattr(self._ccxt, name)()
        self._session = GuardedSession(hosts_of(plain), mirror)
        self._exchange = getattr(self._ccxt, name)(
            {
                "session": self._session,
                "enableRateLimit": True,
                "timeout": round(REQUEST_SECONDS * 1e3),
                "enableLastResponseHeaders": True,
                "enableLastJsonResponse": True,
            }
        )
        self.title = str(self._exchange.name)
        self.page_bars = _page_bars(self._exchange)
        self._markets: dict[str, str] = {}

    def timeframes(self) -> tuple[str, ...]:
        """Return the timeframes it has, shortest first."""
        return _timeframes(self._exchange)

    def instruments(self) -> Mapping[str, Instrument]:
        """Return spot and linear markets by the name that their datasets have: BTC/USD is BTC-USD."""
        markets = self._ask(self._exchange.load_markets)
        found = {}
        for symbol, market in markets.items():
            if market.get("option") or market.get("inverse"):
                continue
            asset = asset_name(symbol)
            try:
                found[asset] = _instrument(self._exchange, asset, market)
            except MarketDataError:
                continue  # its name or its steps are none that a dataset can have
            self._markets[asset] = symbol
        return found

    def fetch(self, asset: str, timeframe: str, since_ns: int, limit: int) -> Rows:
        """Return finished bars; see Vendor."""
        symbol = self._markets[asset]
        answer = self._ask(lambda: self._exchange.fetch_ohlcv(symbol, timeframe, since_ns // MS_NS, limit))
        rows = as_rows(answer, self.title)
        now = self._server_time()
        if now is not None:
            rows = rows[rows[:, 0] * MS_NS + timeframe_ns(timeframe) <= now]
        return rows

    def _ask(self, question: Callable[[], Answer]) -> Answer:
        """Ask, and say of whatever goes wrong whether asking again could help."""
        ccxt = self._ccxt
        self._exchange.last_response_headers = self._exchange.last_json_response = None
        try:
            with _deadline(ANSWER_SECONDS):
                answer = question()
        except MarketDataError:
            raise
        except ccxt.BaseError as error:
            # What ccxt calls an error differs from exchange to exchange; the status is everybody's.
            status = self._session.status
            may_pass = isinstance(error, ccxt.NetworkError | ccxt.BadResponse | ccxt.NullResponse)
            if status in PASSING or status >= 500 or (may_pass and status not in REFUSALS):
                how = f"answered with status {status}" if status >= 400 else "did not answer"
                what = "asks for fewer requests" if status in TOO_OFTEN else how
                raise TryAgain(f"{self.title} {what}: {_message_of(error)}", self._retry_after()) from error
            refused = f" with status {status}" if status >= 400 else ""
            raise MarketDataError(f"{self.title} refuses{refused}: {_message_of(error)}") from error
        except TimeoutError as error:
            raise TryAgain(f"{self.title} took longer than {ANSWER_SECONDS:.0f} s to answer.") from error
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            raise TryAgain(f"{self.title} sent an unexpected answer: {_message_of(error)}") from error
        if self._exchange.last_json_response is None:  # ccxt reads a torn answer as an empty one
            raise TryAgain(f"{self.title} sent an answer that is not JSON.")
        return answer

    def _header(self, name: str) -> str:
        headers = self._exchange.last_response_headers or {}
        return str(headers.get(name) or "")

    def _retry_after(self) -> float | None:
        text = self._header("Retry-After")
        return float(text) if text.isdecimal() else None

    def _server_time(self) -> int | None:
        """Return UTC ns by the exchange's own clock: this machine's may be ahead, and take a bar for finished."""
        try:
            return int(parsedate_to_datetime(self._header("Date")).timestamp()) * 1_000 * MS_NS
        except (TypeError, ValueError):
            return None


def typed_asset_name(text: str) -> str:
    """Return the name of the dataset of a market as people type it: btc/usd is BTC-USD."""
    return asset_name(text.upper() if text.islower() else text)


def asset_name(symbol: str) -> str:
    """Return the name of a market's dataset: BTC/USD is BTC-USD, BTC/USDT:USDT is BTC-USDT_USDT."""
    return _FOREIGN.sub("_", symbol.strip().replace("/", "-").replace(":", "_"))


def hosts_of(exchange: Any) -> frozenset[str]:
    """Return the hosts of the addresses that ccxt declares for an exchange."""
    found: set[str] = set()
    left: list[Any] = [exchange.urls.get("api")]
    while left:
        value = left.pop()
        if isinstance(value, dict):
            left.extend(value.values())
        elif isinstance(value, str):
            parts = urlsplit(exchange.implode_hostname(value))
            if parts.scheme == "https" and parts.hostname:
                found.add(parts.hostname)
    return frozenset(found)


def as_rows(answer: Any, title: str) -> Rows:
    """Return an answer as rows.

    Raises:
        TryAgain: a row has no time, a price is no number above 0, or a volume is none of at least 0.
    """
    try:
        given = [[float("nan") if value is None else float(value) for value in row] for row in answer]
        rows = np.array(given, np.float64).reshape(len(given), COLUMNS)
    except (TypeError, ValueError, OverflowError) as error:
        raise TryAgain(f"{title} sent invalid bars: {_message_of(error)}") from error
    rows[:, 5] = np.where(np.isnan(rows[:, 5]), 0.0, rows[:, 5])
    is_good = np.isfinite(rows).all(axis=1) & (rows[:, 1:5] > 0).all(axis=1) & (rows[:, 5] >= 0) & (rows[:, 0] > 0)
    if not is_good.all():
        faulty = rows[int(np.flatnonzero(~is_good)[0])].tolist()
        raise TryAgain(f"{title} sent an impossible bar: {faulty}.")
    return rows


def _ccxt() -> Any:
    try:
        return importlib.import_module(VENDOR)
    except ModuleNotFoundError as error:
        if error.name != VENDOR:
            raise
        raise MarketDataError(NOT_INSTALLED) from None


def _timeframes(exchange: Any) -> tuple[str, ...]:
    """Return the timeframes that datasets know, too: months and years are of no fixed length."""
    found = {}
    for name in exchange.timeframes or ():
        try:
            found[name] = timeframe_ns(name)
        except MarketDataError:
            continue
    return tuple(sorted(found, key=found.__getitem__))


def _page_bars(exchange: Any) -> int:
    """Return how many bars an exchange gives at once, as ccxt knows; a usual number where it does not."""
    kinds = [exchange.features.get("spot"), (exchange.features.get("swap") or {}).get("linear")]
    limits = [(kind or {}).get("fetchOHLCV") or {} for kind in kinds] if exchange.features else []
    known = [int(limit["limit"]) for limit in limits if limit.get("limit")]
    return max(2, min([*known, MOST_PAGE_BARS])) if known else USUAL_PAGE_BARS


def _instrument(exchange: Any, asset: str, market: Mapping[str, Any]) -> Instrument:
    """Return tick, lot and currency of a market; a tick of 1 where the exchange tells none.

    Raises:
        MarketDataError: a value is none that an instrument can have.
    """
    precision = market.get("precision") or {}
    return Instrument(
        asset=asset,
        exchange=exchange.id,
        tick_size=_step(exchange, precision.get("price")) or 1.0,
        lot_size=_step(exchange, precision.get("amount")) or DEFAULT_LOT_SIZE,
        currency=str(market.get("settle") or market.get("quote") or "USD"),
    )


def _step(exchange: Any, precision: Any) -> float | None:
    """Return a step from ccxt's precision, which is the step itself or a number of decimals, by exchange."""
    if precision is None:
        return None
    import ccxt

    if exchange.precisionMode == ccxt.TICK_SIZE:
        return float(precision)
    return float(f"1e-{int(precision)}") if exchange.precisionMode == ccxt.DECIMAL_PLACES else None


def _message_of(error: Exception) -> str:
    text = " ".join((str(error) or type(error).__name__).split())
    return text if len(text) <= MESSAGE_CHARACTERS else text[: MESSAGE_CHARACTERS - 1] + "…"


@contextmanager
def _deadline(seconds: float) -> Iterator[None]:
    """Interrupt what takes longer, byte by byte as it may come. In the main thread only, as a child's work is."""

    def expire(*_: object) -> NoReturn:
        raise TimeoutError(f"No complete answer within {seconds:.0f} s.")

    before = signal.signal(signal.SIGALRM, expire)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
