"""The live parts of a download's page, and its row in the list: which template, and what it says."""

from typing import Any

from algotrade.market.vendors.spec import DownloadSpec
from runs import artifacts
from runs.figures import moment
from runs.live_parts import header_context, progress_context, row_context
from runs.models import Run, RunState
from runs.phases import Partial, percent_done
from runs.traces import error_report

OUTCOMES = {
    RunState.PENDING: "runs/_progress.html",
    RunState.RUNNING: "runs/_progress.html",
    RunState.COMPLETED: "runs/_download_done.html",
    RunState.FAILED: "runs/_download_error.html",
    RunState.CANCELLED: "runs/_download_cancelled.html",
}


def partials(run: Run) -> list[Partial]:
    """Return template and context of each live part of the run's page."""
    common = common_context(run)
    return [
        ("runs/_header.html", {**common, **_header(run, common)}),
        (OUTCOMES[RunState(run.state)], {**common, **_progress(run), **_outcome(run)}),
    ]


def row_partial(run: Run) -> Partial:
    """Return template and context of the run's row in the list."""
    common = common_context(run)
    context = {
        **common,
        **row_context(run),
        "title": f"Candles from {common['exchange_title']}",
        "dataset_label": common["label"],
        "result_template": "runs/_download_row_result.html",
    }
    return "runs/_row.html", context


def common_context(run: Run) -> dict[str, Any]:
    """Return what every part may name."""
    spec = DownloadSpec.from_dict(run.spec)
    return {
        "run": run,
        "label": f"{run.asset} {run.timeframe}",
        "exchange_title": run.inputs.get("title", run.exchange),
        "start": moment(spec.start_ns),
        "end": moment(spec.end_ns),
    }


def missing_ranges(run: Run) -> list[dict[str, Any]]:
    """Return the ranges of bars that the exchange does not have."""
    return [
        {"first": moment(part["first_ns"]), "last": moment(part["last_ns"]), "n_bars": part["n_bars"]}
        for part in (run.result or {}).get("missing", [])
    ]


def _header(run: Run, common: dict[str, Any]) -> dict[str, Any]:
    return {
        **header_context(run, title=common["label"], completed=f"{run.processed:,} bars fetched."),
        "percent": percent_done(run),
        "header_facts": "runs/_download_header_facts.html",
        "header_news": "runs/_download_header_news.html",
        "headline": f"{common['label']} from {common['exchange_title']}",
        "wall_seconds": run.elapsed_seconds,
    }


def _progress(run: Run) -> dict[str, Any]:
    return {
        **progress_context(run),
        "progress_facts": "runs/_download_facts.html",
        "waiting": (run.live or {}).get("waiting") if run.state == RunState.RUNNING else None,
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
