"""Addresses of the websockets."""

from typing import Any

from django.urls import path, re_path

from runs.consumers import NowhereSocket, RunListSocket, RunSocket
from runs.models import RunKind

websocket_urlpatterns: list[Any] = [
    path("ws/backtests/<uuid:run_id>", RunSocket(RunKind.BACKTEST)),  # type: ignore[arg-type]
    path("ws/optimizations/<uuid:run_id>", RunSocket(RunKind.OPTIMIZATION)),  # type: ignore[arg-type]
    path("ws/downloads/<uuid:run_id>", RunSocket(RunKind.DOWNLOAD)),  # type: ignore[arg-type]
    path("ws/runs", RunListSocket()),  # type: ignore[arg-type]
    # Without it the router raises for an unknown address, and the browser would try again and again.
    re_path("", NowhereSocket()),  # type: ignore[arg-type]
]
