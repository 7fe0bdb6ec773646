"""Administration of optimizations' rows: trials with their errors, and the chunks that workers hold."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator

from runs.admin.base import LookOnly, TellsErrors, pretty_json
from runs.models import Chunk, Run, Trial
from runs.optimizations.plan import metrics_of, plan_of
from runs.templatetags.numbers import milliseconds


@admin.register(Trial)
class TrialAdmin(TellsErrors):
    """Trials of optimizations: find one, see why it failed."""

    list_display = ("label", "run", "status", "objective", "took", "error_type", "said", "error_place", "is_reused")
    list_display_links = ("label",)
    list_filter = ("is_failed", "is_eligible", "is_reused", "error_type", "run__strategy_name", "run__user")
    list_select_related = ("run",)
    list_per_page = 50
    show_full_result_count = False
    search_fields = ("=run__number", "error_type", "error_message", "error_place")
    search_help_text = "Number of the optimization, error"
    ordering = ("-run", "number")
    fieldsets = (
        (None, {"fields": ("label", "run_link", "status", "parameters", "objective", "took", "rev", "source")}),
        ("Error", {"fields": ("error_type", "error_message", "error_place", "trace", "where_it_failed")}),
        ("Metrics", {"fields": ("all_metrics",)}),
    )

    class Media:
        css = {"all": ("css/admin.css",)}  # noqa: RUF012 - the form that the framework reads

    def get_queryset(self, request: HttpRequest) -> QuerySet[Trial]:
        """Leave the heavy columns for the page of one trial."""
        visible = Run.objects.visible_to(request.user)
        return Trial.objects.filter(run__in=visible).defer("metrics", "error_stack_trace", "error_detail")

    @admin.display(description="Trial", ordering="number")
    def label(self, trial: Trial) -> str:
        return str(trial)

    @admin.display(description="Optimization")
    def run_link(self, trial: Trial) -> SafeString:
        """The way back to its run."""
        return format_html('<a href="{}">{}</a>', reverse("admin:runs_run_change", args=[trial.run_id]), trial.run)

    @admin.display(description="Status", ordering="is_failed")
    def status(self, trial: Trial) -> SafeString:
        """Whether it failed, in its colour."""
        state = "failed" if trial.is_failed else "completed"
        return format_html('<span class="pill {}">{}</span>', state, state.capitalize())

    @admin.display(description="Duration", ordering="duration_ms")
    def took(self, trial: Trial) -> str:
        return milliseconds(trial.duration_ms)

    @admin.display(description="Message", ordering="error_message")
    def said(self, trial: Trial) -> str:
        """The beginning of what the exception said."""
        return Truncator(trial.error_message).chars(80)

    @admin.display(description="Parameters")
    def parameters(self, trial: Trial) -> SafeString | str:
        return pretty_json(plan_of(trial.run).parameters(trial.combination))

    @admin.display(description="All metrics")
    def all_metrics(self, trial: Trial) -> SafeString | str:
        return pretty_json(metrics_of(trial))


@admin.register(Chunk)
class ChunkAdmin(LookOnly):
    """Ranges of trials that workers hold, or that wait for one."""

    list_display = ("__str__", "run", "first", "count", "owner", "beat", "crashes")
    list_select_related = ("run",)
    list_filter = ("run__strategy_name",)
    search_fields = ("=run__number", "owner")
    ordering = ("-run", "first")
