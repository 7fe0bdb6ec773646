"""The app's entry in INSTALLED_APPS."""

from django.apps import AppConfig


class RunsConfig(AppConfig):
    """Runs: backtests and optimizations."""

    name = "runs"
    verbose_name = "Runs"
