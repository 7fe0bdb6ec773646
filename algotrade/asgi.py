"""The door for web servers: HTTP to Django, websockets to the live sockets, nothing else."""

import os

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "algotrade.settings")
# Django must be set up before anything that knows models is imported.
http = get_asgi_application()

from runs.consumers import SameOrigin  # noqa: E402
from runs.routing import websocket_urlpatterns  # noqa: E402

application = ProtocolTypeRouter({"http": http, "websocket": SameOrigin(URLRouter(websocket_urlpatterns))})
