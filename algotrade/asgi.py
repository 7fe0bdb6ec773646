"""The door for web servers: HTTP to Django, websockets to the live sockets, nothing else."""

import os

import django
from asgiref.sync import sync_to_async
from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest, HttpResponseBase

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "algotrade.settings")
# Django must be set up before anything that knows models is imported.
django.setup(set_prefix=False)

from runs.live.sockets import SameOrigin  # noqa: E402
from runs.routing import websocket_urlpatterns  # noqa: E402


class OneThreadHandler(ASGIHandler):
    """Django's handler, with all middlewares and the view of a request in one thread.

    All of ours are synchronous. Django's own goes back to the event loop for each middleware that could be otherwise,
    and waits its turn each time: a submission took 21 ms of processor time, and takes 12.
    """

    def load_middleware(self, is_async: bool = False) -> None:  # noqa: ARG002 - Django's signature
        """Make the chain a synchronous one."""
        super().load_middleware(is_async=False)

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        """Answer, in the request's thread."""
        return await sync_to_async(self.get_response)(request)


application = ProtocolTypeRouter(
    {"http": OneThreadHandler(), "websocket": SameOrigin(URLRouter(websocket_urlpatterns))}
)
