"""The page on which runs and trials stand side by side."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from runs import throttle
from runs.models import IllegalTransition, Run
from runs.optimizations import verbs
from runs.views.comparison import LEAST, MOST, Subject, UnknownReferenceError, differing, groups_of, subject_of
from runs.views.responses import viewer

MOST_REFERENCES = 20
"""References of one address that are looked at."""


@require_GET
def compare(request: HttpRequest) -> HttpResponse:
    """Show two to six runs and trials side by side: `?r=b1207&r=o482.2918`; what an address lacks is told."""
    subjects, problems = _subjects(request, request.GET.getlist("r"))
    is_narrow, is_whole = "differences" in request.GET, "all" in request.GET
    if not problems and len(subjects) == 1:
        problems.append("Add a second run to compare with.")
    context: dict[str, Any] = {"nav": "compare", "subjects": subjects, "problems": problems, "most": MOST}
    if len(subjects) >= LEAST:
        groups = groups_of(subjects, is_whole=is_whole)
        chosen = differing(groups) if is_narrow else groups
        context |= {
            "groups": chosen,
            "n_hidden": sum(len(group.rows) for group in groups) - sum(len(group.rows) for group in chosen),
            "is_narrow": is_narrow,
            "is_whole": is_whole,
            "addresses": {
                "all_rows": _address(subjects, is_narrow=False, is_whole=is_whole),
                "differences": _address(subjects, is_narrow=True, is_whole=is_whole),
                "headline": _address(subjects, is_narrow=is_narrow, is_whole=False),
                "all_metrics": _address(subjects, is_narrow=is_narrow, is_whole=True),
            },
            "columns": [
                (
                    one,
                    _address([other for other in subjects if other is not one], is_narrow=is_narrow, is_whole=is_whole),
                )
                for one in subjects
            ],
            "curves": _curves(subjects),
            "n_lacking": sum(one.lacks_curve for one in subjects),
            "n_drawing": sum(one.is_drawing for one in subjects),
        }
    return render(request, "runs/compare.html", context, status=400 if problems and request.GET.getlist("r") else 200)


@require_POST
def compare_curves(request: HttpRequest) -> HttpResponse:
    """Run the compared trials that have no equity to draw as backtests of their own, then compare again."""
    subjects, _ = _subjects(request, request.POST.getlist("r"))
    user = viewer(request)
    for one in subjects:
        if not one.lacks_curve or one.trial is None:
            continue
        wait = throttle.take(f"submit-{throttle.PAGE_SUBMISSIONS}", user.pk, throttle.PAGE_SUBMISSIONS)
        if wait:
            messages.error(request, f"Too many submissions in a minute. Try again in {wait} s.")
            break
        try:
            verbs.repeat(one.trial, user)
        except IllegalTransition as error:
            messages.error(request, str(error))
    return HttpResponseRedirect(
        _address(subjects, is_narrow="differences" in request.POST, is_whole="all" in request.POST)
    )


def _subjects(request: HttpRequest, references: list[str]) -> tuple[list[Subject], list[str]]:
    """Return what is compared, each once, and what is wrong with the other references."""
    runs = Run.objects.visible_to(request.user)
    found: dict[str, Subject] = {}
    problems: list[str] = []
    for reference in references[:MOST_REFERENCES]:
        if not reference.strip():
            continue
        try:
            subject = subject_of(reference.strip(), runs)
        except UnknownReferenceError as error:
            problems.append(str(error))
        else:
            found.setdefault(subject.reference, subject)
    if len(found) > MOST:
        problems.append(f"At most {MOST} can be compared; the first {MOST} of {len(found)} are shown.")
    return list(found.values())[:MOST], problems


def _address(subjects: list[Subject], *, is_narrow: bool, is_whole: bool) -> str:
    query = [("r", one.reference) for one in subjects]
    query += [(name, "1") for name, is_set in (("differences", is_narrow), ("all", is_whole)) if is_set]
    return f"{reverse('compare')}?{urlencode(query)}"


def _curves(subjects: list[Subject]) -> list[dict[str, Any]]:
    """Return what the chart needs to draw the equity of those columns that have one."""
    are_of_one = len({one.of for one in subjects if one.trial is not None}) == 1
    return [
        {
            "name": one.name if are_of_one or not one.of else f"{one.name}, {one.of}",
            "place": place,
            "url": reverse("backtest_series", args=[one.backtest.id]),
            "initial": one.spec.initial_cash,
            "start": one.spec.start_ns // 10**9,
            "end": one.spec.end_ns // 10**9,
        }
        for place, one in enumerate(subjects, 1)
        if one.backtest is not None and one.has_curve
    ]
