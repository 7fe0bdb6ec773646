"""The local exchange, and every trouble that servers make."""

from tests.screens.exchange import BEGIN, EXCHANGE, HOUR, N_BARS, LocalExchange, bar, fails

__all__ = ["BEGIN", "EXCHANGE", "HOUR", "N_BARS", "LocalExchange", "fails"]

ASSET = "BTC-USD"


def row(at):
    """Return the bar that opens `at` seconds as [ms, open, high, low, close, volume]."""
    made = bar(at)
    return [at * 1e3, *(float(made[name]) for name in ("open", "high", "low", "close", "volume"))]


def holds(handler, found):
    """Send the bars when the test opens the gate."""
    handler.exchange.gate.clear()
    handler.exchange.gate.wait()
    handler.answer_bars(found)


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
