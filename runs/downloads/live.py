"""The live parts of a download's page, and its row in the list: which template, and what it shows."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from algotrade.market.vendors.spec import DownloadSpec
from runs import artifacts
from runs.display.figures import dataset_label, moment
from runs.display.parts import Header, Part, Progress, Row, Waiting
from runs.display.standing import Standing, Subject
from runs.display.traces import ErrorReport, error_report
from runs.models import Run, RunState


@dataclass(frozen=True, slots=True)
class MissingRange:
    """Bars that the exchange does not have: the first, the last, how many."""

    first: datetime
    last: datetime
    n_bars: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What a completed download brought.

    Attributes:
        exchange: what people call the exchange.
        n_fetched, n_added, n_changed, n_missing: bars.
        n_bars, first, last, version: of the dataset since.
        notes: sentences about the data.
        missing: the longest ranges of missing bars.
        dataset_key, dataset_value: the dataset in addresses and in the forms; empty when it was deleted since.
    """

    exchange: str
    n_fetched: int
    n_added: int
    n_changed: int
    n_missing: int
    n_bars: int
    first: datetime
    last: datetime
    version: str
    notes: list[str]
    missing: list[MissingRange]
    dataset_key: str
    dataset_value: str


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a download failed."""

    error: ErrorReport


def subject(run: Run) -> Subject:
    """Return what pages call the run."""
    spec = DownloadSpec.from_dict(run.spec)
    dataset, exchange = dataset_label(run), _exchange(run)
    return Subject(
        title=dataset,
        headline=f"{dataset} from {exchange}",
        row_title=f"Candles from {exchange}",
        dataset=dataset,
        start=moment(spec.start_ns),
        end=moment(spec.end_ns),
        completed=f"{run.processed:,} bars fetched.",
    )


def parts(standing: Standing) -> list[Part]:
    """Return the live parts of the run's page."""
    header = Header(facts="downloads/_header_facts.html", news="downloads/_header_news.html")
    return [Part("header", "runs/_header.html", standing, header), _outcome(standing)]


def row(standing: Standing) -> Part:
    """Return the run's row in the list."""
    return Part("row", "runs/_row.html", standing, Row(result="downloads/_row_result.html"))


def _outcome(standing: Standing) -> Part:
    """Return the part below the header: progress, what came of it, error."""
    run = standing.run
    by_state: dict[str, tuple[str, Any]] = {
        RunState.COMPLETED: ("downloads/_done.html", lambda: _fetched(run)),
        RunState.FAILED: ("downloads/_error.html", lambda: Failure(error_report(run))),
        RunState.CANCELLED: ("downloads/_cancelled.html", lambda: _progress(run)),
    }
    template, content = by_state.get(run.state, ("runs/_progress.html", lambda: _progress(run)))
    return Part("outcome", template, standing, content())


def _progress(run: Run) -> Progress:
    waiting = (run.live or {}).get("waiting") if run.state == RunState.RUNNING else None
    return Progress(
        facts="downloads/_facts.html",
        waiting=Waiting(waiting["reason"], waiting["seconds"]) if waiting else None,
    )


def _fetched(run: Run) -> Fetched:
    result = run.result or {}
    dataset = result["dataset"]
    stored = artifacts.candle_store().newest(run.asset, run.exchange, run.timeframe)  # None: it was deleted since
    return Fetched(
        exchange=_exchange(run),
        **{name: result[name] for name in ("n_fetched", "n_added", "n_changed", "n_missing", "notes")},
        n_bars=dataset["n_bars"],
        first=moment(dataset["first_ns"]),
        last=moment(dataset["last_ns"]),
        version=dataset["version"],
        missing=[
            MissingRange(moment(part["first_ns"]), moment(part["last_ns"]), part["n_bars"])
            for part in result.get("missing", [])
        ],
        dataset_key=stored.key if stored else "",
        dataset_value=f"{run.asset}|{run.exchange}|{run.timeframe}",
    )


def _exchange(run: Run) -> str:
    return str(run.inputs.get("title", run.exchange))
