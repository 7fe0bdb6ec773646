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
from runs.models import Run, RunState
from runs.worker.children import children
from runs.worker.claim import Claim, error_of
from runs.worker.conversation import ChildReuse, follow, write_surely
from runs.worker.progress import Progress

log = structlog.get_logger(__name__)

AGAIN = "The dataset changed in the meantime; the fetched bars are merged into it again."
FACTS = ("n_fetched", "n_added", "n_changed", "n_missing", "missing", "notes", "n_requests", "log")
DATASET_FACTS = ("asset", "exchange", "timeframe", "version", "n_bars", "first_ns", "last_ns")


FRESH = ""
"""In place of a strategy's hash: a child that has run nothing before."""


class _EndsIt(ChildReuse):
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

    def stall_message(self) -> str:
        """Return what is said when the child does not respond."""
        return f"No data came for {settings.STALL_SECONDS:,.0f} s. Fetched bars are kept; Resume continues."

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

    def _store(self, merged: Json) -> str:
        """Complete the run and make the dataset's new version appear, both or neither."""
        dataset = dataset_of(merged)
        facts = {name: getattr(dataset, name) for name in DATASET_FACTS}
        result = {"dataset": facts, **{name: merged[name] for name in FACTS}}
        try:
            is_done = write_surely(
                self.run.mark_completed,
                self.owner,
                result,
                publish=lambda: artifacts.candle_store().take_over(dataset, merged["base"]),
                phase="storing_candles",
                processed=merged["n_fetched"],
                total=merged["n_fetched"],
                live={"added": merged["n_added"]},  # a list shows it, and reads no results
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


def clear_leftovers(seconds: float) -> None:
    """Remove what nobody has written to for so long: pages of downloads that are gone, half-made datasets."""
    unfinished = Run.objects.filter(kind="download").exclude(state=RunState.COMPLETED)
    needed = {str(run_id): state for run_id, state in unfinished.values_list("id", "state")}
    for path in artifacts.downloads_folder().glob("*"):
        if path.name not in needed:
            artifacts.discard_if_old(path, seconds)
        elif needed[path.name] != RunState.RUNNING:  # the pages stay for a resume
            for aside in path.glob("aside-*"):
                artifacts.discard_if_old(aside, seconds)


class FetchProgress(Progress):
    """What is known of a download's progress: its total changes, and it may be waiting."""

    def __init__(self, run: Run, owner: str) -> None:
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
        return self._run.write_progress(
            self._owner,
            processed=self._processed,
            total=self._live.get("total", self._run.total),
            phase=self._phase,
            live={**self._live, "waiting": self._waiting},
        )
