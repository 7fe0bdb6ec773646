"""The pages of datasets: the list, one with its versions, gaps and bars, longer bars of it, deleting it."""

import uuid
from datetime import UTC, datetime
from typing import Any

import numpy as np
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from algotrade.errors import MarketDataError
from algotrade.market.bars import DAY_NS, Bars, timeframe_ns
from algotrade.market.calendar import empty_days, find_gaps, trades_on_weekends
from algotrade.market.resample import longer_timeframes
from algotrade.market.store import Dataset
from runs import artifacts
from runs.backtests.price import windowed
from runs.datasets import usage
from runs.display.fields import dataset_value
from runs.display.figures import moment
from runs.downloads.history import was_downloaded
from runs.models import Upload
from runs.views.uploads import uploads

GAPS_PER_PAGE = 20
VERSIONS_SHOWN = 50
DAYS_SHOWN = 60
BARS_AROUND = 10


@require_GET
def data(request: HttpRequest) -> HttpResponse:
    """List the datasets, and the files that wait to be imported."""
    n_runs = usage.usage()
    found, problems = artifacts.candle_store().survey()
    rows = [
        {
            "dataset": item,
            "value": dataset_value(item),
            "first": moment(item.first_ns),
            "last": moment(item.last_ns),
            "n_runs": n_runs[usage.names_of(item)],
        }
        for item in found
    ]
    context = {
        "nav": "data",
        "datasets": rows,
        "problems": problems,
        "waiting": uploads(request).waiting(),
        "then": "data",
    }
    return render(request, "data/list.html", context)


@require_GET
def dataset(request: HttpRequest, key: str) -> HttpResponse:
    """Show one dataset, its newest version or the one asked for."""
    return _page(request, _found(key, request.GET.get("version")))


@require_GET
@gzip_page
def dataset_candles(request: HttpRequest, key: str) -> HttpResponse:
    """Return the candles of a range; `chosen_window` tells what the address may say."""
    try:
        bars = artifacts.candle_store().load(_found(key, request.GET.get("version")))
    except MarketDataError as error:
        return JsonResponse({"error": str(error)}, status=404)
    return JsonResponse(windowed(bars, request.GET.dict()), json_dumps_params={"separators": (",", ":")})


def _found(key: str, version: str | None = None) -> Dataset:
    try:
        return artifacts.candle_store().by_key(key, version or None)
    except MarketDataError as error:
        raise Http404(str(error)) from error


def _page(request: HttpRequest, item: Dataset, *, problem: str = "", status: int = 200) -> HttpResponse:
    store = artifacts.candle_store()
    versions = store.versions(item)
    newest = versions[0] if versions else item
    n_runs = usage.usage()[usage.names_of(item)]
    context: dict[str, Any] = {
        "nav": "data",
        "dataset": item,
        "value": dataset_value(item),
        "first": moment(item.first_ns),
        "last": moment(item.last_ns),
        "last_moment": moment(item.last_ns).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "stored_at": moment(item.history.stored_ns) if item.history.stored_ns else None,
        "is_newest": item.version == newest.version,
        "n_runs": n_runs,
        "was_downloaded": was_downloaded(item),
        "why_kept": usage.why_kept(item),
        "versions": [_version(one, len(versions) - at) for at, one in enumerate(versions[:VERSIONS_SHOWN])],
        "n_older": max(0, len(versions) - VERSIONS_SHOWN),
        "longer": longer_timeframes(item.timeframe),
        "origin": _origin(item),
        "imported": _imported(request, item),
        "problem": problem,
    }
    try:
        bars = store.load(item)
    except MarketDataError as error:
        context["problem"] = f"{error} Import these candles again."
        return render(request, "data/dataset.html", context, status=status)
    step_ns = timeframe_ns(item.timeframe)
    gaps = find_gaps(bars.time, step_ns, item.calendar)
    page = Paginator(gaps, GAPS_PER_PAGE).get_page(request.GET.get("page"))
    days = empty_days(bars.time, step_ns, item.calendar)
    context |= {
        "page": page,
        "gaps": [_gap(bars, gap.after_ns, gap.before_ns, gap.n_missing) for gap in page],
        "is_daily": step_ns >= DAY_NS,
        "day_word": "day" if trades_on_weekends(bars.time, item.calendar) else "weekday",
        "n_empty_days": len(days),
        "empty_days": [_empty_day(bars, day) for day in days[:DAYS_SHOWN]],
        "n_more_days": max(0, len(days) - DAYS_SHOWN),
        "around": _around(bars, {gap.before_ns: gap.n_missing for gap in gaps}, request.GET.get("at", "")),
    }
    return render(request, "data/dataset.html", context, status=status)


def _version(one: Dataset, number: int) -> dict[str, Any]:
    return {
        "number": number,
        "dataset": one,
        "first": moment(one.first_ns),
        "last": moment(one.last_ns),
        "stored_at": moment(one.history.stored_ns) if one.history.stored_ns else None,
        "changes": one.history.changes.summary if one.history.changes else "",
    }


def _gap(bars: Bars, after_ns: int, before_ns: int, n_missing: int) -> dict[str, Any]:
    row = int(np.searchsorted(bars.time, after_ns))
    return {"after": moment(after_ns), "before": moment(before_ns), "n_missing": n_missing, **_sides(bars, row)}


def _empty_day(bars: Bars, day_ns: int) -> dict[str, Any]:
    """Return a day without any bar: its date, and the way to where it would be."""
    noon = day_ns + DAY_NS // 2  # lies within the local day of nearly every calendar
    row = max(int(np.searchsorted(bars.time, noon)) - 1, 0)
    day = moment(day_ns)
    return {"day": day, "label": f"no bar on {day:%Y-%m-%d}", **_sides(bars, row)}


def _sides(bars: Bars, row: int) -> dict[str, Any]:
    """Return the numbers, from 0, of the bars at both sides of a gap, which lead a chart there, and the time of one."""
    return {"at": moment(bars.time[row]).strftime("%Y-%m-%dT%H:%M:%SZ"), "first_bar": row, "last_bar": row + 1}


def _around(bars: Bars, missing: dict[int, int], asked: str) -> dict[str, Any] | None:
    """Return the bars on both sides of a moment, and how many are missing before each; None when none is asked for."""
    try:
        at = datetime.fromisoformat(asked)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    if not 1700 < at.year < 2250:
        return None
    middle = int(np.searchsorted(bars.time, int(at.timestamp()) * 1_000_000_000))
    first, last = max(0, middle - BARS_AROUND), min(len(bars), middle + BARS_AROUND)
    rows = [
        {
            "time": moment(int(bars.time[row])),
            "open": float(bars.open[row]),
            "high": float(bars.high[row]),
            "low": float(bars.low[row]),
            "close": float(bars.close[row]),
            "volume": float(bars.volume[row]),
            "n_missing": missing.get(int(bars.time[row]), 0),
        }
        for row in range(first, last)
    ]
    return {"at": at, "rows": rows}


def _origin(item: Dataset) -> dict[str, Any] | None:
    """Return what a dataset was put together from, and whether that has changed since."""
    if not item.history.derived_from:
        return None
    try:
        source = artifacts.candle_store().by_key(item.history.derived_from)
    except MarketDataError:
        return {"source": None, "version": item.history.derived_version, "is_outdated": False}
    is_outdated = source.version != item.history.derived_version
    return {"source": source, "version": item.history.derived_version, "is_outdated": is_outdated}


def _imported(request: HttpRequest, item: Dataset) -> Upload | None:
    """Return the import that has just led here."""
    try:
        upload = uploads(request).filter(id=uuid.UUID(request.GET.get("imported", ""))).first()
    except ValueError:
        return None
    return upload if upload is not None and (upload.stored or {}).get("key") == item.key else None


@require_POST
def dataset_resample(request: HttpRequest, key: str) -> HttpResponse:
    """Put bars together to a longer timeframe, and lead there."""
    item = _found(key, request.POST.get("version"))
    try:
        made, is_new = usage.make_longer(item, request.POST.get("timeframe", "")[:20])
    except MarketDataError as error:
        return _page(request, item, problem=str(error), status=409 if isinstance(error, usage.InUse) else 422)
    words = "a new version" if is_new else "no new version: the same bars were stored already"
    messages.info(request, f"{made.label}: {made.n_bars:,} bars, {words}.")
    return redirect("dataset", made.key)


@require_http_methods(["GET", "POST"])
def dataset_delete(request: HttpRequest, key: str) -> HttpResponse:
    """Ask whether to delete a dataset; a POST deletes it, unless a run used it."""
    item = _found(key)
    reason = usage.why_kept(item)
    if request.method == "GET":
        return render(request, "data/delete.html", {"nav": "data", "dataset": item, "reason": reason})
    try:
        usage.delete(item)
    except usage.InUse as error:
        return _page(request, item, problem=str(error), status=409)
    messages.info(request, f"{item.label} on {item.exchange} was deleted.")
    return redirect("data")
