"""What tests ask of downloads, of a product that runs beside a local exchange."""

from datetime import UTC, datetime

from algotrade.market.store import CandleStore
from tests.exchange import BEGIN, EXCHANGE, HOUR, N_BARS
from tests.stack import Product, wait_for

ENDED = ("completed", "failed", "cancelled")


def _iso(seconds):
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def asked(n_bars=N_BARS, first=0, **changes):
    """Return the body of a download of `n_bars` hours."""
    body = {"exchange": EXCHANGE, "asset": "BTC/USD", "timeframe": "1h"}
    return {**body, "start": _iso(BEGIN + first * HOUR), "end": _iso(BEGIN + (first + n_bars - 1) * HOUR), **changes}


def beside(server, home, **options):
    """Return a product, not started, whose exchange is the local one."""
    product = Product(home, **options)
    server.stand_in(product.environment)
    return product


class Downloads:
    """Submits and follows downloads of a product."""

    def __init__(self, product):
        self.product = product
        self.store = CandleStore(product.home / "candles")

    def submit(self, body):
        status, answer = self.product.call("POST", "/api/downloads/", body)
        assert status == 202, answer
        return answer["id"]

    def status(self, run_id):
        return self.product.call("GET", f"/api/downloads/{run_id}/status")[1]

    def verb(self, run_id, verb):
        return self.product.call("POST", f"/api/downloads/{run_id}/{verb}")

    def wait_until(self, run_id, is_so, seconds=60.0):
        def find():
            body = self.status(run_id)
            return body if is_so(body) else None

        return wait_for(find, seconds, f"what was awaited of {self.status(run_id)}")

    def begun(self, run_id, n_bars=1):
        return self.wait_until(run_id, lambda body: body["processed_bars"] >= n_bars)

    def finished(self, run_id):
        return self.wait_until(run_id, lambda body: body["status"] in ENDED)

    def worker(self, run_id):
        """Return the process id of the worker that executes a download."""
        number = self.status(run_id)["number"]
        return int(self.product.rows(f"SELECT owner FROM runs_run WHERE number = {number}")[0][0].split(":")[1])
