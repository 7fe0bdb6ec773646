"""The list of runs: a page of it, what is new, its rows while they live, and all of it as a file."""

import uuid
from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET
from django_htmx.http import push_url

from algotrade.strategies.catalog import title_of
from runs import artifacts, fragments
from runs.backtests.form import BacktestForm
from runs.datasets.usage import names_of
from runs.display import listing
from runs.display.listing import NEWEST, RunQuery
from runs.display.spreadsheets import sent_as_csv
from runs.models import Run, RunState, all_kinds
from runs.views.responses import HtmxHttpRequest

MOST_POLLED_ROWS = 100
COLUMNS = (
    ("Status", ()),
    ("Run", ()),
    ("Strategy", ()),
    ("Dataset, range", ()),
    ("Result", (("return", "Return"), ("sharpe", "Sharpe"), ("objective", "Objective"))),
    ("Progress, duration", (("duration", "Progress, duration"),)),
    ("Submitted", (("number", "Submitted"),)),
)
"""Heading and, where the list may be sorted by it, key and label of each way."""


@require_GET
def runs(request: HtmxHttpRequest) -> HttpResponse:
    """Show the runs that the address asks for: the page, or for a script the list alone."""
    visible = Run.objects.visible_to(request.user)
    run_query = RunQuery.of(request.GET)
    newest = visible.order_by("-number").values_list("pk", flat=True).first() or 0
    context = {"nav": "runs", "run_query": run_query, "newest": newest, **_listed(request, run_query)}
    if request.htmx and not request.htmx.history_restore_request:
        part = render(request, "runs/_list.html", context)
        return push_url(part, _address(run_query.query(page=context["page"].at.number)))
    context |= {"filters": _filters(run_query), "sample_form": None if newest else _sample_form()}
    return render(request, "runs/list.html", context)


def _listed(request: HttpRequest, run_query: RunQuery) -> dict[str, Any]:
    """Return what the list itself shows."""
    page = listing.page_of(Run.objects.visible_to(request.user), run_query)
    return {
        "page": page,
        "rows": fragments.render_rows(page.rows, is_frame=False),
        "tabs": _tabs(page.counts, run_query),
        "columns": [{"label": label, "sorts": [_sort(run_query, *way) for way in ways]} for label, ways in COLUMNS],
        "previous": _address(run_query.query(page=page.at.number - 1)) if page.at.has_previous() else "",
        "next": _address(run_query.query(page=page.at.number + 1)) if page.at.has_next() else "",
        "here": _address(run_query.query()),
        "csv": f"{reverse('runs_csv')}?{run_query.query()}",
        "query": run_query.query(),
    }


def _sort(run_query: RunQuery, key: str, label: str) -> dict[str, str]:
    """Return the link that sorts by `key`: the largest first, and the other way round when it does so already."""
    is_down = run_query.sort == f"-{key}"
    order = "descending" if is_down else "ascending" if run_query.sort == key else ""
    return {"label": label, "order": order, "url": _address(run_query.query(sort=key if is_down else f"-{key}"))}


def _tabs(counts: Mapping[str, int], run_query: RunQuery) -> list[dict[str, Any]]:
    """Return the tabs above the list; a status that nobody has is left out, unless it is the chosen one."""
    tabs = [("", "All", sum(counts.values()))]
    tabs += [(state.value, str(state.label), counts.get(state.value, 0)) for state in RunState]
    return [
        {
            "label": label,
            "count": n,
            "is_current": value == run_query.status,
            "url": _address(run_query.query(status=value)),
        }
        for value, label, n in tabs
        if n or value == run_query.status or not value
    ]


def _filters(run_query: RunQuery) -> list[dict[str, Any]]:
    """Return the selects of the filter form: name, label, what all of them is called, and what there is."""
    stored = [names_of(dataset) for dataset in artifacts.candle_store().datasets()]
    there = listing.choices(Run.objects.all(), stored)
    datasets = [("|".join(names), f"{names[0]} {names[2]} · {names[1]}") for names in there["datasets"]]
    selects = [
        ("kind", "Kind", "All kinds", [(kind.name, f"{kind.label}s") for kind in all_kinds()]),
        ("strategy", "Strategy", "All strategies", [(name, title_of(name)) for name in there["strategies"]]),
        ("dataset", "Dataset", "All datasets", datasets),
        ("tag", "Tag", "All tags", [(tag, tag) for tag in there["tags"]]),
    ]
    return [
        {"name": name, "label": label, "everything": everything, "choices": _with(choices, getattr(run_query, name))}
        for name, label, everything, choices in selects
        if choices or getattr(run_query, name)
    ]


def _with(choices: list[tuple[str, str]], chosen: str) -> list[tuple[str, str, bool]]:
    """Return choices with whether each is chosen; a chosen one that no run has is offered, too, so that it is seen."""
    known = choices if not chosen or chosen in dict(choices) else [*choices, (chosen, chosen.replace("|", " "))]
    return [(value, label, value == chosen) for value, label in known]


def _address(query: str) -> str:
    return reverse("runs") + (f"?{query}" if query else "")


def _sample_form() -> list[tuple[str, Any]] | None:
    """Return the hidden fields of a first backtest, or None while there is nothing to run it on."""
    form = BacktestForm(artifacts.catalog(), artifacts.candle_store())
    if form.dataset is None or form.strategy is None:
        return None
    return [(name, value) for name, value in form.unchanged().items() if value is not False]


@require_GET
def runs_news(request: HttpRequest) -> HttpResponse:
    """Return how many runs that pass the filters came after the newest one that the page knows, and today's counts."""
    run_query, visible = RunQuery.of(request.GET), Run.objects.visible_to(request.user)
    after = request.GET.get("after", "")
    known = int(after) if after.isdecimal() and len(after) < 19 else 0
    n_new = run_query.matching(visible.filter(pk__gt=known)).order_by().count()
    tabs = _tabs(listing.state_counts(visible, run_query), run_query)
    here = _address(run_query.query(sort=NEWEST))
    return render(request, "runs/_news.html", {"n_new": n_new, "here": here, "tabs": tabs, "is_frame": True})


@require_GET
def runs_live(request: HttpRequest) -> HttpResponse:
    """Return the rows of the named runs: what the list asks for while its socket is down."""
    ids = [value for value in request.GET.getlist("id")[:MOST_POLLED_ROWS] if _is_uuid(value)]
    found = Run.objects.visible_to(request.user).for_rows().filter(id__in=ids)
    return HttpResponse("".join(fragments.render_rows(list(found))))


@require_GET
def runs_csv(request: HttpRequest) -> HttpResponseBase:
    """Send the runs that pass the filters as CSV, in the order that is asked for."""
    found = RunQuery.of(request.GET).matching(Run.objects.visible_to(request.user))
    return sent_as_csv(request, listing.csv_lines(found), "runs.csv")


def _is_uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True
