"""Title, notes and tags of a run: shown and changed in place on its page, or on a page of their own."""

import uuid
from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from runs.actions import notes
from runs.display.fields import CheckedForm, PlainField, text_input
from runs.models import Note, Run
from runs.models.note import LONGEST_NOTES, LONGEST_TITLE
from runs.views.responses import HtmxHttpRequest


class NoteForm(CheckedForm):
    """Title, tags and notes of a run.

    Attributes:
        text: what was written, once the form is valid.
    """

    text: notes.NoteText

    def __init__(self, data: Mapping[str, Any] | None = None, initial: Mapping[str, Any] | None = None) -> None:
        super().__init__(data, initial, auto_id="note-%s")
        title = text_input(maxlength=str(LONGEST_TITLE), autofocus=not self.is_bound)
        tags = text_input(autocapitalize="off", spellcheck="false")
        lines = forms.Textarea({"rows": "5", "cols": False, "maxlength": str(LONGEST_NOTES)})
        self.fields |= {
            "title": PlainField("Title", title, bounds=f"up to {LONGEST_TITLE} characters"),
            "tags": PlainField("Tags", tags, bounds="separated by spaces"),
            "notes": PlainField("Notes", lines, is_wide=True),
        }

    def check(self) -> None:
        """Ask the validator.

        Raises:
            SpecError: something is wrong.
        """
        self.text = notes.checked(self.cleaned_data)


@require_http_methods(["GET", "POST"])
def run_note(request: HtmxHttpRequest, run_id: uuid.UUID) -> HttpResponse:
    """Show the form (GET; `?show` what is written), or store what was typed (POST)."""
    run = get_object_or_404(Run.objects.visible_to(request.user).select_related("note"), id=run_id)
    if request.method == "GET" and "show" in request.GET:
        return _shown(request, run)
    get_object_or_404(Run.objects.manageable_by(request.user), id=run_id)
    if request.method == "GET":
        note = run.note_or_none or Note(run=run)
        written = {"title": note.title, "notes": note.notes, "tags": " ".join(note.tag_list)}
        return _form(request, run, NoteForm(initial=written))
    form = NoteForm(request.POST)
    if not form.is_valid():
        return _form(request, run, form)
    Note.objects.write(run, title=form.text.title, notes=form.text.notes, tags=form.text.tags)
    if not request.htmx:
        messages.success(request, "Saved.")
        return redirect(run)
    return _shown(request, Run.objects.select_related("note").get(pk=run.pk))


def _shown(request: HtmxHttpRequest, run: Run) -> HttpResponse:
    if not request.htmx:
        return redirect(run)
    context = {"run": run, "note": run.note_or_none, "may_manage": run.is_manageable_by(request.user)}
    return render(request, "runs/_note.html", context)


def _form(request: HtmxHttpRequest, run: Run, form: NoteForm) -> HttpResponse:
    context = {"nav": "runs", "run": run, "form": form}
    # htmx puts no answer of 400 and above into the page.
    if request.htmx:
        return render(request, "runs/_note_form.html", context)
    return render(request, "runs/note.html", context, status=422 if form.errors else 200)
