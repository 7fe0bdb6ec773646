"""A local server that answers as the exchange Bitstamp does, so that a download needs no network.

Its candles are a function of their time, so what a download brings can be compared with what there was.
"""

import json
import threading
import time
from collections import deque
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from algotrade.ports import Json

HOUR = 3_600
BEGIN = 1_577_836_800
"""2020-01-01T00:00:00Z, in seconds."""
N_BARS = 3_000
EXCHANGE = "bitstamp"
SECONDS_BETWEEN_LOOKS = 0.02
MARKETS = [
    {
        "name": "BTC/USD", "market_symbol": "btcusd", "base_currency": "BTC", "base_decimals": 8,
        "counter_currency": "USD", "counter_decimals": 2, "minimum_order_value": "10", "trading": "Enabled",
        "description": "Bitcoin / U.S. dollar", "market_type": "SPOT", "instant_order_counter_decimals": 2,
    },
    {
        "name": "ETH/USD", "market_symbol": "ethusd", "base_currency": "ETH", "base_decimals": 8,
        "counter_currency": "USD", "counter_decimals": 2, "minimum_order_value": "10", "trading": "Enabled",
        "description": "Ether / U.S. dollar", "market_type": "SPOT", "instant_order_counter_decimals": 2,
    },
]  # fmt: skip

BarRow = dict[str, str]
"""A bar as the exchange writes it."""
Trouble = Callable[["Handler", list[BarRow]], None]
"""Gets the handler and the bars that were to be sent, and sends what it likes."""


def bar(at: int) -> BarRow:
    """Return the bar that opens `at` seconds, as the exchange writes it."""
    base = 10_000 + (at // 60 * 7_919) % 4_001 / 100
    close = base + (at // 60 * 104_729) % 801 / 100 - 4
    return {
        "timestamp": str(at),
        "open": f"{base:.2f}",
        "high": f"{max(base, close) + 1.25:.2f}",
        "low": f"{min(base, close) - 0.75:.2f}",
        "close": f"{close:.2f}",
        "volume": f"{(at // 60 * 31) % 1_009 / 8:.8f}",
    }


class LocalExchange:
    """The server; use it in a `with`.

    Attributes:
        times: open time of each bar that it has, seconds.
        troubles: what happens to the next questions for bars; None sends the bars.
        asked: (start, limit) of each question for bars.
        lacks: times, in seconds, of bars that the exchange does not have.
        pause: seconds before each answer with bars.
        gate: set while answers with bars may go out.
        clock: what it says the time is, seconds; the machine's when None.
    """

    def __init__(self, *, n_bars: int = N_BARS) -> None:
        self.times = range(BEGIN, BEGIN + n_bars * HOUR, HOUR)
        self.troubles: deque[Trouble | None] = deque()
        self.asked: list[tuple[int, int]] = []
        self.lacks: set[int] = set()
        self.pause = 0.0
        self.clock: float | None = None
        self.gate = threading.Event()
        self.gate.set()
        self._server = _Server(("127.0.0.1", 0), Handler)
        self._server.exchange = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(SECONDS_BETWEEN_LOOKS,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def stand_in(self, environment: dict[str, str]) -> None:
        """Have a product with this environment ask here instead of the real exchange."""
        environment["ALGOTRADE_EXCHANGE_URLS"] = f"{EXCHANGE}={self.url}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.gate.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def bars(self, start: int, end: int, limit: int) -> list[BarRow]:
        """Return the bars of a question."""
        chosen = [at for at in self.times if start <= at <= end and at not in self.lacks]
        return [bar(at) for at in chosen[:limit]]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    exchange: LocalExchange


class Handler(BaseHTTPRequestHandler):
    """Answers one connection as the exchange does."""

    protocol_version = "HTTP/1.1"
    server: _Server

    @property
    def exchange(self) -> LocalExchange:
        return self.server.exchange

    def do_GET(self) -> None:
        """Answer a question, or have a trouble do it."""
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        try:
            if parts.path == "/api/v2/markets/":
                self.answer(MARKETS)
            elif parts.path in {f"/api/v2/ohlc/{market['market_symbol']}/" for market in MARKETS}:
                self._send_bars(query)
            else:
                self.answer({"status": "error", "reason": f"nothing at {parts.path}", "code": "404.1"}, status=404)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _send_bars(self, query: dict[str, str]) -> None:
        start, limit = int(query["start"]), int(query["limit"])
        self.exchange.asked.append((start, limit))
        time.sleep(self.exchange.pause)
        self.exchange.gate.wait()
        found = self.exchange.bars(start, int(query["end"]), limit)
        trouble = self.exchange.troubles.popleft() if self.exchange.troubles else None
        if trouble is None:
            self.answer_bars(found)
        else:
            trouble(self, found)

    def answer_bars(self, found: list[BarRow]) -> None:
        """Send bars."""
        self.answer({"data": {"pair": "BTC/USD", "ohlc": found}})

    def answer(self, body: Json | list[Any], status: int = 200, **headers: str) -> None:
        """Send JSON."""
        self.send(json.dumps(body).encode(), status, **headers)

    def send(self, data: bytes, status: int = 200, **headers: str) -> None:
        """Send bytes; in a header's name, `_` stands for `-`."""
        self.send_response(status)
        headers = {"Content-Type": "application/json", "Content-Length": str(len(data)), **headers}
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Return the time as the exchange's clock has it."""
        return super().date_time_string(self.exchange.clock if self.exchange.clock is not None else timestamp)

    def log_message(self, *_: Any) -> None:
        """Keep quiet."""


def fails(status: int, **headers: str) -> Trouble:
    """Return a trouble: an answer of another status."""
    return lambda handler, _found: handler.answer({"status": "error", "reason": "trouble"}, status, **headers)
