"""Addresses of the pages and of their parts."""

from django.urls import path, re_path, register_converter
from django.urls.resolvers import URLPattern, URLResolver
from django.views.generic import RedirectView

from runs.models import Kind, all_kinds
from runs.optimizations.charts import CHARTS
from runs.views import (
    about,
    backtest_forms,
    backtests,
    bulk,
    compare,
    datasets,
    downloads,
    notes,
    optimization_data,
    optimization_forms,
    optimizations,
    report,
    report_files,
    run_list,
    run_pages,
    trials,
    uploads,
)


class TrialNumber:
    """A trial in an address: counted from 1, as people see it on the page; rows count from 0."""

    regex = "[1-9][0-9]{0,8}"

    def to_python(self, value: str) -> int:
        return int(value) - 1

    def to_url(self, value: int) -> str:
        """Return the number that people see."""
        return str(value + 1)


class DatasetKey:
    """A dataset in an address: asset, exchange and timeframe, as the candle store names it."""

    regex = "[A-Za-z0-9][A-Za-z0-9._-]{0,39}-[A-Za-z0-9][A-Za-z0-9._~]{0,39}-[0-9]{1,5}[smhdw]"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


class ReportFile:
    """A table of a report that can be had as a file."""

    regex = "trades|orders|equity"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(TrialNumber, "trial")
register_converter(ReportFile, "report_file")
register_converter(DatasetKey, "dataset")


EXTRA_CONTEXT = {"backtest": backtests.extra_context, "optimization": optimizations.extra_context}
"""What the pages of some kinds show besides what they show of every kind."""


def _shared(kind: Kind) -> list[URLPattern]:
    """Return the addresses that every kind has: a run's page, its live parts, and a page or an answer for each verb."""
    views = {
        "cancel": run_pages.run_cancel,
        "delete": run_pages.run_delete,
        "finish": run_pages.run_finish,
        "resume": run_pages.run_resume,
        "retry": run_pages.run_retry,
    }
    page = path(
        f"{kind.plural}/<uuid:run_id>",
        run_pages.run_page,
        {"kind": kind, "extra_context": EXTRA_CONTEXT.get(kind.name)},
        kind.name,
    )
    named = {"live": run_pages.run_live} | {verb: view for verb, view in views.items() if verb in kind.verbs}
    return [page] + [
        path(f"{kind.plural}/<uuid:run_id>/{name}", view, {"kind": kind}, f"{kind.name}_{name}")
        for name, view in named.items()
    ]


urlpatterns: list[URLPattern | URLResolver] = [
    path("", RedirectView.as_view(pattern_name="runs"), name="home"),
    path("runs", run_list.runs, name="runs"),
    path("runs.csv", run_list.runs_csv, name="runs_csv"),
    path("runs/live", run_list.runs_live, name="runs_live"),
    path("runs/news", run_list.runs_news, name="runs_news"),
    path("runs/bulk", bulk.runs_bulk, name="runs_bulk"),
    *(address for kind in all_kinds() for address in _shared(kind)),
    path("runs/<uuid:run_id>/note", notes.run_note, name="run_note"),
    path("backtests/new", backtest_forms.backtest_new, name="backtest_new"),
    path("backtests/new/check", backtest_forms.backtest_check, name="backtest_check"),
    path("backtests/new/fields", backtest_forms.backtest_fields, name="backtest_fields"),
    path("backtests/<uuid:run_id>/again", backtest_forms.backtest_again, name="backtest_again"),
    path("backtests/<uuid:run_id>/series.json", report.backtest_series, name="backtest_series"),
    path("backtests/<uuid:run_id>/candles.json", report.backtest_candles, name="backtest_candles"),
    path("backtests/<uuid:run_id>/log", report.backtest_log, name="backtest_log"),
    path("backtests/<uuid:run_id>/<report_file:table>.csv", report_files.backtest_csv, name="backtest_csv"),
    re_path(
        r"^backtests/(?P<run_id>[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})/(?P<table>trades|orders|equity|candles)$",
        report.backtest_table,
        name="backtest_table",
    ),
    path("optimizations/new", optimization_forms.optimization_new, name="optimization_new"),
    path("optimizations/new/check", optimization_forms.optimization_check, name="optimization_check"),
    path("optimizations/new/fields", optimization_forms.optimization_fields, name="optimization_fields"),
    *(
        path(
            f"optimizations/<uuid:run_id>/{chart}.json",
            optimization_data.chart_data,
            {"chart": chart},
            f"optimization_{chart}",
        )
        for chart in CHARTS
    ),
    path("optimizations/<uuid:run_id>/trials.csv", optimization_data.trials_csv, name="optimization_trials_csv"),
    path("optimizations/<uuid:run_id>/trials.json", optimization_data.trials_json, name="optimization_trials_json"),
    path("optimizations/<uuid:run_id>/again", optimizations.optimization_again, name="optimization_again"),
    path("optimizations/<uuid:run_id>/trials", trials.optimization_trials, name="optimization_trials"),
    path("optimizations/<uuid:run_id>/failures", trials.optimization_failures, name="optimization_failures"),
    path("optimizations/<uuid:run_id>/trials/<trial:number>", trials.optimization_trial, name="optimization_trial"),
    path(
        "optimizations/<uuid:run_id>/trials/<trial:number>/candles.json",
        trials.optimization_trial_candles,
        name="optimization_trial_candles",
    ),
    path(
        "optimizations/<uuid:run_id>/trials/<trial:number>/repeat",
        trials.optimization_repeat,
        name="optimization_repeat",
    ),
    path("compare", compare.compare, name="compare"),
    path("compare/curves", compare.compare_curves, name="compare_curves"),
    path("data/download", downloads.download_new, name="download_new"),
    path("data/download/check", downloads.download_check, name="download_check"),
    path("data", datasets.data, name="data"),
    path("data/import", uploads.upload_new, name="upload_new"),
    path("data/imports/<uuid:upload_id>", uploads.upload_page, name="upload"),
    path("data/imports/<uuid:upload_id>/live", uploads.upload_live, name="upload_live"),
    path("data/imports/<uuid:upload_id>/cancel", uploads.upload_cancel, name="upload_cancel"),
    path("data/imports/<uuid:upload_id>/discard", uploads.upload_discard, name="upload_discard"),
    path("data/<dataset:key>", datasets.dataset, name="dataset"),
    path("data/<dataset:key>/candles.json", datasets.dataset_candles, name="dataset_candles"),
    path("data/<dataset:key>/resample", datasets.dataset_resample, name="dataset_resample"),
    path("data/<dataset:key>/delete", datasets.dataset_delete, name="dataset_delete"),
    path("about", about.about, name="about"),
]
