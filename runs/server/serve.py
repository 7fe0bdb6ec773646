"""Start of the web server, and when it must not be started.

Daphne is imported only where it serves: its import installs an event loop for the whole process.
"""

import ipaddress

from django.conf import settings
from django.contrib.auth.models import User
from django.utils.module_loading import import_string


def why_not_to_listen(host: str) -> str | None:
    """Return why the product must not listen on `host`, or None when it may.

    Loopback is always fine. Any other address lets strangers knock: it takes a password and a list of the names under
    which the server is reached.
    """
    if is_loopback(host):
        return None
    if not settings.ALGOTRADE_HOSTS:
        return (
            f"{host} can be reached from other machines. Set ALGOTRADE_HOSTS to the names under which people will open "
            "AlgoTrade, separated by commas (for example trading.example.com), or listen on 127.0.0.1."
        )
    if not any(user.has_usable_password() for user in User.objects.filter(is_active=True)):
        return (
            f"{host} can be reached from other machines and nobody has a password yet. Set one with "
            "manage.py changepassword, or listen on 127.0.0.1."
        )
    return None


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def serve(host: str, port: int) -> None:
    """Serve pages, API and websockets until SIGTERM or SIGINT.

    Args:
        host: address to listen on.
        port: port to listen on.

    Raises:
        SystemExit: the port is taken.
    """
    from runs.server.admission import sender_of
    from runs.server.limits import LimitedServer

    address = host.strip("[]").replace(":", r"\:")  # a colon separates parts of Twisted's endpoint
    LimitedServer(
        sender_of=sender_of,
        application=import_string(settings.ASGI_APPLICATION),
        endpoints=[f"tcp:port={port}:interface={address}"],
    ).run()
