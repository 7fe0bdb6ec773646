"""The job that fetches candles from a vendor: the only one with a network. No strategy shares its process."""

import time
import traceback
from pathlib import Path

from algotrade.errors import MarketDataError, RunCancelled
from algotrade.ports import Json
from algotrade.runner.pipe import Pipe
from algotrade.runner.sources import MESSAGE_CHARACTERS, TRACE_CHARACTERS

SECONDS_BETWEEN_SIGNS = 5.0
"""How often a download that waits tells that it lives."""


def exchanges() -> Json:
    """Return title and timeframes of every exchange that could be asked."""
    from algotrade.market.vendors.exchanges import known_exchanges

    try:
        return {"done": known_exchanges()}
    except MarketDataError as error:
        return {"failed": _failure(error)}


def download(job: Json, pipe: Pipe) -> Json:
    """Fetch, check, join with what is there, and store aside; answer what came of it, or what went wrong."""
    try:
        return {"done": _run(job, _Teller(pipe))}
    except RunCancelled:
        return {"stopped": True}
    except BaseException as error:  # noqa: BLE001 - whatever a library raises is told
        return {"failed": _failure(error)}


def _run(job: Json, teller: "_Teller") -> Json:
    from algotrade.market.store import CandleStore
    from algotrade.market.vendors.download import Download
    from algotrade.market.vendors.exchanges import Exchange, library
    from algotrade.market.vendors.merging import merge
    from algotrade.market.vendors.pages import Pages
    from algotrade.market.vendors.spec import DownloadSpec

    spec = DownloadSpec.from_dict(job["spec"])
    teller.phase("loading_data")
    vendor = Exchange(spec.exchange, job["mirror"])
    fetched = Download(vendor, spec, Pages(Path(job["pages"])), teller).run()
    teller.phase("storing_candles")
    source = f"{vendor.title}, downloaded with {library()}"
    merged = merge(fetched, spec, CandleStore(Path(job["store"])), CandleStore(Path(job["aside"])), source)
    return {**merged.to_dict(), "n_requests": fetched.n_requests}


class _Teller:
    """Tells the parent how far the download is, and stops it when told to."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self._began: float | None = None

    def phase(self, name: str) -> None:
        """Send the phase at once."""
        self._pipe.send({"phase": name})
        self._stop_if_told()

    def advance(self, n_fetched: int, n_total: int, n_asked: int) -> None:
        """Send the progress, after each page: the next one may hang, and what is there would stay untold."""
        self._stop_if_told()
        rate = self._rate(time.monotonic(), n_asked)
        self._pipe.send({"processed": n_fetched, "live": {"total": n_total, "rate": rate}})

    def wait(self, reason: str, seconds: float) -> None:
        """Tell why, and let the time pass."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self._pipe.send({"waiting": {"reason": reason, "seconds": round(left, 1)}})
            if self._pipe.waits_for_stop(min(left, SECONDS_BETWEEN_SIGNS)):
                raise RunCancelled
        self._pipe.send({"waiting": None})

    def _rate(self, now: float, n_asked: int) -> float | None:
        """Return bars per second since the first question; what files had does not count."""
        if self._began is None:
            self._began = now
        seconds = now - self._began
        return round(n_asked / seconds, 1) if n_asked and seconds > 0 else None

    def _stop_if_told(self) -> None:
        if self._pipe.is_told_to_stop():
            raise RunCancelled


def _failure(error: BaseException) -> Json:
    """Return an error as rows keep it."""
    return {
        "type": type(error).__name__,
        "message": str(error)[:MESSAGE_CHARACTERS] or type(error).__name__,
        "trace": "".join(traceback.format_exception(error))[-TRACE_CHARACTERS:],
        "detail": {},
    }
