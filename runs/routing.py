"""Addresses of the websockets."""

from django.urls import path, re_path

from runs.consumers import NowhereSocket, RunListSocket, RunSocket

websocket_urlpatterns = [
    path("ws/backtests/<uuid:run_id>", RunSocket()),
    path("ws/runs", RunListSocket()),
    # Without it the router raises for an unknown address, and the browser would try again and again.
    re_path("", NowhereSocket()),
]
