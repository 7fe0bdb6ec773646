"""Base of the administration's pages: staff may look, and JSON is shown as text."""

import json
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from runs.models import Run, Trial

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
else:
    ModelAdmin = admin.ModelAdmin  # generic for the type checker only


class LookOnly(ModelAdmin):
    """Staff may look; nothing is added or edited by hand, because a hand knows neither guards nor fences."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return is_staff(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002
        return is_staff(request)

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002
        """Nobody."""
        return False


class TellsErrors(LookOnly):
    """Rows that may carry an error: where and how it failed."""

    @admin.display(description="Traceback")
    def trace(self, row: Run | Trial) -> SafeString | str:
        """Where it failed, as the strategy's author reads it."""
        return format_html('<pre class="trace">{}</pre>', row.error_stack_trace) if row.error_stack_trace else "—"

    @admin.display(description="Bar, parameters, position")
    def where_it_failed(self, row: Run | Trial) -> SafeString | str:
        return pretty_json(row.error_detail)


def is_staff(request: HttpRequest) -> bool:
    """Whether the request is an active staff member's."""
    return bool(request.user.is_active and getattr(request.user, "is_staff", False))


def pretty_json(value: Any) -> SafeString | str:
    """Return JSON as indented text, or a dash."""
    if not value:
        return "—"
    return format_html('<pre class="trace">{}</pre>', json.dumps(value, indent=1, ensure_ascii=False))
