"""Addresses of the pages and of their parts."""

from django.urls import path, re_path, register_converter
from django.urls.resolvers import URLPattern, URLResolver
from django.views.generic import RedirectView

from runs import (
    views,
    views_bulk,
    views_compare,
    views_data,
    views_downloads,
    views_list,
    views_notes,
    views_report,
    views_search,
    views_search_data,
    views_search_submit,
    views_submit,
    views_trials,
    views_uploads,
)


class TrialNumber:
    """A trial in an address: counted from 1, as people see it on the page; rows count from 0."""

    regex = "[1-9][0-9]{0,8}"

    def to_python(self, value: str) -> int:
        """Return the row's number."""
        return int(value) - 1

    def to_url(self, value: int) -> str:
        """Return the number that people see."""
        return str(value + 1)


class DatasetKey:
    """A dataset in an address: asset, exchange and timeframe, as the candle store names it."""

    regex = "[A-Za-z0-9][A-Za-z0-9._-]{0,39}-[A-Za-z0-9][A-Za-z0-9._~]{0,39}-[0-9]{1,5}[smhdw]"

    def to_python(self, value: str) -> str:
        """Return the key."""
        return value

    def to_url(self, value: str) -> str:
        """Return the key."""
        return value


register_converter(TrialNumber, "trial")
register_converter(DatasetKey, "dataset")

urlpatterns: list[URLPattern | URLResolver] = [
    path("", RedirectView.as_view(pattern_name="runs"), name="home"),
    path("runs", views_list.runs, name="runs"),
    path("runs.csv", views_list.runs_csv, name="runs_csv"),
    path("runs/live", views_list.runs_live, name="runs_live"),
    path("runs/news", views_list.runs_news, name="runs_news"),
    path("runs/bulk", views_bulk.runs_bulk, name="runs_bulk"),
    path("runs/<uuid:run_id>/note", views_notes.run_note, name="run_note"),
    path("backtests/new", views_submit.backtest_new, name="backtest_new"),
    path("backtests/new/check", views_submit.backtest_check, name="backtest_check"),
    path("backtests/new/fields", views_submit.backtest_fields, name="backtest_fields"),
    path("backtests/<uuid:run_id>", views.backtest, name="backtest"),
    path("backtests/<uuid:run_id>/live", views.backtest_live, name="backtest_live"),
    path("backtests/<uuid:run_id>/cancel", views.backtest_cancel, name="backtest_cancel"),
    path("backtests/<uuid:run_id>/again", views_submit.backtest_again, name="backtest_again"),
    path("backtests/<uuid:run_id>/series.json", views_report.backtest_series, name="backtest_series"),
    path("backtests/<uuid:run_id>/candles.json", views_report.backtest_candles, name="backtest_candles"),
    path("backtests/<uuid:run_id>/log", views_report.backtest_log, name="backtest_log"),
    re_path(
        r"^backtests/(?P<run_id>[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})/(?P<table>trades|orders|equity|candles)$",
        views_report.backtest_table,
        name="backtest_table",
    ),
    path("optimizations/new", views_search_submit.optimization_new, name="optimization_new"),
    path("optimizations/new/check", views_search_submit.optimization_check, name="optimization_check"),
    path("optimizations/new/fields", views_search_submit.optimization_fields, name="optimization_fields"),
    path("optimizations/<uuid:run_id>/objective.json", views_search_data.objective_data, name="optimization_objective"),
    path("optimizations/<uuid:run_id>/grid.json", views_search_data.grid_data, name="optimization_grid"),
    path("optimizations/<uuid:run_id>/slices.json", views_search_data.slices_data, name="optimization_slices"),
    path("optimizations/<uuid:run_id>/parallel.json", views_search_data.parallel_data, name="optimization_parallel"),
    path("optimizations/<uuid:run_id>/trials.csv", views_search_data.trials_csv, name="optimization_trials_csv"),
    path("optimizations/<uuid:run_id>/trials.json", views_search_data.trials_json, name="optimization_trials_json"),
    path("optimizations/<uuid:run_id>", views_search.optimization, name="optimization"),
    path("optimizations/<uuid:run_id>/live", views_search.optimization_live, name="optimization_live"),
    path("optimizations/<uuid:run_id>/cancel", views_search.optimization_cancel, name="optimization_cancel"),
    path("optimizations/<uuid:run_id>/finish", views_search.optimization_finish, name="optimization_finish"),
    path("optimizations/<uuid:run_id>/resume", views_search.optimization_resume, name="optimization_resume"),
    path("optimizations/<uuid:run_id>/retry", views_search.optimization_retry, name="optimization_retry"),
    path("optimizations/<uuid:run_id>/delete", views_search.optimization_delete, name="optimization_delete"),
    path("optimizations/<uuid:run_id>/again", views_search.optimization_again, name="optimization_again"),
    path("optimizations/<uuid:run_id>/trials", views_trials.optimization_trials, name="optimization_trials"),
    path("optimizations/<uuid:run_id>/failures", views_trials.optimization_failures, name="optimization_failures"),
    path(
        "optimizations/<uuid:run_id>/trials/<trial:number>", views_trials.optimization_trial, name="optimization_trial"
    ),
    path(
        "optimizations/<uuid:run_id>/trials/<trial:number>/candles.json",
        views_trials.optimization_trial_candles,
        name="optimization_trial_candles",
    ),
    path(
        "optimizations/<uuid:run_id>/trials/<trial:number>/repeat",
        views_trials.optimization_repeat,
        name="optimization_repeat",
    ),
    path("compare", views_compare.compare, name="compare"),
    path("compare/curves", views_compare.compare_curves, name="compare_curves"),
    path("data/download", views_downloads.download_new, name="download_new"),
    path("data/download/check", views_downloads.download_check, name="download_check"),
    path("downloads/<uuid:run_id>", views_downloads.download, name="download"),
    path("downloads/<uuid:run_id>/live", views_downloads.download_live, name="download_live"),
    path("downloads/<uuid:run_id>/cancel", views_downloads.download_cancel, name="download_cancel"),
    path("downloads/<uuid:run_id>/resume", views_downloads.download_resume, name="download_resume"),
    path("downloads/<uuid:run_id>/delete", views_downloads.download_delete, name="download_delete"),
    path("data", views_data.data, name="data"),
    path("data/import", views_uploads.upload_new, name="upload_new"),
    path("data/imports/<uuid:upload_id>", views_uploads.upload_page, name="upload"),
    path("data/imports/<uuid:upload_id>/live", views_uploads.upload_live, name="upload_live"),
    path("data/imports/<uuid:upload_id>/cancel", views_uploads.upload_cancel, name="upload_cancel"),
    path("data/imports/<uuid:upload_id>/discard", views_uploads.upload_discard, name="upload_discard"),
    path("data/<dataset:key>", views_data.dataset, name="dataset"),
    path("data/<dataset:key>/candles.json", views_data.dataset_candles, name="dataset_candles"),
    path("data/<dataset:key>/resample", views_data.dataset_resample, name="dataset_resample"),
    path("data/<dataset:key>/delete", views_data.dataset_delete, name="dataset_delete"),
    path("about", views.about, name="about"),
]
