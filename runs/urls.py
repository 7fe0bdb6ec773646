"""Addresses of the pages and of their parts."""

from django.urls import path, re_path
from django.urls.resolvers import URLPattern, URLResolver
from django.views.generic import RedirectView

from runs import views, views_report, views_search, views_submit, views_trial

urlpatterns: list[URLPattern | URLResolver] = [
    path("", RedirectView.as_view(pattern_name="runs"), name="home"),
    path("runs", views.run_list, name="runs"),
    path("runs/live", views.runs_live, name="runs_live"),
    path("backtests/new", views_submit.backtest_new, name="backtest_new"),
    path("backtests/new/check", views_submit.backtest_check, name="backtest_check"),
    path("backtests/new/fields", views_submit.backtest_fields, name="backtest_fields"),
    path("backtests/<uuid:run_id>", views.backtest, name="backtest"),
    path("backtests/<uuid:run_id>/live", views.backtest_live, name="backtest_live"),
    path("backtests/<uuid:run_id>/cancel", views.backtest_cancel, name="backtest_cancel"),
    path("backtests/<uuid:run_id>/again", views_submit.backtest_again, name="backtest_again"),
    path("backtests/<uuid:run_id>/series.json", views_report.backtest_series, name="backtest_series"),
    path("backtests/<uuid:run_id>/log", views_report.backtest_log, name="backtest_log"),
    re_path(
        r"^backtests/(?P<run_id>[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})/(?P<table>trades|orders|equity)$",
        views_report.backtest_table,
        name="backtest_table",
    ),
    path("optimizations/<uuid:run_id>", views_search.optimization, name="optimization"),
    path("optimizations/<uuid:run_id>/live", views_search.optimization_live, name="optimization_live"),
    path("optimizations/<uuid:run_id>/cancel", views_search.optimization_cancel, name="optimization_cancel"),
    path("optimizations/<uuid:run_id>/finish", views_search.optimization_finish, name="optimization_finish"),
    path("optimizations/<uuid:run_id>/resume", views_search.optimization_resume, name="optimization_resume"),
    path("optimizations/<uuid:run_id>/retry", views_search.optimization_retry, name="optimization_retry"),
    path("optimizations/<uuid:run_id>/delete", views_search.optimization_delete, name="optimization_delete"),
    path("optimizations/<uuid:run_id>/again", views_search.optimization_again, name="optimization_again"),
    path("optimizations/<uuid:run_id>/trials", views_trial.optimization_trials, name="optimization_trials"),
    path("optimizations/<uuid:run_id>/failures", views_trial.optimization_failures, name="optimization_failures"),
    path("optimizations/<uuid:run_id>/trials/<int:number>", views_trial.optimization_trial, name="optimization_trial"),
    path(
        "optimizations/<uuid:run_id>/trials/<int:number>/repeat",
        views_trial.optimization_repeat,
        name="optimization_repeat",
    ),
    path("data", views.data, name="data"),
    path("about", views.about, name="about"),
]
