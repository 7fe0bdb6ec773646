"""A local server that answers as the exchange Bitstamp does, with every trouble that servers make on demand.

Its candles are a function of their time, so what a download brings can be compared with what there was.
"""

import json
import threading
import time
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

HOUR = 3_600
BEGIN = 1_577_836_800
"""2020-01-01T00:00:00Z, in seconds."""
N_BARS = 3_000
EXCHANGE = "bitstamp"
ASSET = "BTC-USD"
TITLE = "Bitstamp"
LIMIT = 1_000
"""Bars of one answer."""
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


def bar(at):
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


def row(at):
    """Return the same bar as [ms, open, high, low, close, volume]."""
    made = bar(at)
    return [at * 1e3, *(float(made[name]) for name in ("open", "high", "low", "close", "volume"))]


class FakeExchange:
    """The server; use it in a `with`.

    Attributes:
        troubles: what happens to the next questions for bars: a callable each, that gets the handler and the bars that
            were to be sent and sends what it likes; None sends the bars.
        asked: (start, limit) of each question for bars.
        lacks: times, in seconds, of bars that the exchange does not have.
        pause: seconds before each answer with bars.
        gate: set while answers with bars may go out.
    """

    def __init__(self, *, begin=BEGIN, step=HOUR, n_bars=N_BARS, clock=None):
        """Offer `n_bars` bars."""
        self.times = range(begin, begin + n_bars * step, step)
        self.step = step
        self.clock = clock
        self.troubles, self.asked, self.lacks = deque(), [], set()
        self.pause = 0.0
        self.gate = threading.Event()
        self.gate.set()
        self.market_troubles = deque()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.exchange = self
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self):
        """Return scheme, host and port."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self):
        """Serve."""
        self._thread.start()
        return self

    def __exit__(self, *_):
        """Stop serving."""
        self.gate.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def bars(self, start, end, limit):
        """Return the bars of a question."""
        chosen = [at for at in self.times if start <= at <= end and at not in self.lacks]
        return [bar(at) for at in chosen[:limit]]


class Handler(BaseHTTPRequestHandler):
    """Answers one connection as the exchange does."""

    protocol_version = "HTTP/1.1"

    @property
    def exchange(self):
        """Return what is offered."""
        return self.server.exchange

    def do_GET(self):
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        try:
            if parts.path == "/api/v2/markets/":
                trouble = self.exchange.market_troubles.popleft() if self.exchange.market_troubles else None
                trouble(self, MARKETS) if trouble else self.answer(MARKETS)
            elif parts.path == "/api/v2/ohlc/btcusd/":
                self.send_bars(query)
            else:
                self.answer({"status": "error", "reason": f"nothing at {parts.path}", "code": "404.1"}, status=404)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def send_bars(self, query):
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

    def answer_bars(self, found):
        self.answer({"data": {"pair": "BTC/USD", "ohlc": found}})

    def answer(self, body, status=200, **headers):
        self.send(json.dumps(body).encode(), status, **headers)

    def send(self, data, status=200, **headers):
        self.send_response(status)
        headers = {"Content-Type": "application/json", "Content-Length": str(len(data)), **headers}
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    def date_time_string(self, timestamp=None):
        return super().date_time_string(self.exchange.clock if self.exchange.clock is not None else timestamp)

    def log_message(self, *_):
        """Keep quiet."""


def fails(status, **headers):
    """Return a trouble: an answer of another status."""
    return lambda handler, _found: handler.answer({"status": "error", "reason": "trouble"}, status, **headers)


def malformed(handler, _found):
    """Send JSON that ends early."""
    handler.send(b'{"data": {"pair": "BTC/USD", "ohlc": [{"timest')


def disconnects(handler, _found):
    """Say that a body comes, and close the connection in the middle of it."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"data"')
    handler.close_connection = True


def empty(handler, _found):
    """Send no bars."""
    handler.answer_bars([])


def shuffled(handler, found):
    """Send the bars in another order, some of them twice."""
    handler.answer_bars([*found[::-2], *found[::2], *found[:5]])


def cut(handler, found):
    """Send a page with a hole in it: a part of it was lost."""
    handler.answer_bars(found[: len(found) // 3] + found[len(found) // 2 :])


def earlier(handler, _found):
    """Send the first page again, whatever was asked."""
    handler.answer_bars([bar(at) for at in range(BEGIN, BEGIN + 1_000 * HOUR, HOUR)])


def redirects(where):
    """Return a trouble: the way to another address."""
    return lambda handler, _found: handler.answer({}, 302, Location=where)


def broken_bar(handler, found):
    """Send a bar whose price is no number above 0."""
    handler.answer_bars([*found[:3], {**found[3], "low": "-1"}, *found[4:]])
