"""Administration of files on their way in: what waits, whose it is, and what is wrong with it."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.utils.html import format_html
from django.utils.safestring import SafeString

from runs.admin.base import LookOnly, is_staff, pretty_json
from runs.datasets import files
from runs.models import Upload, UploadState
from runs.templatetags.numbers import when

PILLS = {UploadState.CHECKED: "pending", UploadState.IMPORTED: "completed"}
"""Colour of a state, as runs have them; what is being worked on looks like a run that does."""


@admin.register(Upload)
class UploadAdmin(LookOnly):
    """Files of candles that people sent: find one, see why it cannot be taken, discard what waits."""

    list_display = ("name", "state_pill", "user", "size", "n_errors", "first_error", "sent", "changed")
    list_filter = ("state", "user", "created_at")
    list_select_related = ("user",)
    list_per_page = 50
    search_fields = ("name", "user__username")
    search_help_text = "File, user"
    ordering = ("-created_at",)
    actions = ("discard_selected",)
    fields = (
        "name", "id", "state_pill", "user", "size", "phase", "n_errors", "all_errors", "said", "outcome", "owner",
        "rev", "sent", "changed",
    )  # fmt: skip

    class Media:
        css = {"all": ("css/admin.css",)}  # noqa: RUF012 - the form that the framework reads

    def get_queryset(self, request: HttpRequest) -> QuerySet[Upload]:
        """Leave out what files hold: a person's candles are looked at on the product's own page."""
        return Upload.objects.visible_to(request.user).defer("preview")

    @admin.action(description="Discard selected waiting files")
    def discard_selected(self, request: HttpRequest, queryset: QuerySet[Upload]) -> None:
        """Discard what waits; what was imported, or is being stored, stays."""
        if not is_staff(request):
            self.message_user(request, "Only staff may discard files.", messages.ERROR)
            return
        waiting = [upload for upload in queryset if upload.state != UploadState.IMPORTED and not upload.is_storing]
        n_kept = len(queryset) - len(waiting)
        for upload in waiting:
            self.log_change(request, upload, "Discarded.")
            files.discard(upload)
        text = f"Discarded: {len(waiting):,}." + (f" Imported already or being stored: {n_kept:,}." if n_kept else "")
        self.message_user(request, text, messages.SUCCESS if waiting else messages.WARNING)

    @admin.display(description="State", ordering="state")
    def state_pill(self, upload: Upload) -> SafeString:
        colour = "failed" if upload.n_errors else PILLS.get(UploadState(upload.state), "running")
        return format_html('<span class="pill {}">{}</span>', colour, upload.get_state_display())

    @admin.display(description="Size", ordering="size_bytes")
    def size(self, upload: Upload) -> str:
        return str(filesizeformat(upload.size_bytes))

    @admin.display(description="First error")
    def first_error(self, upload: Upload) -> str:
        """The beginning of what is wrong."""
        return str(upload.errors[0])[:100] if upload.errors else "\N{EM DASH}"

    @admin.display(description="Errors")
    def all_errors(self, upload: Upload) -> SafeString | str:
        """What is wrong, as far as it is told."""
        return pretty_json(upload.errors)

    @admin.display(description="What was said")
    def said(self, upload: Upload) -> SafeString | str:
        return pretty_json(upload.options)

    @admin.display(description="Outcome")
    def outcome(self, upload: Upload) -> SafeString | str:
        return pretty_json(upload.stored)

    @admin.display(description="Sent (UTC)", ordering="created_at")
    def sent(self, upload: Upload) -> str:
        return when(upload.created_at)

    @admin.display(description="Changed (UTC)", ordering="updated_at")
    def changed(self, upload: Upload) -> str:
        """When something last happened to it."""
        return when(upload.updated_at)
