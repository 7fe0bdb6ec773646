"""Title, notes and tags of a run: shown and changed in place on its page, or on a page of their own."""

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from algotrade.errors import SpecError
from runs import notes
from runs.models import Note, Run
from runs.models.note import LONGEST_NOTES, LONGEST_TITLE
from runs.views.answers import is_htmx


@require_http_methods(["GET", "POST"])
def run_note(request: HttpRequest, run_id: uuid.UUID) -> HttpResponse:
    """Show the form (GET; `?show` what is written), or store what was typed (POST)."""
    run = get_object_or_404(Run.objects.visible_to(request.user).select_related("note"), id=run_id)
    if request.method == "GET" and "show" in request.GET:
        return _shown(request, run)
    get_object_or_404(Run.objects.manageable_by(request.user), id=run_id)
    if request.method == "GET":
        note = run.words or Note(run=run)
        return _form(request, run, {"title": note.title, "notes": note.notes, "tags": " ".join(note.tag_list)}, {})
    typed = {name: request.POST.get(name, "") for name in notes.FIELDS}
    try:
        words = notes.checked(typed)
    except SpecError as error:
        return _form(request, run, typed, error.fields)
    Note.objects.write(run, title=words.title, notes=words.notes, tags=words.tags)
    if not is_htmx(request):
        messages.success(request, "Saved.")
        return redirect(run)
    return _shown(request, Run.objects.select_related("note").get(pk=run.pk))


def _shown(request: HttpRequest, run: Run) -> HttpResponse:
    if not is_htmx(request):
        return redirect(run)
    context = {"run": run, "words": run.words, "may_manage": run.is_manageable_by(request.user)}
    return render(request, "runs/_words.html", context)


def _form(request: HttpRequest, run: Run, typed: dict[str, str], errors: dict[str, str]) -> HttpResponse:
    context: dict[str, Any] = {
        "nav": "runs",
        "run": run,
        "typed": typed,
        "errors": errors,
        "focused": next((name for name in notes.FIELDS if name in errors), "title"),
        "longest_title": LONGEST_TITLE,
        "longest_notes": LONGEST_NOTES,
    }
    # htmx puts no answer of 400 and above into the page.
    if is_htmx(request):
        return render(request, "runs/_words_form.html", context)
    return render(request, "runs/run_words.html", context, status=422 if errors else 200)
