"""The app's entry in INSTALLED_APPS."""

from importlib import import_module

from django.apps import AppConfig

from algotrade.lifeline import keep_private


class RunsConfig(AppConfig):
    """Runs: backtests and optimizations."""

    name = "runs"
    verbose_name = "Runs"

    def ready(self) -> None:
        """Shut the process (strategies run as the same user, and it knows passwords); make the kinds of runs known."""
        keep_private()
        import_module("runs.kinds")
