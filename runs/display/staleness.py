"""Staleness: what has changed since a run was submitted, its candles or its strategy.

A run pins the hashes of both; here they are compared with today's. No strategy is executed or imported for that: files
are read again only when they have changed, datasets are known by the version that their folder names.
"""

from algotrade.errors import MarketDataError
from runs import artifacts
from runs.models import Run, kind_of

CANDLES_CHANGED = "Candles changed"
CANDLES_GONE = "Candles gone"
STRATEGY_CHANGED = "Strategy changed"
STRATEGY_GONE = "Strategy gone"


def rerun_message(changes: list[str]) -> str:
    """Return what running again makes of `changes`; nothing where what is gone lets nothing run."""
    if not changes or {CANDLES_GONE, STRATEGY_GONE} & set(changes):
        return ""
    return f"Run again uses {'it as it is' if changes == [STRATEGY_CHANGED] else 'them as they are'} now."


class Staleness:
    """The hashes as they are now, each looked up once: for one page of runs, or one run."""

    def __init__(self) -> None:
        self._sources: dict[str, str] | None = None
        self._versions: dict[tuple[str, str, str], str | None] = {}

    def changes(self, run: Run) -> list[str]:
        """Return what has changed since `run` was submitted, in words for people; nothing where nothing has."""
        pinned = run.inputs.get("source_hash")
        if pinned is None:  # it runs no strategy
            return []
        return [*self._candles(run), *self._strategy(run.strategy_name, run.sources[-1] if run.sources else pinned)]

    def _candles(self, run: Run) -> list[str]:
        pins = kind_of(run).datasets(run)
        found = [(self._version(where), pinned["dataset_hash"]) for where, pinned in pins]
        if any(now is None for now, _ in found):
            return [CANDLES_GONE]
        return [CANDLES_CHANGED] if any(now != pinned for now, pinned in found) else []

    def _strategy(self, name: str, pinned: str) -> list[str]:
        if self._sources is None:
            self._sources = artifacts.catalog().hashes()
        now = self._sources.get(name)
        return [STRATEGY_GONE] if now is None else [] if now == pinned else [STRATEGY_CHANGED]

    def _version(self, where: tuple[str, str, str]) -> str | None:
        if where not in self._versions:
            try:
                self._versions[where] = artifacts.candle_store().get(*where).version
            except MarketDataError:
                self._versions[where] = None
        return self._versions[where]
