"""Administration: runs and workers to look at, runs to cancel and delete, tokens to revoke."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.actions import delete_selected
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from runs.actions.verbs import delete_run
from runs.admin.base import LookOnly, TellsErrors, is_staff, pretty_json
from runs.models import Run, RunState, Worker
from runs.models.access import ApiToken
from runs.templatetags.numbers import duration, when

admin.site.site_header = "AlgoTrade administration"
admin.site.site_title = "AlgoTrade administration"
admin.site.index_title = "Runs, workers and people"
admin.site.site_url = "/runs"

# The queue's own pages would let people edit pickled payloads and schedule any function by name.
for _model in [model for model in admin.site._registry if model._meta.app_label == "django_q"]:
    admin.site.unregister(_model)

HEAVY = ("spec", "inputs", "live", "result", "error_detail", "error_stack_trace")
"""Columns that a list does not read: they are the bulk of a row."""


@admin.register(Run)
class RunAdmin(TellsErrors):
    """Runs: find one, see why it failed, cancel it, delete it once it has ended."""

    list_display = (
        "label",
        "state_pill",
        "progress",
        "user",
        "strategy_name",
        "dataset",
        "submitted",
        "took",
        "attempt",
    )
    list_display_links = ("label",)
    list_filter = ("state", "kind", "strategy_name", "asset", "timeframe", "user", "created_at")
    list_select_related = ("user",)
    list_per_page = 50
    show_full_result_count = False
    search_fields = (
        "=number",
        "strategy_name",
        "asset",
        "user__username",
        "error_type",
        "error_message",
        "note__title",
        "note__tags",
    )
    search_help_text = "Number, strategy, asset, user, error, title, tag"
    date_hierarchy = "created_at"
    ordering = ("-number",)
    actions = ("cancel_selected", "delete_selected")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "label",
                    "id",
                    "state_pill",
                    "progress",
                    "phase",
                    "notice",
                    "user",
                    "dataset",
                    "strategy_name",
                )
            },
        ),
        ("Trials", {"fields": ("trials_link", "failed", "reused", "best", "chunks_link", "repeats")}),
        ("Error", {"fields": ("error_type", "error_message", "trace", "where_it_failed")}),
        ("Times", {"fields": ("created_at", "queued_at", "started_at", "attempt_started_at", "finished_at", "took")}),
        ("Claim", {"fields": ("attempt", "crashes", "owner", "beat", "rev", "updated_at")}),
        ("What was asked", {"fields": ("run_key", "asked", "meant")}),
        ("Result", {"fields": ("artifact", "total_return", "sharpe_ratio", "max_drawdown", "n_trades")}),
    )

    class Media:
        css = {"all": ("css/admin.css",)}  # noqa: RUF012 - the form that the framework reads

    def get_queryset(self, request: HttpRequest) -> QuerySet[Run]:
        """Leave the heavy columns for the page of one run."""
        return Run.objects.visible_to(request.user).defer(*HEAVY)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Staff may delete what has ended."""
        return is_staff(request) and (not isinstance(obj, Run) or obj.is_terminal)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Say of the usual deletion what it does here."""
        actions: dict[str, Any] = super().get_actions(request)
        if "delete_selected" in actions:
            actions["delete_selected"] = (delete_selected, "delete_selected", "Delete selected finished runs")
        return actions

    @admin.action(description="Cancel selected runs")
    def cancel_selected(self, request: HttpRequest, queryset: QuerySet[Run]) -> None:
        """Cancel what is active; what has ended meanwhile stays as it is."""
        if not is_staff(request):
            self.message_user(request, "Only staff may cancel runs.", messages.ERROR)
            return
        cancelled = [run for run in queryset if run.mark_cancelled()]
        for run in cancelled:
            self.log_change(request, run, "Cancelled.")
        n_ended = len(queryset) - len(cancelled)
        text = f"Cancelled: {len(cancelled):,}." + (f" Already ended: {n_ended:,}." if n_ended else "")
        self.message_user(request, text, messages.SUCCESS if cancelled else messages.WARNING)

    def delete_model(self, request: HttpRequest, obj: Run) -> None:  # noqa: ARG002
        """Delete a run with its files."""
        delete_run(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Run]) -> None:  # noqa: ARG002
        """Delete runs with their files; one that became active meanwhile stays."""
        for run in queryset:
            delete_run(run)

    @admin.display(description="Run", ordering="number")
    def label(self, run: Run) -> str:
        return str(run)

    @admin.display(description="State", ordering="state")
    def state_pill(self, run: Run) -> SafeString:
        return format_html('<span class="pill {}">{}</span>', run.state, run.get_state_display())

    @admin.display(description="Progress")
    def progress(self, run: Run) -> SafeString | str:
        if run.state == RunState.COMPLETED:
            return f"{run.total:,}"
        return format_html(
            '<progress max="{}" value="{}"></progress> {} of {}',
            run.total,
            run.processed,
            f"{run.processed:,}",
            f"{run.total:,}",
        )

    @admin.display(description="Trials")
    def trials_link(self, run: Run) -> SafeString | str:
        """The way to the trials of an optimization, and to those that failed."""
        if not run.sources:
            return "—"
        address = f"{reverse('admin:runs_trial_changelist')}?run__exact={run.pk}"
        text = '<a href="{}">{} trials</a>, <a href="{}&amp;is_failed__exact=1">{} failed</a>'
        return format_html(text, address, f"{run.processed:,}", address, f"{run.failed:,}")

    @admin.display(description="Best trial")
    def best(self, run: Run) -> str:
        """The best trial and its objective."""
        return "—" if run.best_trial is None else f"Trial {run.best_trial + 1:,}: {run.best_value:.6g}"

    @admin.display(description="Chunks")
    def chunks_link(self, run: Run) -> SafeString | str:
        """The way to the ranges of trials that workers hold, or that wait for one."""
        if not run.sources:
            return "—"
        address = f"{reverse('admin:runs_chunk_changelist')}?run__exact={run.pk}"
        return format_html('<a href="{}">{} chunks</a>', address, f"{run.chunks.count():,}")

    @admin.display(description="Repeats")
    def repeats(self, run: Run) -> SafeString | str:
        """The trial that a backtest repeats."""
        if run.repeated_run is None or run.repeated_trial is None:
            return "—"
        address = reverse("admin:runs_run_change", args=[run.repeated_run_id])
        return format_html('Trial {} of <a href="{}">{}</a>', f"{run.repeated_trial + 1:,}", address, run.repeated_run)

    @admin.display(description="Dataset", ordering="asset")
    def dataset(self, run: Run) -> str:
        return f"{run.asset} {run.timeframe}"

    @admin.display(description="Submitted (UTC)", ordering="created_at")
    def submitted(self, run: Run) -> str:
        """When it was asked for, written as on the pages."""
        return when(run.created_at)

    @admin.display(description="Duration")
    def took(self, run: Run) -> str:
        """How long its last attempt took or has taken."""
        seconds = run.elapsed_seconds
        return "—" if seconds is None else duration(seconds)

    @admin.display(description="Spec")
    def asked(self, run: Run) -> SafeString | str:
        return pretty_json(run.spec)

    @admin.display(description="Inputs")
    def meant(self, run: Run) -> SafeString | str:
        """What the spec's names stood for."""
        return pretty_json(run.inputs)


@admin.register(Worker)
class WorkerAdmin(LookOnly):
    """Worker processes and what they work on."""

    list_display = ("host", "pid", "alive", "run", "memory", "version", "started_at", "seen_at")
    list_select_related = ("run",)
    ordering = ("-seen_at",)

    @admin.display(description="Alive", boolean=True)
    def alive(self, worker: Worker) -> bool:
        """Whether it gave a sign of life within the lease."""
        return worker.is_alive

    @admin.display(description="Memory", ordering="memory_bytes")
    def memory(self, worker: Worker) -> str:
        return f"{worker.memory_bytes / 1e6:,.0f} MB"


@admin.register(ApiToken)
class ApiTokenAdmin(LookOnly):
    """Bearer tokens: who has one, when it was used; deleting one revokes it."""

    list_display = ("__str__", "user", "created_at", "last_used_at")
    list_select_related = ("user",)
    list_filter = ("user",)
    fields = ("name", "user", "created_at", "last_used_at")
    readonly_fields = ("created_at", "last_used_at")

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002
        """Staff may revoke."""
        return is_staff(request)
