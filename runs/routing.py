"""Addresses of the websockets."""

from typing import Any

from django.urls import path, re_path

from runs.consumers import NowhereSocket, RunListSocket, RunSocket

websocket_urlpatterns: list[Any] = [
    path("ws/backtests/<uuid:run_id>", RunSocket()),  # type: ignore[arg-type]
    path("ws/runs", RunListSocket()),  # type: ignore[arg-type]
    # Without it the router raises for an unknown address, and the browser would try again and again.
    re_path("", NowhereSocket()),  # type: ignore[arg-type]
]
