"""The live parts of a download's page, and its row in the list: which template, and what it says."""

from typing import Any

from algotrade.market.vendors.spec import DownloadSpec
from runs import artifacts
from runs.figures import moment
from runs.models import Run, RunState
from runs.phases import DOWNLOAD_WORDS, Partial, estimate_of, percent_done, steps_of, tab_title
from runs.traces import error_report

OUTCOMES = {
    RunState.PENDING: "runs/_download_progress.html",
    RunState.RUNNING: "runs/_download_progress.html",
    RunState.COMPLETED: "runs/_download_done.html",
    RunState.FAILED: "runs/_download_error.html",
    RunState.CANCELLED: "runs/_download_cancelled.html",
}


def partials(run: Run) -> list[Partial]:
    """Return template and context of each live part of the run's page."""
    common = common_context(run)
    return [
        ("runs/_download_header.html", {**common, **_header(run, common["label"])}),
        (OUTCOMES[RunState(run.state)], {**common, **_progress(run), **_outcome(run)}),
    ]


def row_partial(run: Run) -> Partial:
    """Return template and context of the run's row in the list."""
    return "runs/_download_row.html", {**common_context(run), **_progress(run)}


def common_context(run: Run) -> dict[str, Any]:
    """Return what every part may name."""
    spec = DownloadSpec.from_dict(run.spec)
    return {
        "run": run,
        "label": f"{run.asset} {run.timeframe}",
        "exchange_title": run.inputs.get("title", run.exchange),
        "start": moment(spec.start_ns),
        "end": moment(spec.end_ns),
        "cancel_text": cancel_text(run),
    }


def cancel_text(run: Run) -> str:
    """Return what a cancel would keep and what it would leave undone."""
    return f"{run.processed:,} bars that were fetched are kept for a resume. The dataset stays as it is."


def verbs_of(run: Run) -> list[str]:
    """Return what may be done with the run in its state, whoever asks."""
    may = {
        "cancel": run.is_active,
        "resume": run.state in (RunState.CANCELLED, RunState.FAILED),
        "delete": run.is_terminal,
    }
    return [verb for verb, is_possible in may.items() if is_possible]


def missing_ranges(run: Run) -> list[dict[str, Any]]:
    """Return the ranges of bars that the exchange does not have."""
    return [
        {"first": moment(part["first_ns"]), "last": moment(part["last_ns"]), "n_bars": part["n_bars"]}
        for part in (run.result or {}).get("missing", [])
    ]


def _header(run: Run, label: str) -> dict[str, Any]:
    """Return the tab's title, the sentence for screen readers, and what may be done now."""
    percent = percent_done(run)
    progress = f"{percent:.1f}%, {run.processed:,} of {run.total:,} bars."
    words = {
        RunState.PENDING: f"{run} is queued.",
        RunState.RUNNING: progress,
        RunState.COMPLETED: f"{run} completed. {run.processed:,} bars fetched.",
        RunState.FAILED: f"{run} failed. {run.error_type}: {run.error_message}",
        RunState.CANCELLED: f"{run} was cancelled at {progress}",
    }
    return {
        "percent": percent,
        "tab_title": tab_title(run, label),
        "announce": words[RunState(run.state)],
        "verbs": " ".join(verbs_of(run)),
    }


def _progress(run: Run) -> dict[str, Any]:
    return {
        "percent": percent_done(run),
        "steps": steps_of(run),
        "ahead": run.queue_position() if run.state == RunState.PENDING else None,
        "phase_label": DOWNLOAD_WORDS.get(run.phase, run.phase),
        "rate": run.rate,
        "eta_seconds": estimate_of(run),
        "waiting": (run.live or {}).get("waiting") if run.state == RunState.RUNNING else None,
        "wall_seconds": run.elapsed_seconds,
    }


def _outcome(run: Run) -> dict[str, Any]:
    """Return what stands below the header of a run that has ended."""
    if run.state == RunState.FAILED:
        return {"error": error_report(run)}
    if run.state != RunState.COMPLETED:
        return {}
    result = run.result or {}
    dataset = result.get("dataset", {})
    stored = artifacts.candle_store().newest(run.asset, run.exchange, run.timeframe)  # None: it was deleted since
    return {
        "result": result,
        "dataset": dataset,
        "first": moment(dataset["first_ns"]),
        "last": moment(dataset["last_ns"]),
        "missing": missing_ranges(run),
        "dataset_key": stored.key if stored else "",
        "dataset_value": f"{run.asset}|{run.exchange}|{run.timeframe}",
    }
