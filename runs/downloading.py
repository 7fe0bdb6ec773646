"""One claim of one download: have a child fetch, keep the row true, make the new version of the dataset appear.

The child alone talks to the network, so a socket that hangs is ended with it. What it fetched stays in the download's
folder whatever happens, until the download is completed: the next attempt goes on from there.
"""

import secrets
import time
from typing import ClassVar

import structlog
from django.conf import settings

from algotrade.child import Child
from algotrade.errors import AlgotradeError
from algotrade.market.store import DatasetChanged
from algotrade.market.vendors.merging import dataset_of
from algotrade.ports import Json
from runs import artifacts
from runs.children import children
from runs.execution import Claim, error_of
from runs.following import Keeper, follow, write_surely
from runs.models import Run
from runs.progress import Progress

log = structlog.get_logger(__name__)

AGAIN = "The dataset was changed meanwhile; what was fetched is joined with it once more."
FACTS = ("n_fetched", "n_added", "n_changed", "n_missing", "missing", "notes", "n_requests", "log")
DATASET_FACTS = ("asset", "exchange", "timeframe", "version", "n_bars", "first_ns", "last_ns")


FRESH = ""
"""In place of a strategy's hash: a child that has run nothing before."""


class _EndsIt(Keeper):
    """Keeps no child of a download: the library is large, and no strategy is to run where something was fetched."""

    def keep(self, child: Child) -> None:
        """End it."""
        child.close()


class Downloading(Claim):
    """One claim of one download, from the claim to its end."""

    who: ClassVar[str] = "The process that fetches"

    def carry_out(self) -> None:
        """Fetch to the end, or until the claim is lost."""
        began = time.monotonic()
        log.info("download started", exchange=self.run.exchange, asset=self.run.asset, total=self.run.total)
        outcome = self._outcome()
        log.info("download ended", outcome=outcome, seconds=round(time.monotonic() - began, 3))

    def stuck_words(self) -> str:
        """Return what is said when the child gives no sign of life."""
        return f"Nothing came within {settings.STALL_SECONDS:,.0f} s. What was fetched is kept; it can be resumed."

    def _outcome(self) -> str:
        folder = artifacts.download_folder(self.run)
        aside = folder / f"aside-{secrets.token_hex(4)}"
        try:
            child = children.take(FRESH)
        except (AlgotradeError, OSError) as error:
            return self.fail(error_of(error))
        job: Json = {
            "job": "download",
            "spec": self.run.spec,
            "store": str(artifacts.candles_folder()),
            "pages": str(folder / "pages"),
            "aside": str(aside),
            "mirror": settings.ALGOTRADE_EXCHANGE_URLS.get(self.run.exchange, ""),
        }
        progress = FetchProgress(self.run, self.owner)
        try:
            answer = follow(child, job, progress, _EndsIt(children, FRESH))
            if "failed" in answer:
                progress.flush()
            return self.conclude(answer, self._store)
        finally:
            artifacts.discard(aside)

    def _store(self, told: Json) -> str:
        """Complete the run and make the dataset's new version appear, both or neither."""
        dataset = dataset_of(told)
        facts = {name: getattr(dataset, name) for name in DATASET_FACTS}
        result = {"dataset": facts, **{name: told[name] for name in FACTS}}
        try:
            is_done = write_surely(
                self.run.mark_downloaded,
                self.owner,
                result,
                lambda: artifacts.candle_store().take_over(dataset, told["base"]),
            )
        except DatasetChanged:
            self.run.refresh_from_db()
            return "again" if write_surely(self.run.mark_pending, self.owner, crashed=False, notice=AGAIN) else "lost"
        except (AlgotradeError, OSError) as error:
            self.run.refresh_from_db()
            return self.fail(error_of(error))
        if not is_done:
            return "lost"
        artifacts.discard(artifacts.download_folder(self.run))
        return "completed"


class FetchProgress(Progress):
    """What is known of a download's progress: its total changes, and it may be waiting."""

    def __init__(self, run: Run, owner: str) -> None:
        """Follow `run`, held by `owner`."""
        super().__init__(run, owner)
        self._waiting: Json | None = None

    def take(self, message: Json) -> None:
        """Take in a child's message: a phase, how far it is, or what it waits for."""
        if message.get("waiting"):
            log.warning("exchange does not answer", **message["waiting"])
        self._waiting = message.get("waiting")
        super().take(message)

    def _write_news(self) -> bool:
        self._is_changed = False
        return self._run.write_fetched(
            self._owner,
            processed=self._processed,
            total=self._live.get("total", self._run.total),
            phase=self._phase,
            live={**self._live, "waiting": self._waiting},
        )
