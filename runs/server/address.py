"""Address: under which people reach this machine's web server, published by the server itself while it runs."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

DEFAULT_HOST, DEFAULT_PORT = "127.0.0.1", 8000
_THIS_MACHINE = {"0.0.0.0": "127.0.0.1", "::": "::1"}
"""What reaches a server that listens on every address, by how that is written."""


def base_url(host: str, port: int) -> str:
    """Return scheme, name and port under which people reach a server that listens on `host` and `port`.

    The name is the first of ALGOTRADE_HOSTS, where it is set: the server answers to no other. Behind a proxy that
    speaks https the port is the proxy's.
    """
    names = (known.lstrip(".") for known in settings.ALGOTRADE_HOSTS if known != "*")
    name = next(names, reached_at(host))
    shown = f"[{name}]" if ":" in name and not name.startswith("[") else name
    return f"https://{shown}" if settings.ALGOTRADE_TLS else f"http://{shown}:{port}"


def reached_at(host: str) -> str:
    """Return where this machine itself reaches a server that listens on `host`."""
    listening = host.strip("[]")
    return _THIS_MACHINE.get(listening, listening)


@contextmanager
def published(host: str, port: int) -> Iterator[None]:
    """Publish the address for commands of this home while the block runs; a second server on it publishes nothing."""
    with _path().open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield
            return
        file.truncate(0)
        file.write(base_url(host, port))
        file.flush()
        yield


def running_url() -> str | None:
    """Return the address of the web server that runs on this home; None when none does."""
    try:
        with _path().open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:  # a lock ends with its process, however that ends
                return file.read().strip() or None
    except FileNotFoundError:
        return None
    return None


def _path() -> Path:
    path: Path = settings.ALGOTRADE_HOME / "web.address"
    return path
