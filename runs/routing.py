"""Addresses of the websockets."""

from typing import Any

from django.urls import path, re_path

from runs.live.sockets import NowhereSocket, RunListSocket, RunSocket
from runs.models import all_kinds

websocket_urlpatterns: list[Any] = [
    *(path(f"ws/{kind.plural}/<uuid:run_id>", RunSocket(kind.name)) for kind in all_kinds()),  # type: ignore[arg-type]
    path("ws/runs", RunListSocket()),  # type: ignore[arg-type]
    # Without it the router raises for an unknown address, and the browser would try again and again.
    re_path("", NowhereSocket()),  # type: ignore[arg-type]
]
